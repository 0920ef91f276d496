"""Pooling by sum and p-norm against torch's modules and NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lamina.engine.build import build
from lamina.errors import DescriptionError
from lamina.network import layers as L
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPES: dict[int, Shape] = {
    1: Sequence(steps=9, features=2),
    2: Image(channels=2, height=7, width=8),
    3: Volume(channels=2, depth=4, height=5, width=6),
}
NORM: dict[int, Any] = {1: (L.PNormPool1d, nn.LPPool1d), 2: (L.PNormPool2d, nn.LPPool2d), 3: (L.PNormPool3d, nn.LPPool3d)}
SUM: dict[int, Any] = {1: (L.SumPool1d, nn.AvgPool1d), 2: (L.SumPool2d, nn.AvgPool2d), 3: (L.SumPool3d, nn.AvgPool3d)}


def run(layer: L.Layer, shape: Shape, x: torch.Tensor) -> torch.Tensor:
    """Run on channels first, and give channels first."""
    network = build(plan_of(layer, (shape,)), 3, dtype=F64)
    if not isinstance(shape, Sequence):
        y: torch.Tensor = network(x)["tested"]
    else:
        y = network(x.transpose(1, 2))["tested"].transpose(1, 2)
    assert layer.infer((shape,)).size == y[0].numel()
    return y


@pytest.mark.parametrize(("axes", "size", "stride", "p"), list(itertools.product([1, 2, 3], [2, 3], [None, 1, 2], [1.0, 2.0, 3.0])))
def test_p_norm_pooling_is_torchs_for_positive_numbers(axes: int, size: int, stride: int | None, p: float) -> None:
    ours, theirs = NORM[axes]
    shape = SHAPES[axes]
    x = torch.rand(2, 2, *(shape.dims[1:] if axes > 1 else shape.dims[:1]), dtype=F64)
    assert torch.allclose(run(ours(size, stride=stride, p=p), shape, x), theirs(p, size, stride)(x), rtol=1e-11)


def test_an_odd_norm_takes_absolute_values() -> None:
    x = torch.tensor([[[-1.0, -2.0, 0.0, 3.0]]], dtype=F64)
    y = run(L.PNormPool1d(2, p=3.0), Sequence(steps=4, features=1), x)
    assert torch.allclose(y, torch.tensor([[[9 ** (1 / 3), 3.0]]], dtype=F64))


def test_the_slope_of_a_norm_of_noughts_is_nought() -> None:
    network = build(plan_of(L.PNormPool2d(2), (Image(channels=1, height=4, width=4),)), 3, dtype=F64)
    x = torch.zeros(1, 1, 4, 4, dtype=F64, requires_grad=True)
    network(x)["tested"].sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


@pytest.mark.parametrize(("axes", "size", "stride", "padding"), list(itertools.product([1, 2, 3], [2, 3], [None, 1, 2], [0, 1])))
def test_sum_pooling_is_torchs_average_times_the_window(axes: int, size: int, stride: int | None, padding: int) -> None:
    ours, theirs = SUM[axes]
    shape = SHAPES[axes]
    x = torch.randn(2, 2, *(shape.dims[1:] if axes > 1 else shape.dims[:1]), dtype=F64)
    expected = theirs(size, stride, padding)(x) * size**axes
    assert torch.allclose(run(ours(size, stride=stride, padding=padding), shape, x), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("shape", list(SHAPES.values()))
def test_global_sum_and_norm(shape: Shape) -> None:
    x = torch.randn(2, *(d or 1 for d in shape.dims), dtype=F64)
    axes = (1,) if isinstance(shape, Sequence) else tuple(range(2, x.dim()))
    for layer, expected in [
        (L.GlobalSumPool(), x.numpy().sum(axes)),
        (L.GlobalPNormPool(), np.sqrt((x.numpy() ** 2).sum(axes))),
        (L.GlobalPNormPool(3.0), (np.abs(x.numpy()) ** 3).sum(axes) ** (1 / 3)),
    ]:
        network = build(plan_of(layer, (shape,)), 3, dtype=F64)
        assert torch.allclose(network(x)["tested"], torch.from_numpy(expected), rtol=1e-11)


def test_an_exponent_below_one_is_no_norm() -> None:
    with pytest.raises(DescriptionError) as caught:
        L.PNormPool2d(2, p=0.5)
    assert caught.value.code == "SP004"
