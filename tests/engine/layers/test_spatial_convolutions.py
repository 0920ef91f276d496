"""Transposed, depthwise and separable convolutions of every dimension against torch's own modules, over a grid of settings."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPES: dict[int, Shape] = {
    1: Sequence(steps=9, features=4),
    2: Image(channels=4, height=7, width=6),
    3: Volume(channels=4, depth=4, height=3, width=5),
}
OURS: dict[int, Any] = {1: L.ConvTranspose1d, 2: L.ConvTranspose2d, 3: L.ConvTranspose3d}
TORCHS: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def made(layer: L.Layer, shape: Shape) -> NetworkModule:
    return build(plan_of(layer, (shape,)), 3, dtype=F64)


def channels_first(shape: Shape, x: Tensor) -> Tensor:
    return x.transpose(1, 2) if isinstance(shape, Sequence) else x


def assert_is(layer: L.Layer, module: nn.Module, shape: Shape, names: dict[str, str] | None = None) -> None:
    """The layer gives what torch's module gives with the same weights, and says so beforehand."""
    network, module = made(layer, shape), module.double()
    tensors = network.tensors()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            tensor = tensors[f"tested/{(names or {}).get(name, name)}"]
            tensor.copy_(torch.randn(tensor.shape, dtype=F64))
            parameter.copy_(tensor)
    x = torch.randn(2, *(d or 1 for d in shape.dims), dtype=F64)
    expected = channels_first(shape, module(channels_first(shape, x)))
    assert layer.infer((shape,)).matches(expected.shape[1:])
    assert torch.allclose(network(x)["tested"], expected, rtol=1e-11, atol=1e-12)


GRID = [
    (kernel, stride, padding, dilation, extra)
    for kernel, stride, padding, dilation, extra in itertools.product([1, 2, 3], [1, 2, 3], [0, 1], [1, 2], [0, 1])
    if extra < max(stride, dilation) and padding <= (kernel - 1) * dilation
]


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "extra"), GRID)
def test_transposed_convolutions_are_torchs(axes: int, kernel: int, stride: int, padding: int, dilation: int, extra: int) -> None:
    layer = OURS[axes](6, kernel=kernel, stride=stride, padding=padding, dilation=dilation, output_padding=extra, groups=2)
    assert_is(layer, TORCHS[axes](4, 6, kernel, stride, padding, extra, groups=2, dilation=dilation), SHAPES[axes])


@pytest.mark.parametrize(("kernel", "stride", "dilation"), list(itertools.product([1, 2, 3, 4], [1, 2, 3], [1, 2])))
def test_transposed_same_multiplies_the_size(kernel: int, stride: int, dilation: int) -> None:
    shape = Sequence(steps=None, features=4)
    network = made(L.ConvTranspose1d(3, kernel=kernel, stride=stride, dilation=dilation, padding="same", bias=False), shape)
    x = torch.randn(2, 5, 4, dtype=F64)
    # The gradient of the convolution of the same settings, whose own padding is TensorFlow's.
    large = torch.zeros(2, 3, 5 * stride, dtype=F64, requires_grad=True)
    total = max((kernel - 1) * dilation + 1 - stride, 0)
    forward = F.conv1d(F.pad(large, (total // 2, total - total // 2)), network.tensors()["tested/weight"], None, stride, 0, dilation)
    (expected,) = torch.autograd.grad(forward, large, x.transpose(1, 2))
    assert torch.allclose(network(x)["tested"], expected.transpose(1, 2), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), list(itertools.product([1, 2, 3], [1, 2], [0, 2], [1, 2])))
def test_depthwise_and_separable_along_steps_are_grouped_convolutions(kernel: int, stride: int, padding: int, dilation: int) -> None:
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    first = nn.Conv1d(4, 8, kernel, **settings, groups=4)
    assert_is(L.DepthwiseConv1d(kernel, multiplier=2, **settings), first, SHAPES[1])
    both = nn.Sequential(nn.Conv1d(4, 8, kernel, **settings, groups=4, bias=False), nn.Conv1d(8, 5, 1))
    names = {"0.weight": "depthwise_weight", "1.weight": "pointwise_weight", "1.bias": "bias"}
    assert_is(L.SeparableConv1d(5, kernel=kernel, multiplier=2, **settings), both, SHAPES[1], names)


def test_too_much_is_cut_off() -> None:
    with pytest.raises(ShapeError) as caught:
        L.ConvTranspose1d(3, kernel=2, padding=4).infer((Sequence(steps=3, features=2),))
    assert caught.value.code == "NN002"
    with pytest.raises(DescriptionError) as wrong:
        L.ConvTranspose3d(3, kernel=2, stride=2, output_padding=2)
    assert "output_padding to at most 1" in wrong.value.problems[0].fix
