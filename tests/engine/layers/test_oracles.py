"""Layers against torch's own modules, and against arithmetic written out in NumPy, with the same weights."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.network.layers import (
    GRU,
    LSTM,
    AvgPool2d,
    BatchNorm,
    Bidirectional,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose2d,
    DepthwiseConv2d,
    GlobalAvgPool,
    GlobalMaxPool,
    Layer,
    LayerNorm,
    MaxPool2d,
    PReLU,
    Recurrent,
    SeparableConv2d,
    SimpleRNN,
)
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64


def made(layer: Layer, shape: Shape) -> NetworkModule:
    network = build(plan_of(layer, (shape,)), 3, dtype=F64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network


def run(network: NetworkModule, x: Tensor) -> Tensor:
    return network(x)["tested"]


def copy_to(network: NetworkModule, module: nn.Module, names: dict[str, str]) -> nn.Module:
    """Give torch's module the layer's weights; ``names`` from its own to ours."""
    module = module.double()
    tensors = network.tensors()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(tensors[f"tested/{names.get(name, name)}"])
    return module


def assert_same(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert torch.allclose(a, b, rtol=1e-11, atol=1e-12)


# -- convolutions ------------------------------------------------------------------------------------------------------


def same_sides(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's `SAME`, as its documentation has it."""
    reach = (kernel - 1) * dilation + 1
    total = max(reach - stride, 0) if size % stride == 0 else max(reach - size % stride, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(("kernel", "stride", "dilation", "size"), list(itertools.product([2, 3, 5], [1, 2, 3], [1, 2], [7, 8])))
def test_same_padding_is_tensorflows(kernel: int, stride: int, dilation: int, size: int) -> None:
    network = made(
        Conv2d(3, kernel=kernel, stride=stride, dilation=dilation, padding="same"), Image(channels=2, height=size, width=size + 3)
    )
    x = torch.randn(2, 2, size, size + 3, dtype=F64)
    weight, bias = network.tensors()["tested/weight"], network.tensors()["tested/bias"]
    rows, columns = same_sides(size, kernel, stride, dilation), same_sides(size + 3, kernel, stride, dilation)
    expected = F.conv2d(F.pad(x, (*columns, *rows)), weight, bias, stride, 0, dilation)
    assert expected.shape[2:] == (math.ceil(size / stride), math.ceil((size + 3) / stride))
    assert_same(run(network, x), expected)


def test_a_convolution_written_out() -> None:
    network = made(Conv2d(2, kernel=(2, 3), stride=(1, 2), padding=(1, 0)), Image(channels=2, height=3, width=5))
    x = torch.randn(1, 2, 3, 5, dtype=F64)
    weight, bias = (network.named_arrays()[f"tested/{name}"] for name in ("weight", "bias"))
    padded = np.pad(x[0].numpy(), ((0, 0), (1, 1), (0, 0)))
    y = np.zeros((2, 4, 2))
    for f, i, j in itertools.product(range(2), range(4), range(2)):
        y[f, i, j] = bias[f] + (padded[:, i : i + 2, 2 * j : 2 * j + 3] * weight[f]).sum()
    assert_same(run(network, x)[0], torch.from_numpy(y))


def test_causal_convolution_sees_nothing_later() -> None:
    network = made(Conv1d(3, kernel=3, dilation=2, padding="causal"), Sequence(steps=None, features=2))
    x = torch.randn(1, 9, 2, dtype=F64)
    whole = run(network, x)
    changed = x.clone()
    changed[:, 5:] += 1
    assert_same(run(network, changed)[:, :5], whole[:, :5])
    assert not torch.allclose(run(network, changed)[:, 5], whole[:, 5])
    weight, bias = network.tensors()["tested/weight"], network.tensors()["tested/bias"]
    assert_same(whole, F.conv1d(F.pad(x.transpose(1, 2), (4, 0)), weight, bias, dilation=2).transpose(1, 2))


@pytest.mark.parametrize("steps", [4, 7, 10])
def test_same_padding_of_unknown_lengths(steps: int) -> None:
    network = made(Conv1d(3, kernel=4, stride=3, padding="same"), Sequence(steps=None, features=2))
    x = torch.randn(2, steps, 2, dtype=F64)
    weight, bias = network.tensors()["tested/weight"], network.tensors()["tested/bias"]
    expected = F.conv1d(F.pad(x.transpose(1, 2), same_sides(steps, 4, 3)), weight, bias, 3).transpose(1, 2)
    assert_same(run(network, x), expected)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (Conv2d(4, kernel=3, groups=2, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=2)),
        (DepthwiseConv2d(3, multiplier=2), nn.Conv2d(4, 8, 3, groups=4)),
        (ConvTranspose2d(6, kernel=3, stride=2, padding=1, output_padding=1, groups=2),
         nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2)),
    ],
)  # fmt: skip
def test_convolutions_are_torchs(layer: Layer, module: nn.Module) -> None:
    network = made(layer, Image(channels=4, height=7, width=6))
    x = torch.randn(2, 4, 7, 6, dtype=F64)
    assert_same(run(network, x), copy_to(network, module, {})(x))


