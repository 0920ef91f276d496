"""Every kind of module against torch's own arithmetic, in files as Torch7 writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from t7_writing import Longs, Obj, module, save
from torch import Tensor
from torch.nn import functional as F

import lamina as lm
from lamina import interop
from lamina.errors import InteropError
from lamina.shapes import Shape

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
R = np.random.default_rng(5)


def w(*sizes: int) -> np.ndarray:
    return R.normal(size=sizes).astype("f4") / 2


def t(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


Case = tuple[Obj, tuple[int, ...] | np.ndarray, Callable[[Tensor], Tensor], Shape | None]
CASES: dict[str, Case] = {}


def case(name: str, net: Obj, x: Any, oracle: Callable[..., Any], shape: Shape | None = None) -> None:
    CASES[name] = (net, x, oracle, shape)


A, B, C = w(4, 6), w(4), w(3, 6)
LIN = module("Linear", weight=A, bias=B)


def lin(x: Tensor) -> Tensor:
    return F.linear(x, t(A), t(B))


for _name, _fields, _oracle in [
    ("Tanh", {}, torch.tanh),
    ("Sigmoid", {}, torch.sigmoid),
    ("ReLU", {"threshold": 0.0, "val": 0.0}, torch.relu),
    ("Threshold", {"threshold": 0.2, "val": -1.0}, lambda x: F.threshold(x, 0.2, -1.0)),
    ("ReLU6", {}, F.relu6),
    ("SoftSign", {}, F.softsign),
    ("LogSigmoid", {}, F.logsigmoid),
    ("TanhShrink", {}, F.tanhshrink),
    ("HardTanh", {"min_val": -0.5, "max_val": 0.25}, lambda x: F.hardtanh(x, -0.5, 0.25)),
    ("Clamp", {"min_val": -1.0, "max_val": 1.0}, F.hardtanh),
    ("HardShrink", {"lambda": 0.3}, lambda x: F.hardshrink(x, 0.3)),
    ("SoftShrink", {"lambda": 0.3}, lambda x: F.softshrink(x, 0.3)),
    ("SoftPlus", {"beta": 2.0, "threshold": 20.0}, lambda x: F.softplus(x, 2.0)),
    ("ELU", {"alpha": 0.7}, lambda x: F.elu(x, 0.7)),
    ("LeakyReLU", {"negval": 0.2}, lambda x: F.leaky_relu(x, 0.2)),
    ("RReLU", {"lower": 0.1, "upper": 0.3}, lambda x: F.leaky_relu(x, 0.2)),
    ("Exp", {}, torch.exp),
    ("Abs", {}, torch.abs),
    ("Square", {}, torch.square),
    ("Power", {"pow": 3.0}, lambda x: x**3),
    ("MulConstant", {"constant_scalar": -1.5}, lambda x: x * -1.5),
    ("AddConstant", {"constant_scalar": 0.5}, lambda x: x + 0.5),
    ("SoftMax", {}, lambda x: x.softmax(1)),
    ("SoftMin", {}, lambda x: F.softmin(x, 1)),
    ("LogSoftMax", {}, lambda x: x.log_softmax(1)),
    ("Dropout", {"p": 0.4, "v2": True}, lambda x: x),
    ("Dropout", {"p": 0.4}, lambda x: x * 0.6),
    ("Identity", {}, lambda x: x),
    ("Normalize", {"p": 2.0, "eps": 1e-10}, lambda x: F.normalize(x, dim=1)),
    ("Mul", {"weight": w(1)}, None),
    ("Narrow", {"dimension": 2.0, "index": 2.0, "length": 2.0}, lambda x: x[:, 1:3]),
    ("Max", {"dimension": 2.0}, lambda x: x.max(1).values[:, None]),
    ("Mean", {"dimension": 1.0, "nInputDims": 1.0}, lambda x: x.mean(1)[:, None]),
    ("PReLU", {"nOutputPlane": 0.0, "weight": w(1)}, None),
]:
    if _oracle is None:
        _weight = t(_fields["weight"])
        _oracle = (lambda x, v=_weight: F.prelu(x, v)) if _name == "PReLU" else (lambda x, v=_weight: x * v)
    _key = _name if _name not in CASES else f"{_name}_1"
    case(_key, module("Sequential", LIN, module(_name, **_fields)), (5, 6), lambda x, f=_oracle: f(lin(x)))

K2, K1 = w(6, 3, 5, 2), w(6)
case(
    "SpatialConvolution",
    module("SpatialConvolution", weight=K2, bias=K1, nInputPlane=3.0, nOutputPlane=6.0, kH=5.0, kW=2.0, dH=2.0, dW=1.0, padH=1.0, padW=0.0),
    (2, 3, 9, 8),
    lambda x: F.conv2d(x, t(K2), t(K1), (2, 1), (1, 0)),
)
case(
    "cudnn.SpatialConvolution",
    module("cudnn.SpatialConvolution", weight=w(6, 1, 3, 3), nInputPlane=3.0, nOutputPlane=6.0, kH=3.0, kW=3.0, dH=1.0, dW=1.0, groups=3.0),
    (2, 3, 9, 8),
    lambda x: F.conv2d(x, t(CASES["cudnn.SpatialConvolution"][0].fields["weight"]), groups=3),
)
case(
    "SpatialConvolutionMM",
    module("SpatialConvolutionMM", weight=K2.reshape(6, 30), bias=K1, nInputPlane=3.0, nOutputPlane=6.0, kH=5.0, kW=2.0, padding=1.0),
    (2, 3, 9, 8),
    lambda x: F.conv2d(x, t(K2), t(K1), padding=1),
)
case(
    "SpatialDilatedConvolution",
    module(
        "SpatialDilatedConvolution", weight=K2, bias=K1, nInputPlane=3.0, nOutputPlane=6.0, kH=5.0, kW=2.0, dilationH=2.0, dilationW=3.0
    ),
    (2, 3, 12, 9),
    lambda x: F.conv2d(x, t(K2), t(K1), dilation=(2, 3)),
)
FULL = w(3, 4, 3, 3)
case(
    "SpatialFullConvolution",
    module(
        "SpatialFullConvolution",
        weight=FULL, bias=B, nInputPlane=3.0, nOutputPlane=4.0, kH=3.0, kW=3.0, dH=2.0, dW=2.0, padH=1.0, padW=1.0, adjH=1.0, adjW=0.0,
    ),
    (2, 3, 5, 4),
    lambda x: F.conv_transpose2d(x, t(FULL), t(B), 2, 1, (1, 0)),
)  # fmt: skip
TABLE = np.array([[1, 1], [2, 1], [3, 2], [1, 2]], "f4")
MAPPED = w(4, 3, 3)


def _mapped(x: Tensor) -> Tensor:
    full = np.zeros((2, 3, 3, 3), "f4")
    for (source, target), kernel in zip(TABLE.astype(int) - 1, MAPPED, strict=True):
        full[target, source] += kernel
    return F.conv2d(x, t(full), t(B[:2]))


case(
    "SpatialConvolutionMap",
    module("SpatialConvolutionMap", weight=MAPPED, bias=B[:2].copy(), connTable=TABLE, nInputPlane=3.0, nOutputPlane=2.0, kH=3.0, kW=3.0),
    (2, 3, 6, 6),
    _mapped,
)
DEPTH, DEPTHB = w(2, 3, 3, 3), w(2, 3)
case(
    "SpatialDepthWiseConvolution",
    module("SpatialDepthWiseConvolution", weight=DEPTH, bias=DEPTHB, nInputPlane=3.0, nOutputPlane=2.0, kH=3.0, kW=3.0),
    (2, 3, 6, 6),
    lambda x: torch.cat([F.conv2d(x[:, i : i + 1], t(DEPTH[:, i : i + 1]), t(DEPTHB[:, i])) for i in range(3)], 1),
)
LOCAL, LOCALB = w(3, 2, 4, 2, 2, 3), w(4, 3, 2)


def _local(x: Tensor) -> Tensor:
    rows = [
        [torch.einsum("nchw,ochw->no", x[:, :, i : i + 2, j : j + 3], t(LOCAL[i, j])) + t(LOCALB[:, i, j]) for j in range(2)]
        for i in range(3)
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], 2)


case(
    "SpatialConvolutionLocal",
    module("SpatialConvolutionLocal", weight=LOCAL, bias=LOCALB, nInputPlane=2.0, nOutputPlane=4.0, kH=2.0, kW=3.0, dH=1.0, dW=1.0),
    (2, 2, 4, 4),
    _local,
    lm.image(2, 4, 4),
)
K3 = w(4, 2, 2, 3, 2)
case(
    "VolumetricConvolution",
    module(
        "VolumetricConvolution",
        weight=K3,
        bias=B,
        nInputPlane=2.0,
        nOutputPlane=4.0,
        kT=2.0,
        kH=3.0,
        kW=2.0,
        dT=1.0,
        dH=2.0,
        dW=1.0,
        padT=1.0,
    ),
    (2, 2, 4, 7, 5),
    lambda x: F.conv3d(x, t(K3), t(B), (1, 2, 1), (1, 0, 0)),
)
case(
    "VolumetricMaxPooling",
    module(
        "Sequential",
        module("VolumetricConvolution", weight=K3, bias=B, nInputPlane=2.0, nOutputPlane=4.0, kT=2.0, kH=3.0, kW=2.0),
        module("VolumetricMaxPooling", kT=2.0, kH=2.0, kW=2.0, dT=1.0, dH=2.0, dW=2.0, padT=0.0, padH=1.0, padW=0.0, ceil_mode=False),
    ),
    (2, 2, 5, 7, 7),
    lambda x: F.max_pool3d(F.conv3d(x, t(K3), t(B)), 2, (1, 2, 2), (0, 1, 0)),
)
TEMP = w(4, 9)
case(
    "TemporalConvolution",
    module("TemporalConvolution", weight=TEMP, bias=B, inputFrameSize=3.0, outputFrameSize=4.0, kW=3.0, dW=2.0),
    (2, 9, 3),
    lambda x: torch.stack([F.linear(x[:, i : i + 3].flatten(1), t(TEMP), t(B)) for i in range(0, 7, 2)], 1),
)
case(
    "TemporalMaxPooling",
    module(
        "Sequential",
        module("TemporalConvolution", weight=TEMP, bias=B, inputFrameSize=3.0, outputFrameSize=4.0, kW=3.0, dW=1.0),
        module("TemporalMaxPooling", kW=2.0, dW=2.0),
        module("Max", dimension=2.0),
    ),
    (2, 9, 3),
    lambda x: F.max_pool1d(F.conv1d(x.mT, t(TEMP.reshape(4, 3, 3)).mT, t(B)), 2).max(2).values,
)
CONV = module("SpatialConvolution", weight=w(4, 3, 1, 1), bias=B, nInputPlane=3.0, nOutputPlane=4.0, kH=1.0, kW=1.0)


def conv(x: Tensor) -> Tensor:
    return F.conv2d(x, t(CONV.fields["weight"]), t(B))


BN = {"running_mean": w(4), "weight": w(4), "bias": w(4)}
VAR = np.abs(w(4)) + 0.5


def bn(x: Tensor, epsilon: float = 1e-3) -> Tensor:
    return F.batch_norm(x, t(BN["running_mean"]), t(VAR), t(BN["weight"]), t(BN["bias"]), eps=epsilon)


PER_CHANNEL = w(1, 4, 1, 1)
for _name, _fields, _oracle in [
    ("SpatialBatchNormalization", {**BN, "running_var": VAR, "eps": 1e-3, "momentum": 0.1}, bn),
    ("cudnn.SpatialBatchNormalization", {**BN, "running_std": 1 / np.sqrt(VAR + np.float32(1e-3)), "eps": 1e-3, "momentum": 0.1}, bn),
    ("InstanceNormalization", {"weight": w(4), "bias": w(4), "eps": 1e-4}, None),
    ("SpatialMaxPooling", {"kH": 3.0, "kW": 2.0, "dH": 2.0, "dW": 1.0, "padH": 1.0, "padW": 0.0, "ceil_mode": False},
     lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0))),
    ("SpatialMaxPooling", {"kH": 3.0, "kW": 3.0, "dH": 2.0, "dW": 2.0, "padH": 1.0, "padW": 1.0, "ceil_mode": True},
     lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("SpatialAveragePooling", {"kH": 2.0, "kW": 2.0, "dH": 2.0, "dW": 2.0, "padH": 1.0, "padW": 1.0, "count_include_pad": True},
     lambda x: F.avg_pool2d(x, 2, 2, 1)),
    ("SpatialAveragePooling", {"kH": 2.0, "kW": 2.0, "dH": 2.0, "dW": 2.0, "padH": 1.0, "padW": 1.0, "count_include_pad": False},
     lambda x: F.avg_pool2d(x, 2, 2, 1, count_include_pad=False)),
    ("SpatialAveragePooling", {"kH": 2.0, "kW": 2.0, "dH": 2.0, "dW": 2.0, "ceil_mode": True},
     lambda x: F.avg_pool2d(x, 2, 2, ceil_mode=True)),
    ("SpatialAveragePooling", {"kH": 2.0, "kW": 2.0, "dH": 2.0, "dW": 2.0, "divide": False}, lambda x: F.avg_pool2d(x, 2, 2) * 4),
    ("SpatialAdaptiveMaxPooling", {"W": 2.0, "H": 3.0}, lambda x: F.adaptive_max_pool2d(x, (3, 2))),
    ("SpatialAdaptiveAveragePooling", {"W": 2.0, "H": 3.0}, lambda x: F.adaptive_avg_pool2d(x, (3, 2))),
    ("SpatialUpSamplingNearest", {"scale_factor": 2.0}, lambda x: F.interpolate(x, scale_factor=2)),
    ("SpatialUpSamplingBilinear", {"scale_factor": 2.0}, lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)),
    ("PixelShuffle", {"upscaleFactor": 2.0}, lambda x: F.pixel_shuffle(x, 2)),
    ("SpatialZeroPadding", {"pad_l": 1.0, "pad_r": -1.0, "pad_t": 2.0, "pad_b": 0.0}, lambda x: F.pad(x, (1, -1, 2, 0))),
    ("SpatialReflectionPadding", {"pad_l": 1.0, "pad_r": 2.0, "pad_t": 2.0, "pad_b": 0.0}, lambda x: F.pad(x, (1, 2, 2, 0), "reflect")),
    ("SpatialReplicationPadding", {"pad_l": 1.0, "pad_r": 2.0, "pad_t": 2.0, "pad_b": 0.0}, lambda x: F.pad(x, (1, 2, 2, 0), "replicate")),
    ("Padding", {"dim": 1.0, "pad": 2.0, "nInputDim": 3.0, "value": 0.0}, lambda x: F.pad(x, (0, 0, 0, 0, 0, 2))),
    ("Padding", {"dim": 3.0, "pad": -2.0, "nInputDim": 3.0, "value": 0.5}, lambda x: F.pad(x, (2, 0), value=0.5)),
    ("SpatialCrossMapLRN", {"size": 3.0, "alpha": 0.1, "beta": 0.75, "k": 1.0}, lambda x: F.local_response_norm(x, 3, 0.1)),
    ("SpatialSoftMax", {}, lambda x: x.softmax(1)),
    ("SpatialLogSoftMax", {}, lambda x: x.log_softmax(1)),
    ("SpatialDropout", {"p": 0.25}, lambda x: x * 0.75),
    ("CMul", {"weight": PER_CHANNEL}, lambda x: x * t(PER_CHANNEL)),
    ("CAdd", {"bias": PER_CHANNEL}, lambda x: x + t(PER_CHANNEL)),
    ("Mean", {"dimension": 4.0}, lambda x: x.mean(3)),
    ("Sum", {"dimension": 2.0}, lambda x: x.sum(1)),
    ("Select", {"dimension": 2.0, "index": 3.0}, lambda x: x[:, 2]),
    ("Squeeze", {}, lambda x: x.squeeze()),
    ("GatedLinearUnit", {"dim": 2.0}, lambda x: F.glu(x, 1)),
    ("Transpose", {"permutations": [[2.0, 4.0]]}, lambda x: x.transpose(1, 3)),
]:  # fmt: skip
    if _name == "InstanceNormalization":
        _oracle = lambda x, f=dict(_fields): F.instance_norm(x, weight=t(f["weight"]), bias=t(f["bias"]), eps=1e-4)  # noqa: E731
    _key = f"image_{_name}"
    while _key in CASES:
        _key += "_"
    case(_key, module("Sequential", CONV, module(_name, **_fields)), (2, 3, 8, 6), lambda x, f=_oracle: f(conv(x)), lm.image(3, 8, 6))

case(
    "flattened_axes_last",
    module(
        "Sequential",
        CONV,
        module("Transpose", permutations=[[2.0, 4.0]]),
        module("View", size=Longs([-1, 192])),
        module("Linear", weight=w(3, 192)),
    ),
    (2, 3, 8, 6),
    lambda x: F.linear(conv(x).transpose(1, 3).flatten(1), t(CASES["flattened_axes_last"][0].fields["modules"][4].fields["weight"])),
    lm.image(3, 8, 6),
)
two = module("Linear", weight=C)
for _name, _join in [
    ("CAddTable", lambda a, b: a + b),
    ("CSubTable", lambda a, b: a - b),
    ("CMulTable", lambda a, b: a * b),
    ("CMaxTable", torch.maximum),
    ("CMinTable", torch.minimum),
    ("CAveTable", lambda a, b: (a + b) / 2),
    ("DotProduct", lambda a, b: (a * b).sum(1, keepdim=True)),
    ("CosineDistance", lambda a, b: F.cosine_similarity(a, b)[:, None]),
]:
    case(
        _name,
        module("Sequential", module("ConcatTable", two, module("Sequential", two, module("Tanh"))), module(_name)),
        (5, 6),
        lambda x, f=_join: f(F.linear(x, t(C)), F.linear(x, t(C)).tanh()),
    )
case(
    "JoinTable",
    module(
        "Sequential",
        module("ConcatTable", two, LIN, module("Identity")),
        module("NarrowTable", offset=1.0, length=2.0),
        module("JoinTable", dimension=1.0, nInputDims=1.0),
    ),
    (5, 6),
    lambda x: torch.cat([F.linear(x, t(C)), lin(x)], 1),
)
case("Concat", module("Concat", two, LIN, dimension=2.0), (5, 6), lambda x: torch.cat([F.linear(x, t(C)), lin(x)], 1))
case(
    "DepthConcat",
    module(
        "DepthConcat",
        CONV,
        module("SpatialConvolution", weight=w(2, 3, 4, 3), nInputPlane=3.0, nOutputPlane=2.0, kH=4.0, kW=3.0),
        dimension=2.0,
    ),
    (2, 3, 8, 6),
    lambda x: torch.cat([conv(x), F.pad(F.conv2d(x, t(CASES["DepthConcat"][0].fields["modules"][2].fields["weight"])), (1, 1, 1, 2))], 1),
    lm.image(3, 8, 6),
)
case(
    "Parallel",
    module("Sequential", module("View", size=Longs([2, 6])), module("Parallel", LIN, LIN, inputDimension=2.0, outputDimension=2.0)),
    (5, 12),
    lambda x: torch.cat([lin(x[:, :6]), lin(x[:, 6:])], 1),
)
case("Bottle", module("Bottle", LIN, nInputDim=2.0, nOutputDim=2.0), (2, 7, 6), lin, lm.sequence(None, 6))
case("Cosine", module("Cosine", weight=C), (5, 6), lambda x: F.normalize(x, dim=1) @ F.normalize(t(C), dim=1).T)
case(
    "LinearWeightNorm",
    module("LinearWeightNorm", v=C, g=w(3), bias=None),
    (5, 6),
    lambda x: x @ (F.normalize(t(C), dim=1) * t(CASES["LinearWeightNorm"][0].fields["g"])[:, None]).T,
)
case(
    "BatchNormalization",
    module("Sequential", LIN, module("BatchNormalization", **BN, running_var=VAR, eps=1e-3, momentum=0.1)),
    (5, 6),
    lambda x: bn(lin(x)),
)
case(
    "Replicate", module("Sequential", LIN, module("Replicate", nfeatures=3.0, dim=2.0)), (5, 6), lambda x: lin(x)[:, None].expand(-1, 3, -1)
)
case("wrapped", module("DontCast", module("Sequential", LIN)), (5, 6), lin)
WORDS = R.integers(1, 8, size=(4, 5))
case("LookupTable", module("LookupTable", weight=w(7, 3)), WORDS, lambda x: F.embedding(x - 1, t(CASES["LookupTable"][0].fields["weight"])))
case(
    "LookupTableMaskZero",
    module("LookupTableMaskZero", weight=w(8, 3)),
    WORDS - 1,
    lambda x: F.embedding(x, t(CASES["LookupTableMaskZero"][0].fields["weight"])),
)


@pytest.mark.parametrize("name", list(CASES))
def test_gives_what_torch_gives(name: str, tmp_path: Path) -> None:
    net, x, oracle, shape = CASES[name]
    given = x if isinstance(x, np.ndarray) else np.random.default_rng(3).normal(size=x).astype("f4")
    wanted = oracle(t(given)).numpy()
    for settings in ({}, {"ascii": True}, {"long": 4}):
        path = save(tmp_path / "net.t7", net, **settings)  # type: ignore[arg-type]
        model = interop.load(path, inputs=shape)
        found = model.predict(given)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_all_that_has_no_counterpart_is_said_at_once(tmp_path: Path) -> None:
    net = module("Sequential", LIN, module("MaskedSelect"), module("Power", pow=0.5), module("my.Own"), module("Tanh"))
    report = interop.inspect(save(tmp_path / "net.t7", net))
    assert [problem.got for problem in report.missing] == ["nn.MaskedSelect", "0.5", "my.Own"]
    assert "module 2 (nn.MaskedSelect)" in report.missing[0].where
    with pytest.raises(InteropError, match="IO004"):
        interop.load(tmp_path / "net.t7")


def test_a_setting_that_nobody_knows_is_said(tmp_path: Path) -> None:
    report = interop.inspect(save(tmp_path / "net.t7", module("Linear", weight=A, bias=B, surprising=3.5)))
    assert [str(remark) for remark in report.assumed] == [
        "module at the top (nn.Linear), surprising: 3.5, which is not known here, was taken to change nothing"
    ]


def test_weights_at_two_places_are_shared(tmp_path: Path) -> None:
    twins = module("Sequential", module("ParallelTable", LIN, module("Linear", weight=A, bias=B)), module("CSubTable"))
    model = interop.load(save(tmp_path / "net.t7", twins))
    assert sorted(model.parameters()) == ["linear_1_1/bias", "linear_1_1/weight"]
    x = {"input0": w(3, 6), "input1": w(3, 6)}
    np.testing.assert_allclose(model.predict(x), (x["input0"] - x["input1"]) @ A.T, rtol=1e-4, atol=1e-5)
