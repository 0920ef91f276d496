"""Layers that no genuine file shows, against arithmetic written out by hand from Caffe's documentation, or torch where it is the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lamina import interop
from lamina.errors import InteropError
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.protobuf.write import written
from lamina.model import Model

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
R = np.random.default_rng(5)
Blobs = dict[str, list[np.ndarray]]


def r(*sizes: int) -> np.ndarray:
    return R.normal(size=sizes).astype("float32")


def text(layers: str, **inputs: tuple[int, ...]) -> str:
    heads = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {" ".join(f"dim: {n}" for n in dims)} }} }} }}'
        for name, dims in inputs.items()
    ]
    return "\n".join([*heads, layers])


def files(folder: Path, prototxt: str, blobs: Blobs | None = None) -> list[Path]:
    (folder / "net.prototxt").write_text(prototxt)
    if blobs is None:
        return [folder / "net.prototxt"]
    layers = [
        {
            "name": name,
            "type": "X",
            "top": "t",
            "blobs": [{"shape": {"dim": list(a.shape)}, "data": a.reshape(-1).tolist()} for a in arrays],
        }
        for name, arrays in blobs.items()
    ]
    (folder / "w.caffemodel").write_bytes(written(SCHEMA, "NetParameter", {"name": "w", "layer": layers}))
    return [folder / "net.prototxt", folder / "w.caffemodel"]


def loaded(folder: Path, prototxt: str, blobs: Blobs | None = None) -> Model:
    imported = interop.read(files(folder, prototxt, blobs))
    assert imported.report.complete, imported.report
    return imported.model()


def one(kind: str, settings: str = "", bottoms: str = "x", name: str = "a") -> str:
    feeds = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {feeds} top: "{name}" {settings} }}'


def close(found: np.ndarray, wanted: Any, tolerance: float = 2e-6) -> None:
    wanted = np.asarray(wanted, "float64")
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    assert (np.abs(found - wanted) <= tolerance * (1 + np.abs(wanted))).all(), np.abs(found - wanted).max()


def t(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.astype("float64"))


X = r(2, 4, 5, 6)
POSITIVE = np.abs(X) + 0.1
W, B = r(6, 4, 3, 2), r(6)


def mvn(x: np.ndarray, axes: tuple[int, ...], variance: bool = True) -> np.ndarray:
    d = x - x.mean(axes, keepdims=True)
    return d / (np.sqrt((d**2).mean(axes, keepdims=True)) + 1e-9) if variance else d


def lrn_across(x: np.ndarray, n: int, alpha: float, beta: float, k: float) -> np.ndarray:
    out = np.empty_like(x)
    for c in range(x.shape[1]):
        part = x[:, max(0, c - n // 2) : c + n // 2 + 1]
        out[:, c] = x[:, c] / (k + alpha / n * (part**2).sum(1)) ** beta
    return out


def lrn_within(x: np.ndarray, n: int, alpha: float, beta: float) -> np.ndarray:
    out, p = np.empty_like(x), (n - 1) // 2
    height, width = x.shape[2:]
    for i in range(height):
        for j in range(width):
            top, left = i - p, j - p
            # Caffe's average counts the padding, as far as a window reaches into it.
            count = (min(top + n, height + p) - top) * (min(left + n, width + p) - left)
            part = x[:, :, max(top, 0) : min(top + n, height), max(left, 0) : min(left + n, width)]
            out[:, :, i, j] = x[:, :, i, j] * (1 + alpha * (part**2).sum((2, 3)) / count) ** -beta
    return out


SINGLE: list[tuple[str, str, np.ndarray, Callable[[np.ndarray], Any], list[np.ndarray]]] = [
    ("ReLU", "relu_param { negative_slope: 0.1 }", X, lambda x: np.where(x > 0, x, 0.1 * x), []),
    ("ReLU6", "", 5 * X, lambda x: np.clip(x, 0, 6), []),
    ("ELU", "elu_param { alpha: 0.5 }", X, lambda x: np.where(x > 0, x, 0.5 * (np.exp(x) - 1)), []),
    ("Sigmoid", "", X, lambda x: 1 / (1 + np.exp(-x)), []),
    ("TanH", "", X, np.tanh, []),
    ("BNLL", "", 5 * X, lambda x: np.log1p(np.exp(x)), []),
    ("AbsVal", "", X, np.abs, []),
    ("Swish", "swish_param { beta: 1.5 }", X, lambda x: x / (1 + np.exp(-1.5 * x)), []),
    ("Clip", "clip_param { min: -0.5 max: 0.25 }", X, lambda x: np.clip(x, -0.5, 0.25), []),
    ("Power", "power_param { power: 2 scale: 0.5 shift: 3 }", X, lambda x: (3 + 0.5 * x) ** 2, []),
    ("Power", "power_param { scale: -0.5 shift: 3 }", X, lambda x: 3 - 0.5 * x, []),
    ("Power", "power_param { power: -0.5 }", POSITIVE, lambda x: x**-0.5, []),
    ("Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }", X, lambda x: 2 ** (1 + 0.5 * x), []),
    ("Exp", "", X, np.exp, []),
    ("Log", "log_param { base: 10 scale: 2 shift: 1 }", POSITIVE, lambda x: np.log10(1 + 2 * x), []),
    ("Log", "", POSITIVE, np.log, []),
    ("Threshold", "threshold_param { threshold: 0.3 }", X, lambda x: (x > 0.3).astype("float64"), []),
    ("Dropout", "dropout_param { dropout_ratio: 0.3 }", X, lambda x: x, []),
    ("Dropout", "dropout_param { dropout_ratio: 0.3 scale_train: false }", X, lambda x: 0.7 * x, []),
    ("Softmax", "", X, lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True), []),
    ("Softmax", "softmax_param { axis: 2 }", X, lambda x: np.exp(x) / np.exp(x).sum(2, keepdims=True), []),
    ("Softmax", "softmax_param { axis: -1 }", X, lambda x: np.exp(x) / np.exp(x).sum(3, keepdims=True), []),
    ("Softmax", "softmax_param { axis: 2 }", X[..., 0], lambda x: np.exp(x) / np.exp(x).sum(2, keepdims=True), []),
    ("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 k: 2 }", X, lambda x: lrn_across(x, 3, 0.5, 0.6, 2), []),
    ("LRN", "", X, lambda x: lrn_across(x, 5, 1.0, 0.75, 1), []),
    ("LRN", "lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }", X, lambda x: lrn_within(x, 3, 0.5, 0.75), []),
    ("LRN", "lrn_param { local_size: 5 alpha: 2 beta: 0.5 norm_region: WITHIN_CHANNEL }", X, lambda x: lrn_within(x, 5, 2.0, 0.5), []),
    ("MVN", "", X, lambda x: mvn(x, (2, 3)), []),
    ("MVN", "mvn_param { across_channels: true }", X, lambda x: mvn(x, (1, 2, 3)), []),
    ("MVN", "mvn_param { normalize_variance: false }", X, lambda x: mvn(x, (2, 3), variance=False), []),
    ("PReLU", "", X, lambda x: np.where(x > 0, x, x * np.array([0.1, 0.2, 0.3, -0.4])[:, None, None]), [np.float32([0.1, 0.2, 0.3, -0.4])]),
    ("PReLU", "prelu_param { channel_shared: true }", X, lambda x: np.where(x > 0, x, x * 0.3), [np.float32([0.3])]),
    ("Scale", "", X, lambda x: x * B[:4, None, None], [B[:4]]),
    ("Scale", "scale_param { bias_term: true }", X, lambda x: x * B[:4, None, None] + B[1:5, None, None], [B[:4], B[1:5]]),
    ("Scale", "scale_param { num_axes: -1 bias_term: true }", X, lambda x: x * X[0] + X[1], [X[0], X[1]]),
    ("Scale", "scale_param { num_axes: 0 }", X, lambda x: x * 2.5, [np.float32([2.5])]),
    ("Bias", "", X, lambda x: x + B[:4, None, None], [B[:4]]),
    ("Bias", "", X[:, :, 0, 0], lambda x: x + B[:4], [B[:4]]),
    ("BatchNorm", "", X, lambda x: (x - B[:4, None, None] / 2) / np.sqrt(1.5 + 1e-5), [B[:4], np.full(4, 3, "f4"), np.float32([2])]),
    ("BatchNorm", "batch_norm_param { eps: 0.1 }", X, lambda x: x / np.sqrt(0.1), [B[:4], B[:4] ** 2, np.float32([0])]),
    (
        "Normalize",
        "norm_param { across_spatial: false channel_shared: false }",
        X,
        lambda x: x / np.sqrt((x**2).sum(1, keepdims=True) + 1e-10) * B[:4, None, None],
        [B[:4]],
    ),
    ("Normalize", "", X, lambda x: 20 * x / np.sqrt((x**2).sum((1, 2, 3), keepdims=True) + 1e-10), [np.float32([20])]),
    (
        "Convolution",
        "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0 }",
        X,
        lambda x: F.conv2d(t(x), t(W), t(B), stride=2, padding=(1, 0)),
        [W, B],
    ),
    (
        "Convolution",
        "convolution_param { num_output: 6 kernel_size: 3 kernel_size: 2 dilation: 2 group: 2 bias_term: false }",
        X,
        lambda x: F.conv2d(t(x), t(W[:, :2]), dilation=2, groups=2),
        [W[:, :2]],
    ),
    (
        "ConvolutionDepthwise",
        "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }",
        X,
        lambda x: F.conv2d(t(x), t(W[:4, :1, :, [0, 1, 0]]), t(B[:4]), padding=1, groups=4),
        [W[:4, :1, :, [0, 1, 0]], B[:4]],
    ),
    (
        "Convolution",
        "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 }",
        X[..., 0],
        lambda x: F.conv1d(t(x), t(W[..., 0]), t(B), stride=2, padding=1),
        [W[..., 0], B],
    ),
    (
        "Convolution",
        "convolution_param { num_output: 3 kernel_size: 2 }",
        r(2, 2, 3, 4, 5),
        lambda x: F.conv3d(t(x), t(VOLUME), t(B[:3])),
        [VOLUME := r(3, 2, 2, 2, 2), B[:3]],
    ),
    (
        "Deconvolution",
        "convolution_param { num_output: 6 kernel_size: 3 kernel_size: 2 stride: 2 pad: 1 group: 2 }",
        X,
        lambda x: F.conv_transpose2d(t(x), t(BACK), t(B), stride=2, padding=1, groups=2),
        [BACK := r(4, 3, 3, 2), B],
    ),
    ("InnerProduct", "inner_product_param { num_output: 3 }", X, lambda x: x.reshape(2, -1) @ DENSE.T + B[:3], [DENSE := r(3, 120), B[:3]]),
    (
        "InnerProduct",
        "inner_product_param { num_output: 3 transpose: true }",
        X,
        lambda x: x.reshape(2, -1) @ DENSE.T + B[:3],
        [DENSE.T, B[:3]],
    ),
    ("InnerProduct", "inner_product_param { num_output: 3 axis: -1 bias_term: false }", X, lambda x: x @ DENSE[:, :6].T, [DENSE[:, :6]]),
    (
        "InnerProduct",
        "inner_product_param { num_output: 3 axis: 2 }",
        X,
        lambda x: x.reshape(2, 4, 30) @ DENSE[:, :30].T + B[:3],
        [DENSE[:, :30], B[:3]],
    ),
    ("Flatten", "", X, lambda x: x.reshape(2, -1), []),
    ("Flatten", "flatten_param { axis: 1 end_axis: 2 }", X, lambda x: x.reshape(2, 20, 6), []),
    ("Reshape", "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 3 } }", X, lambda x: x.reshape(2, 2, 20, 3), []),
    ("Reshape", "reshape_param { shape { dim: 10 dim: 2 } axis: 1 num_axes: 2 }", X, lambda x: x.reshape(2, 10, 2, 6), []),
    ("Reshape", "reshape_param { shape { dim: -1 dim: 60 dim: 2 } }", X, lambda x: x.reshape(2, 60, 2), []),
    ("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }", X, lambda x: x.transpose(0, 2, 3, 1), []),
    ("ShuffleChannel", "shuffle_channel_param { group: 2 }", X, lambda x: x[:, [0, 2, 1, 3]], []),
    ("Reduction", "reduction_param { operation: MEAN axis: 1 }", X, lambda x: x.mean((1, 2, 3))[:, None], []),
    ("Reduction", "reduction_param { operation: ASUM axis: 2 coeff: 0.5 }", X, lambda x: 0.5 * np.abs(x).sum((2, 3)), []),
    ("Reduction", "reduction_param { operation: SUMSQ axis: 3 }", X, lambda x: (x**2).sum(3), []),
    ("Reduction", "reduction_param { axis: -1 }", X[..., 0], lambda x: x.sum(2), []),
    ("Tile", "tile_param { tiles: 3 }", X, lambda x: np.tile(x, (1, 3, 1, 1)), []),
    ("Tile", "tile_param { axis: 3 tiles: 2 }", X, lambda x: np.tile(x, (1, 1, 1, 2)), []),
    ("ArgMax", "", X, lambda x: x.reshape(2, -1).argmax(1)[:, None, None], []),
    (
        "ArgMax",
        "argmax_param { top_k: 3 out_max_val: true }",
        X[:, :, 0, 0],
        lambda x: np.stack([(-x).argsort(1)[:, :3], -np.sort(-x, 1)[:, :3]], 1),
        [],
    ),
    ("ArgMax", "argmax_param { axis: 1 }", X, lambda x: x.argmax(1)[:, None], []),
    ("ArgMax", "argmax_param { axis: 2 top_k: 2 out_max_val: true }", X, lambda x: -np.sort(-x, 2)[:, :, :2], []),
    (
        "Im2col",
        "convolution_param { kernel_size: 3 stride: 2 pad: 1 }",
        X,
        lambda x: F.unfold(t(x), 3, stride=2, padding=1).reshape(2, 36, 3, 3),
        [],
    ),
    ("Interp", "interp_param { zoom_factor: 3 }", X, lambda x: F.interpolate(t(x), (13, 16), mode="bilinear", align_corners=True), []),
    (
        "Interp",
        "interp_param { height: 3 width: 9 pad_beg: -1 }",
        X,
        lambda x: F.interpolate(t(x[:, :, 1:, 1:]), (3, 9), mode="bilinear", align_corners=True),
        [],
    ),
    ("Upsample", "upsample_param { scale: 2 }", X, lambda x: x.repeat(2, 2).repeat(2, 3), []),
    ("Pooling", "pooling_param { pool: AVE global_pooling: true }", X, lambda x: x.mean((2, 3), keepdims=True), []),
    ("Pooling", "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }", X, lambda x: F.max_pool2d(t(x), 3, 2), []),
    ("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", X, lambda x: F.max_pool2d(t(x), 2, 2, ceil_mode=True), []),
]


@pytest.mark.parametrize(
    ("kind", "settings", "x", "wanted", "blobs"), SINGLE, ids=[f"{row[0]}-{place}" for place, row in enumerate(SINGLE)]
)
def test_a_layer(
    tmp_path: Path, kind: str, settings: str, x: np.ndarray, wanted: Callable[[np.ndarray], Any], blobs: list[np.ndarray]
) -> None:
    model = loaded(tmp_path, text(one(kind, settings), x=x.shape), {"a": blobs} if blobs else None)
    close(model.predict(x), wanted(x.astype("float64")), 2e-5)


def test_average_pooling_counts_the_padding_as_far_as_windows_reach(tmp_path: Path) -> None:
    x = X[:1, :1]
    found = loaded(tmp_path, text(one("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"), x=x.shape)).predict(x)
    # 5 rows: windows from -1, 1, 3; the last one ends at 6, as the padding does. 6 columns: the one from 5 would be the fourth.
    assert found.shape == (1, 1, 3, 4)
    close(found[0, 0, 2, 3:], [x[0, 0, 3:5, 5:6].sum() / (3 * 2)])


def test_spatial_pyramid(tmp_path: Path) -> None:
    found = loaded(tmp_path, text(one("SPP", "spp_param { pyramid_height: 2 pool: MAX }"), x=X.shape)).predict(X)
    parts = np.stack([X[:, :, rows, :][:, :, :, columns].max((2, 3)) for rows, columns in QUARTERS], 2)
    close(found, np.concatenate([X.max((2, 3)), parts.reshape(2, -1)], 1))


# 5 rows in windows of 3 with 1 of padding in front, 6 columns in windows of 3.
QUARTERS = [(slice(0, 2), slice(0, 3)), (slice(0, 2), slice(3, 6)), (slice(2, 5), slice(0, 3)), (slice(2, 5), slice(3, 6))]
Y = r(2, 4, 5, 6)


@pytest.mark.parametrize(
    ("kind", "settings", "wanted"),
    [
        ("Eltwise", "", X + Y),
        ("Eltwise", "eltwise_param { operation: PROD }", X * Y),
        ("Eltwise", "eltwise_param { operation: MAX }", np.maximum(X, Y)),
        ("Eltwise", "eltwise_param { coeff: 1 coeff: -1 }", X - Y),
        ("Eltwise", "eltwise_param { coeff: 0.5 coeff: 2 }", 0.5 * X + 2 * Y),
        ("Concat", "", np.concatenate([X, Y], 1)),
        ("Concat", "concat_param { axis: 2 }", np.concatenate([X, Y], 2)),
        ("Concat", "concat_param { concat_dim: 3 }", np.concatenate([X, Y], 3)),
    ],
)
def test_two_blobs(tmp_path: Path, kind: str, settings: str, wanted: np.ndarray) -> None:
    close(loaded(tmp_path, text(one(kind, settings, "x y"), x=X.shape, y=Y.shape)).predict({"x": X, "y": Y}), wanted)


def test_factors_that_another_blob_holds(tmp_path: Path) -> None:
    g = r(2, 4)
    model = loaded(tmp_path, text(one("Scale", "scale_param { axis: 0 }", "x g"), x=X.shape, g=g.shape))
    close(model.predict({"x": X, "g": g}), X * g[:, :, None, None])
    model = loaded(tmp_path, text(one("Bias", "bias_param { axis: 0 }", "x g"), x=X.shape, g=g.shape))
    close(model.predict({"x": X, "g": g}), X + g[:, :, None, None])
    a = r(2, 4, 1, 1)
    close(
        loaded(tmp_path, text(one("Axpy", "", "a x y", "z"), a=a.shape, x=X.shape, y=Y.shape)).predict({"a": a, "x": X, "y": Y}), a * X + Y
    )


def test_a_crop_is_as_large_as_another_blob(tmp_path: Path) -> None:
    like = r(2, 1, 3, 4)
    layers = one("Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", "x like") + one("Silence", "", "like", "s").replace('top: "s"', "")
    close(loaded(tmp_path, text(layers, x=X.shape, like=like.shape)).predict({"x": X}), X[:, :, 1:4, 2:6])


def test_a_slice_has_several_tops(tmp_path: Path) -> None:
    layers = 'layer { name: "s" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" slice_param { slice_point: 1 slice_point: 3 } }'
    found = loaded(tmp_path, text(layers, x=X.shape)).outputs({"x": X})
    for name, wanted in {"a": X[:, :1], "b": X[:, 1:3], "c": X[:, 3:]}.items():
        close(found[name], wanted)


def test_a_split_is_the_same_blob(tmp_path: Path) -> None:
    layers = 'layer { name: "p" type: "Split" bottom: "x" top: "a" top: "b" }' + one("Eltwise", "", "a b", "z")
    close(loaded(tmp_path, text(layers, x=X.shape)).predict(X), 2 * X)


def test_an_embedding_of_steps(tmp_path: Path) -> None:
    table, bias = r(7, 3), r(3)
    layers = one("Embed", "embed_param { input_dim: 7 num_output: 3 }")
    x = np.array([[1, 6, 0, 2], [3, 3, 5, 4]])
    close(loaded(tmp_path, text(layers, x=(2, 4)), {"a": [table, bias]}).predict(x), table[x] + bias)


def rnn(x: np.ndarray, cont: np.ndarray, blobs: list[np.ndarray], static: np.ndarray | None = None) -> np.ndarray:
    w, b, *s, u, v, c = (a.astype("float64") for a in blobs)
    h, out = np.zeros((x.shape[1], len(b))), []
    for step in range(len(x)):
        z = x[step] @ w.T + b + (cont[step][:, None] * h) @ u.T
        if static is not None:
            z = z + static @ s[0].T
        h = np.tanh(z)
        out.append(np.tanh(h @ v.T + c))
    return np.stack(out)


@pytest.mark.parametrize("static", [False, True])
def test_a_recurrent_layer_begins_anew_where_cont_says(tmp_path: Path, static: bool) -> None:
    x, cont, s = r(5, 2, 3), np.array([[0, 0], [1, 1], [1, 0], [0, 1], [1, 1]], "float32"), r(2, 4)
    blobs = [r(6, 3), r(6), *([r(6, 4)] if static else []), r(6, 6), r(6, 6), r(6)]
    layers = one("RNN", "recurrent_param { num_output: 6 }", "x cont s" if static else "x cont")
    inputs = {"x": x.shape, "cont": cont.shape} | ({"s": s.shape} if static else {})
    model = loaded(tmp_path, text(layers, **inputs), {"a": blobs})
    data = {"x": x, "cont": cont} | ({"s": s} if static else {})
    close(model.predict(data), rnn(x, cont, blobs, s if static else None))


def test_a_layer_written_where_it_stands_is_the_last_one(tmp_path: Path) -> None:
    layers = 'layer { name: "p" type: "Power" bottom: "x" top: "x" power_param { scale: 2 } }' + one("AbsVal", "", "x", "z")
    close(loaded(tmp_path, text(layers, x=X.shape)).predict(X), np.abs(2 * X))


def test_named_weights_are_shared(tmp_path: Path) -> None:
    param = 'param { name: "w" } param { name: "b" } inner_product_param { num_output: 3 }'
    layers = one("InnerProduct", param, "x", "a") + one("InnerProduct", param, "y", "b")
    x, y, w, b = r(2, 5), r(2, 5), r(3, 5), r(3)
    model = loaded(tmp_path, text(layers, x=x.shape, y=y.shape), {"a": [w, b]})
    found = model.outputs({"x": x, "y": y})
    close(found["a"], x @ w.T + b)
    close(found["b"], y @ w.T + b)
    assert sum(array.size for array in model.parameters().values()) == 18


def test_weights_shared_in_part_are_refused(tmp_path: Path) -> None:
    layers = one("InnerProduct", 'param { name: "w" } inner_product_param { num_output: 3 }', "x", "a")
    layers += one("InnerProduct", 'param { name: "w" } inner_product_param { num_output: 3 }', "x", "b")
    report = interop.inspect(files(tmp_path, text(layers, x=(2, 5))))
    assert "single weights" in report.missing[0].got


def train(folder: Path, loss: str, x: np.ndarray, target: np.ndarray, units: int) -> np.ndarray:
    """The gradient of the loss that is minimised, seen from one step of plain descent with a rate of 1."""
    product = one("InnerProduct", f"inner_product_param {{ num_output: {units} bias_term: false }}", "x", "a")
    (folder / "solver.prototxt").write_text('base_lr: 1.0 lr_policy: "fixed" type: "SGD"')
    w = np.eye(units, x.shape[1], dtype="float32")
    prototxt = text(product + loss, x=x.shape, label=target.shape)
    model = interop.load([*files(folder, prototxt, {"a": [w]}), folder / "solver.prototxt"])
    model.fit(x, target, batch_size=len(x), shuffle=False, epochs=1, max_steps=1, go_on=True, progress=False)
    found: np.ndarray = w - model.parameters()["a/weight"]
    return found


def gradient(loss: Callable[[torch.Tensor], torch.Tensor], x: np.ndarray, units: int) -> np.ndarray:
    w = torch.eye(units, x.shape[1], dtype=torch.float64, requires_grad=True)
    loss(t(x) @ w.T).backward()
    assert w.grad is not None
    return w.grad.numpy()


LABELS = np.array([0, 2, 1, 1])
P = r(4, 3)
TARGETS = r(4, 3)
ONES = (TARGETS > 0).astype("float32")
SIGNS = torch.full((4, 3), -1.0, dtype=torch.float64).scatter(1, torch.from_numpy(LABELS)[:, None], 1.0)
TL = torch.from_numpy(LABELS)
SUM = "loss_param { normalization: NONE }"


@pytest.mark.parametrize(
    ("kind", "settings", "target", "wanted"),
    [
        ("SoftmaxWithLoss", "", LABELS, lambda s: F.cross_entropy(s, TL)),
        ("SoftmaxWithLoss", "loss_weight: 0.3", LABELS, lambda s: 0.3 * F.cross_entropy(s, TL)),
        ("SoftmaxWithLoss", SUM, LABELS, lambda s: F.cross_entropy(s, TL, reduction="sum")),
        ("SoftmaxWithLoss", "loss_param { normalize: false }", LABELS, lambda s: F.cross_entropy(s, TL)),
        ("EuclideanLoss", "", TARGETS, lambda s: ((s - t(TARGETS)) ** 2).sum() / 8),
        ("EuclideanLoss", "loss_weight: 2", TARGETS, lambda s: ((s - t(TARGETS)) ** 2).sum() / 4),
        ("SigmoidCrossEntropyLoss", "", ONES, lambda s: F.binary_cross_entropy_with_logits(s, t(ONES), reduction="sum") / 4),
        ("SigmoidCrossEntropyLoss", "loss_param { normalization: VALID }", ONES, lambda s: F.binary_cross_entropy_with_logits(s, t(ONES))),
        ("HingeLoss", "", LABELS, lambda s: (1 - SIGNS * s).clamp_min(0).sum() / 4),
        ("HingeLoss", "hinge_loss_param { norm: L2 }", LABELS, lambda s: ((1 - SIGNS * s).clamp_min(0) ** 2).sum() / 4),
    ],
)
def test_losses_and_their_weights(
    tmp_path: Path, kind: str, settings: str, target: np.ndarray, wanted: Callable[..., torch.Tensor]
) -> None:
    found = train(tmp_path, one(kind, settings, "a label", "loss"), P, target, 3)
    np.testing.assert_allclose(found, gradient(wanted, P, 3), rtol=2e-5, atol=2e-6)


def test_the_loss_of_shares(tmp_path: Path) -> None:
    layers = one("Softmax", "", "a", "p") + one("MultinomialLogisticLoss", "", "p label", "loss")
    found = train(tmp_path, layers, P, LABELS, 3)
    np.testing.assert_allclose(found, gradient(lambda s: F.cross_entropy(s, TL), P, 3), rtol=2e-5, atol=2e-6)


def test_a_contrastive_loss_of_two_branches(tmp_path: Path) -> None:
    param = 'param { name: "w" } inner_product_param { num_output: 2 bias_term: false }'
    layers = one("InnerProduct", param, "x", "a") + one("InnerProduct", param, "y", "b")
    layers += one("ContrastiveLoss", "contrastive_loss_param { margin: 2 }", "a b same", "loss")
    x, y, w, same = r(4, 3), r(4, 3), r(2, 3), np.array([1, 0, 1, 0], "float32")
    (tmp_path / "solver.prototxt").write_text('base_lr: 1.0 lr_policy: "fixed"')
    model = interop.load([*files(tmp_path, text(layers, x=x.shape, y=y.shape, same=(4,)), {"a": [w]}), tmp_path / "solver.prototxt"])
    model.fit({"x": x, "y": y}, same, batch_size=4, shuffle=False, epochs=1, max_steps=1, go_on=True, progress=False)
    v = t(w).requires_grad_()
    far = (t(x) @ v.T - t(y) @ v.T).norm(dim=1)
    ((t(same) * far**2 + (1 - t(same)) * (2 - far).clamp_min(0) ** 2).sum() / 8).backward()
    assert v.grad is not None
    np.testing.assert_allclose(w - model.parameters()["a/weight"], v.grad.numpy(), rtol=2e-5, atol=2e-6)


REFUSED = {
    "DetectionOutput": (
        "detection_output_param { num_classes: 2 nms_param { top_k: 3 } code_type: CENTER_SIZE }",
        "of type 'DetectionOutput'",
    ),
    "PriorBox": ("prior_box_param { min_size: 3 flip: true variance: 0.1 }", "of type 'PriorBox'"),
    "Python": ('python_param { module: "os" layer: "system" }', "written in Python"),
    "Nonsense": ("", "of type 'Nonsense'"),
    "Filter": ("", "of type 'Filter'"),
    "InfogainLoss": ("", "InfogainLoss"),
    "Pooling": ("pooling_param { pool: STOCHASTIC kernel_size: 2 }", "STOCHASTIC"),
    "Reduction": ("", "axis 0"),
    "Reshape": ("reshape_param { shape { dim: 4 dim: -1 } }", "as [4, 60]"),
    "LSTM": ("recurrent_param { num_output: 3 }", "[2, 4, 5, 6]"),
}


@pytest.mark.parametrize("kind", list(REFUSED))
def test_what_has_no_counterpart_is_named(tmp_path: Path, kind: str) -> None:
    settings, got = REFUSED[kind]
    given = files(tmp_path, text(one(kind, settings) + one("Nonsense2", "", "a", "b"), x=X.shape))
    report = interop.inspect(given)
    assert [problem.code for problem in report.missing] == ["IO004"] * len(report.missing)
    assert any(got in str(problem.got) for problem in report.missing)
    # What it feeds is looked at as well.
    assert any("Nonsense2" in problem.got for problem in report.missing)
    with pytest.raises(InteropError, match="IO004"):
        interop.load(given)


def test_a_converter_of_ones_own(tmp_path: Path) -> None:
    from lamina.interop import converters
    from lamina.network.vertices import Scale

    @interop.converter("caffe", "Triple")
    def triple(layer: Any, net: Any) -> None:
        x = net.take(layer)
        net.give(layer, net.add(layer, Scale(3.0), x), x.dims)

    try:
        close(loaded(tmp_path, text(one("Triple"), x=X.shape)).predict(X), 3 * X)
    finally:
        del converters._OWN["caffe", "Triple"]


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match="IO005"):
        loaded(tmp_path, text(one("InnerProduct", "inner_product_param { num_output: 3 }"), x=(2, 5)), {"a": [r(3, 4), r(3)]})


def test_all_types_of_v1_have_names() -> None:
    from lamina.interop.caffe.source import TYPES

    assert {*SCHEMA.enums["V1Type"]} - {*TYPES} == {"NONE"}
    assert math.isfinite(len(TYPES))


def test_a_bilinear_filler_enlarges_by_straight_lines(tmp_path: Path) -> None:
    filler = 'weight_filler { type: "bilinear" } num_output: 4 group: 4 kernel_size: 4 stride: 2 pad: 1 bias_term: false'
    model = loaded(tmp_path, text(one("Deconvolution", f"convolution_param {{ {filler} }}"), x=X.shape))
    wanted = F.interpolate(t(X), scale_factor=2, mode="bilinear", align_corners=False).numpy()
    # Behind the border there is nothing here, and the last number there.
    close(model.predict(X)[:, :, 1:-1, 1:-1], wanted[:, :, 1:-1, 1:-1])


@pytest.mark.parametrize(
    ("filler", "low", "high", "std"),
    [
        ('type: "xavier"', -math.sqrt(3 / 400), math.sqrt(3 / 400), math.sqrt(1 / 400)),
        ('type: "xavier" variance_norm: FAN_OUT', -math.sqrt(3 / 300), math.sqrt(3 / 300), math.sqrt(1 / 300)),
        ('type: "xavier" variance_norm: AVERAGE', -math.sqrt(6 / 700), math.sqrt(6 / 700), math.sqrt(2 / 700)),
        ('type: "msra"', -1, 1, math.sqrt(2 / 400)),
        ('type: "gaussian" mean: 0.5 std: 0.1', -0.5, 1.5, 0.1),
        ('type: "uniform" min: -0.2 max: 0.4', -0.2, 0.4, 0.6 / math.sqrt(12)),
        ('type: "constant" value: 0.3', 0.3, 0.3, 0),
    ],
)
def test_fillers(tmp_path: Path, filler: str, low: float, high: float, std: float) -> None:
    settings = f"inner_product_param {{ num_output: 300 weight_filler {{ {filler} }} bias_filler {{ value: 0.7 }} }}"
    found = loaded(tmp_path, text(one("InnerProduct", settings), x=(2, 400))).parameters()
    weight = found["a/weight"].astype("float64")
    assert low - 1e-6 <= weight.min() <= weight.max() <= high + 1e-6
    assert weight.std() == pytest.approx(std, rel=0.02, abs=1e-6)
    assert found["a/bias"].tolist() == pytest.approx([0.7] * 300)


def test_steps_need_samples_beside_them(tmp_path: Path) -> None:
    layers = one("LSTM", "recurrent_param { num_output: 3 }", "x cont")
    report = interop.inspect(files(tmp_path, text(layers, x=(5,), cont=(5,))))
    assert {problem.code for problem in report.missing} == {"IO004"}