def test_conv3d_is_torchs() -> None:
    network = made(Conv3d(3, kernel=2, stride=(1, 2, 1)), Volume(channels=2, depth=3, height=5, width=4))
    x = torch.randn(2, 2, 3, 5, 4, dtype=F64)
    assert_same(run(network, x), copy_to(network, nn.Conv3d(2, 3, 2, (1, 2, 1)), {})(x))


def test_separable_is_depthwise_then_pointwise() -> None:
    network = made(SeparableConv2d(5, kernel=3, multiplier=2), Image(channels=3, height=6, width=6))
    x = torch.randn(2, 3, 6, 6, dtype=F64)
    first = copy_to(network, nn.Conv2d(3, 6, 3, groups=3, bias=False), {"weight": "depthwise_weight"})
    second = copy_to(network, nn.Conv2d(6, 5, 1), {"weight": "pointwise_weight"})
    assert_same(run(network, x), second(first(x)))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (2, 3), (1, 3), (5, 1)])
def test_transposed_same_is_the_gradient_of_same(kernel: int, stride: int) -> None:
    # What a transposed convolution is: the gradient of the convolution of the same settings, from a larger image.
    network = made(ConvTranspose2d(2, kernel=kernel, stride=stride, padding="same", bias=False), Image(channels=3, height=4, width=5))
    x = torch.randn(2, 3, 4, 5, dtype=F64)
    weight = network.tensors()["tested/weight"].detach()
    large = torch.zeros(2, 2, 4 * stride, 5 * stride, dtype=F64, requires_grad=True)
    rows, columns = same_sides(4 * stride, kernel, stride), same_sides(5 * stride, kernel, stride)
    forward = F.conv2d(F.pad(large, (*columns, *rows)), weight, None, stride)
    (expected,) = torch.autograd.grad(forward, large, x)
    assert_same(run(network, x), expected)


# -- pooling -----------------------------------------------------------------------------------------------------------


def windows(x: np.ndarray, size: int, stride: int, sides: tuple[tuple[int, int], tuple[int, int]]) -> list[list[np.ndarray]]:
    """The real values in each window."""
    (top, bottom), (left, right) = sides
    height, width = x.shape
    rows = range(-top, height + bottom - size + 1, stride)
    columns = range(-left, width + right - size + 1, stride)
    return [[x[max(i, 0) : i + size, max(j, 0) : j + size].ravel() for j in columns] for i in rows]


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, "same"), (3, 2, "same"), (3, 1, "same"), (3, 3, 2), (2, 1, 1), (3, 2, "valid")]
)
def test_pooling_written_out(size: int, stride: int, padding: Any) -> None:
    x = torch.randn(1, 1, 5, 6, dtype=F64) - 3  # all below 0, so that padding with zeros would show
    sides = {"same": (same_sides(5, size, stride), same_sides(6, size, stride)), "valid": ((0, 0), (0, 0))}.get(
        padding, ((padding,) * 2,) * 2
    )
    found = windows(x[0, 0].numpy(), size, stride, sides)
    shape, settings = Image(channels=1, height=5, width=6), {"stride": stride, "padding": padding}
    for layer, reduce in [
        (MaxPool2d(size, **settings), np.max),
        (AvgPool2d(size, **settings), np.mean),
        (AvgPool2d(size, **settings, include_padding=True), lambda values: values.sum() / size**2),
    ]:
        expected = torch.tensor([[reduce(values) for values in row] for row in found], dtype=F64)
        assert_same(run(made(layer, shape), x)[0, 0], expected)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 3), (2, 3), (5, 4)])
def test_padding_ceil_is_torchs_ceil_mode(size: int, stride: int) -> None:
    for height, width in itertools.product(range(5, 9), repeat=2):
        x = torch.randn(2, 3, height, width, dtype=F64) - 3
        shape, settings = Image(channels=3, height=height, width=width), {"stride": stride, "padding": "ceil"}
        for layer, theirs in [(MaxPool2d(size, **settings), nn.MaxPool2d), (AvgPool2d(size, **settings), nn.AvgPool2d)]:
            network = made(layer, shape)
            assert_same(run(network, x), theirs(size, stride, ceil_mode=True)(x))
            assert network.plan.nodes[0].output_shape.dims == tuple(run(network, x).shape[1:])


