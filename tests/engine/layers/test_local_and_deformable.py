"""Locally connected layers and deformable convolution against loops in NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import ShapeError
from lamina.network import Sequential
from lamina.network import layers as L
from lamina.network.masking import mask_problems
from lamina.shapes import Image, Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64


def made(layer: L.Layer, shape: Shape) -> tuple[NetworkModule, dict[str, np.ndarray]]:
    network = build(plan_of(layer, (shape,)), 3, dtype=F64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.7)
    return network, {name.removeprefix("tested/"): array for name, array in network.named_arrays().items()}


def sides(size: int, reach: int, stride: int, padding: Any) -> tuple[int, int]:
    if padding == "same":
        total = max(reach - stride, 0) if size % stride == 0 else max(reach - size % stride, 0)
        return total // 2, total - total // 2
    if padding == "causal":
        return reach - 1, 0
    return (0, 0) if padding == "valid" else (padding, padding)


GRID = list(itertools.product([1, 2, 3], [1, 2], [1, 2], ["valid", "same", 1], [False, True]))


@pytest.mark.parametrize(("kernel", "stride", "dilation", "padding", "each"), GRID)
def test_locally_connected_images_written_out(kernel: int, stride: int, dilation: int, padding: Any, each: bool) -> None:
    layer = L.LocallyConnected2d(3, kernel=kernel, stride=stride, dilation=dilation, padding=padding, bias_per_position=each)
    network, arrays = made(layer, Image(channels=2, height=6, width=5))
    x = torch.randn(2, 2, 6, 5, dtype=F64)
    reach = (kernel - 1) * dilation + 1
    padded = np.pad(x.numpy(), [(0, 0), (0, 0), sides(6, reach, stride, padding), sides(5, reach, stride, padding)])
    height, width = (padded.shape[2] - reach) // stride + 1, (padded.shape[3] - reach) // stride + 1
    y = np.zeros((2, 3, height, width))
    for i, j, f in itertools.product(range(height), range(width), range(3)):
        seen = padded[:, :, i * stride : i * stride + reach : dilation, j * stride : j * stride + reach : dilation]
        weight = arrays["weight"][i * width + j, f].reshape(2, kernel, kernel)
        y[:, f, i, j] = (seen * weight).sum((1, 2, 3)) + (arrays["bias"][i * width + j, f] if each else arrays["bias"][f])
    found = network(x)["tested"]
    assert found.shape == y.shape
    assert torch.allclose(found, torch.from_numpy(y), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "padding"), list(itertools.product([1, 3], [1, 2], [1, 2], ["same", "causal", 1]))
)
def test_locally_connected_steps_written_out(kernel: int, stride: int, dilation: int, padding: Any) -> None:
    layer = L.LocallyConnected1d(3, kernel=kernel, stride=stride, dilation=dilation, padding=padding)
    network, arrays = made(layer, Sequence(steps=7, features=2))
    x = torch.randn(2, 7, 2, dtype=F64)
    reach = (kernel - 1) * dilation + 1
    padded = np.pad(x.numpy(), [(0, 0), sides(7, reach, stride, padding), (0, 0)])
    steps = (padded.shape[1] - reach) // stride + 1
    y = np.zeros((2, steps, 3))
    for i, f in itertools.product(range(steps), range(3)):
        seen = padded[:, i * stride : i * stride + reach : dilation]
        y[:, i, f] = (seen * arrays["weight"][i, f].reshape(2, kernel).T).sum((1, 2)) + arrays["bias"][f]
    assert torch.allclose(network(x)["tested"], torch.from_numpy(y), rtol=1e-11, atol=1e-12)


def test_with_equal_weights_everywhere_it_is_a_convolution() -> None:
    network, _ = made(L.LocallyConnected2d(3, kernel=2), Image(channels=2, height=4, width=5))
    tensors = network.tensors()
    with torch.no_grad():
        tensors["tested/weight"].copy_(tensors["tested/weight"][:1].expand_as(tensors["tested/weight"]))
    x = torch.randn(2, 2, 4, 5, dtype=F64)
    expected = F.conv2d(x, tensors["tested/weight"][0].reshape(3, 2, 2, 2), tensors["tested/bias"])
    assert torch.allclose(network(x)["tested"], expected, rtol=1e-11)


def test_weights_of_positions_need_to_know_the_positions() -> None:
    layer = L.LocallyConnected1d(3, kernel=2)
    with pytest.raises(ShapeError) as caught:
        layer.infer((Sequence(steps=None, features=2),))
    assert caught.value.code == "NN009"
    assert "conv1d" in str(caught.value)
    nodes = Sequential(Sequence(steps=5, features=2), [layer, L.Output(2)]).resolve().nodes
    assert [problem.code for _, problem in mask_problems(nodes, ["input"])] == ["NN014"]


def between(x: np.ndarray, row: float, column: float) -> np.ndarray:
    """Channels at a place between four neighbours, 0 outside."""
    found = np.zeros(x.shape[0])
    top, left = int(np.floor(row)), int(np.floor(column))
    for i, j in itertools.product((top, top + 1), (left, left + 1)):
        if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]:
            found += x[:, i, j] * (1 - abs(row - i)) * (1 - abs(column - j))
    return found


CASES: list[dict[str, Any]] = [
    {"kernel": 3},
    {"kernel": 3, "modulated": True, "padding": "same", "stride": 2},
    {"kernel": (2, 3), "padding": (1, 0), "dilation": (1, 2), "groups": 2},
    {"kernel": 2, "offset_groups": 2, "modulated": True, "padding": 1, "bias": False},
    {"kernel": 2, "offset_groups": 4, "groups": 2, "padding": "same", "stride": (1, 2)},
]


@pytest.mark.parametrize("settings", CASES)
def test_deformable_convolution_written_out(settings: dict[str, Any]) -> None:
    layer = L.DeformableConv2d(4, **settings)
    network, arrays = made(layer, Image(channels=4, height=5, width=6))
    x = torch.randn(2, 4, 5, 6, dtype=F64)
    (kh, kw), (sh, sw), (dh, dw) = layer.window, layer.strides, layer.dilations
    added = [sides(n, (k - 1) * d + 1, s, p) for n, k, d, s, p in zip((5, 6), (kh, kw), (dh, dw), (sh, sw), layer.paddings, strict=True)]
    padded = F.pad(x, (*added[1], *added[0]))
    weights, biases = (torch.from_numpy(arrays[name]) for name in ("offset_weight", "offset_bias"))
    moves = F.conv2d(padded, weights, biases, (sh, sw), 0, (dh, dw)).numpy()
    groups, field, image = layer.offset_groups, kh * kw, x.numpy()
    y = np.zeros((2, 4, *moves.shape[2:]))
    for b, i, j in itertools.product(range(2), range(moves.shape[2]), range(moves.shape[3])):
        seen = np.zeros((4, kh, kw))
        for g, m, n in itertools.product(range(groups), range(kh), range(kw)):
            k = g * field + m * kw + n
            row = i * sh - added[0][0] + m * dh + moves[b, 2 * k, i, j]
            column = j * sw - added[1][0] + n * dw + moves[b, 2 * k + 1, i, j]
            share = slice(g * 4 // groups, (g + 1) * 4 // groups)
            factor = 1 / (1 + np.exp(-moves[b, 2 * groups * field + k, i, j])) if layer.modulated else 1.0
            seen[share, m, n] = factor * between(image[b, share], row, column)
        for f in range(4):
            group = f // (4 // layer.groups)
            share = slice(group * 4 // layer.groups, (group + 1) * 4 // layer.groups)
            y[b, f, i, j] = (seen[share] * arrays["weight"][f]).sum() + (arrays["bias"][f] if "bias" in arrays else 0)
    found: Tensor = network(x)["tested"]
    assert found.shape == y.shape
    assert torch.allclose(found, torch.from_numpy(y), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("modulated", [False, True])
def test_before_training_nothing_moves(modulated: bool) -> None:
    shape = Image(channels=4, height=5, width=6)
    network = build(plan_of(L.DeformableConv2d(6, kernel=3, padding=1, groups=2, modulated=modulated), (shape,)), 3, dtype=F64)
    x = torch.randn(2, 4, 5, 6, dtype=F64)
    expected = F.conv2d(x, network.tensors()["tested/weight"], None, 1, 1, 1, 2) * (0.5 if modulated else 1.0)
    assert torch.allclose(network(x)["tested"], expected, rtol=1e-10, atol=1e-12)


def test_offset_groups_divide_the_channels() -> None:
    with pytest.raises(ShapeError) as caught:
        L.DeformableConv2d(4, kernel=3, offset_groups=3).infer((Image(channels=4, height=5, width=6),))
    assert caught.value.code == "NN008"
    assert "a divisor of 4" in str(caught.value)


def test_places_in_wide_images_are_exact_in_half_the_digits() -> None:
    shape = Image(channels=2, height=8, width=600)
    network = build(plan_of(L.DeformableConv2d(2, kernel=3, padding=1), (shape,)), 3)
    x = torch.randn(1, 2, 8, 600)
    expected = F.conv2d(x, network.tensors()["tested/weight"], None, padding=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network(x)["tested"]
    assert torch.allclose(found.float(), expected, rtol=0.05, atol=0.05)