@pytest.mark.parametrize(("shape", "axes"), [(Sequence(steps=None, features=3), (1,)), (Image(channels=2, height=3, width=4), (2, 3))])
def test_global_pooling(shape: Shape, axes: tuple[int, ...]) -> None:
    x = torch.randn(2, *(d or 5 for d in shape.dims), dtype=F64)
    assert_same(run(made(GlobalAvgPool(), shape), x), torch.from_numpy(x.numpy().mean(axes)))
    assert_same(run(made(GlobalMaxPool(), shape), x), torch.from_numpy(x.numpy().max(axes)))


# -- recurrent ---------------------------------------------------------------------------------------------------------

CASES: list[tuple[type[Recurrent], type[nn.RNNBase], dict[str, Any]]] = [
    (LSTM, nn.LSTM, {}),
    (GRU, nn.GRU, {}),
    (SimpleRNN, nn.RNN, {}),
]
TORCH_NAMES = {f"{name}_l0": name for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
BOTH_NAMES = {
    f"{name}_l0{end}": f"{prefix}{name}"
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for end, prefix in (("", "forward_"), ("_reverse", "backward_"))
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("layer", "module", "settings"), CASES)
def test_recurrent_layers_are_torchs(layer: type[Recurrent], module: Any, settings: dict[str, Any], bias: bool) -> None:
    shape, x = Sequence(steps=None, features=3), torch.randn(4, 6, 3, dtype=F64)
    network = made(layer(5, bias=bias, **settings), shape)
    torchs = copy_to(network, module(3, 5, batch_first=True, bias=bias), TORCH_NAMES)
    assert_same(run(network, x), torchs(x)[0])
    last = made(layer(5, bias=bias, return_sequences=False), shape)
    assert_same(run(last, x), torchs(x)[0][:, -1])


@pytest.mark.parametrize(("layer", "module", "settings"), CASES)
def test_bidirectional_is_torchs(layer: type[Recurrent], module: Any, settings: dict[str, Any]) -> None:
    shape, x = Sequence(steps=6, features=3), torch.randn(4, 6, 3, dtype=F64)
    network = made(Bidirectional(layer(5)), shape)
    torchs = copy_to(network, module(3, 5, batch_first=True, bidirectional=True), BOTH_NAMES)
    y, state = torchs(x)
    forward, backward = y.chunk(2, -1)
    assert_same(run(network, x), y)
    assert_same(run(made(Bidirectional(layer(5), merge="sum"), shape), x), forward + backward)
    assert_same(run(made(Bidirectional(layer(5), merge="average"), shape), x), (forward + backward) / 2)
    assert_same(run(made(Bidirectional(layer(5), merge="multiply"), shape), x), forward * backward)
    ends = state[0] if isinstance(state, tuple) else state
    last = made(Bidirectional(layer(5, return_sequences=False)), shape)
    assert_same(run(last, x), torch.cat([ends[0], ends[1]], -1))


@pytest.mark.parametrize("layer", [LSTM, GRU, SimpleRNN])
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_loop_over_steps_is_the_kernel(layer: type[Recurrent], wrapped: bool) -> None:
    shape, x = Sequence(steps=6, features=3), torch.randn(4, 6, 3, dtype=F64, requires_grad=True)
    description = Bidirectional(layer(5)) if wrapped else layer(5)
    fused, looped = made(description, shape), made(description, shape)
    module: Any = looped.layers[0]
    module._recurrence.kernel = None
    assert_same(run(fused, x), run(looped, x))
    for a, b in zip(
        torch.autograd.grad(run(fused, x).square().sum(), [x, *fused.parameters()]),
        torch.autograd.grad(run(looped, x).square().sum(), [x, *looped.parameters()]),
        strict=True,
    ):
        assert_same(a, b)


def test_relu_rnn_has_a_kernel_too() -> None:
    network = made(SimpleRNN(5, activation="relu"), Sequence(steps=6, features=3))
    x = torch.randn(4, 6, 3, dtype=F64)
    torchs = copy_to(network, nn.RNN(3, 5, batch_first=True, nonlinearity="relu"), TORCH_NAMES)
    assert_same(run(network, x), torchs(x)[0])


def test_an_lstm_with_other_activations_written_out() -> None:
    network = made(LSTM(2, activation="softsign", recurrent_activation="hard_sigmoid"), Sequence(steps=3, features=2))
    x = torch.randn(1, 3, 2, dtype=F64)
    p = {name.removeprefix("tested/"): array for name, array in network.named_arrays().items()}
    h, c, expected = np.zeros(2), np.zeros(2), []
    for step in x[0].numpy():
        i, f, g, o = np.split(p["weight_ih"] @ step + p["bias_ih"] + p["weight_hh"] @ h + p["bias_hh"], 4)
        i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
        c = f * c + i * (g / (1 + np.abs(g)))
        h = o * (c / (1 + np.abs(c)))
        expected.append(h)
    assert_same(run(network, x)[0], torch.from_numpy(np.stack(expected)))


# -- normalisation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "module"),
    [
        (Features(3), nn.BatchNorm1d(3, momentum=0.3, eps=1e-3)),
        (Image(channels=3, height=4, width=2), nn.BatchNorm2d(3, momentum=0.3, eps=1e-3)),
        (Volume(channels=3, depth=2, height=2, width=2), nn.BatchNorm3d(3, momentum=0.3, eps=1e-3)),
    ],
)
def test_batch_norm_is_torchs_with_its_running_statistics(shape: Shape, module: nn.Module) -> None:
    network = made(BatchNorm(momentum=0.3, epsilon=1e-3), shape)
    torchs: Any = copy_to(network, module, {})
    for _ in range(3):
        x = torch.randn(5, *(d or 1 for d in shape.dims), dtype=F64) * 3 + 1
        assert_same(run(network.train(), x), torchs.train()(x))
    tensors = network.tensors()
    assert_same(tensors["tested/running_mean"], torchs.running_mean)
    assert_same(tensors["tested/running_var"], torchs.running_var)
    assert_same(run(network.eval(), x), torchs.eval()(x))


def test_batch_norm_of_sequences_counts_steps_as_samples() -> None:
    network = made(BatchNorm(), Sequence(steps=None, features=3)).train()
    x = torch.randn(4, 5, 3, dtype=F64)
    torchs: Any = copy_to(network, nn.BatchNorm1d(3), {})
    assert_same(run(network, x), torchs(x.transpose(1, 2)).transpose(1, 2))
    assert_same(network.tensors()["tested/running_var"], torchs.running_var)


def test_layer_norm_is_torchs() -> None:
    x = torch.randn(4, 5, 3, dtype=F64)
    network = made(LayerNorm(epsilon=1e-3), Sequence(steps=None, features=3))
    assert_same(run(network, x), copy_to(network, nn.LayerNorm(3, eps=1e-3), {})(x))
    image = torch.randn(2, 3, 4, 5, dtype=F64)
    whole = made(LayerNorm(over="sample"), Image(channels=3, height=4, width=5))
    assert_same(run(whole, image), copy_to(whole, nn.LayerNorm([3, 4, 5]), {})(image))
    channels = made(LayerNorm(), Image(channels=3, height=4, width=5))
    torchs = copy_to(channels, nn.LayerNorm(3), {})
    assert_same(run(channels, image), torchs(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


@pytest.mark.parametrize(("shared", "count"), [("positions", 3), ("all", 1)])
def test_prelu_is_torchs(shared: Any, count: int) -> None:
    for shape in (Features(3), Image(channels=3, height=4, width=2), Volume(channels=3, depth=2, height=2, width=2)):
        x = torch.randn((5, *shape.dims), dtype=F64)  # type: ignore[arg-type]
        network = made(PReLU(shared=shared), shape)
        module = copy_to(network, nn.PReLU(count), {"weight": "weight"})
        assert torch.equal(run(network, x), module(x))


def test_prelu_of_sequences_and_with_a_slope_for_each_number() -> None:
    x = torch.randn(5, 4, 3, dtype=F64)
    for shared in ("positions", "none"):
        network = made(PReLU(shared=shared), Sequence(steps=4, features=3))
        weight = network.tensors()["tested/weight"]
        assert torch.equal(run(network, x), torch.where(x > 0, x, x * weight))


def test_prelu_starts_at_its_slope_and_never_decays() -> None:
    from lamina.engine.optimizers import optimizer_for
    from lamina.engine.parameters import FlatParameters
    from lamina.learning import AdamW

    network = build(plan_of(PReLU(0.1), (Features(3),)), 7)
    (weight,) = network.tensors().values()
    assert torch.equal(weight, torch.full((3,), 0.1))
    flat = FlatParameters(network)
    optimizer_for(AdamW(0.1, weight_decay=0.5), flat).step(0, 0.0)
    assert torch.equal(weight, torch.full((3,), 0.1))
