"""Adaptive, fractional and inverse pooling against torch's modules and loops in NumPy."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPES: dict[int, Shape] = {
    1: Sequence(steps=9, features=2),
    2: Image(channels=2, height=7, width=8),
    3: Volume(channels=2, depth=4, height=5, width=6),
}


def sample(axes: int) -> Tensor:
    dims = SHAPES[axes].dims
    return torch.randn(2, 2, *(d or 1 for d in (dims[:1] if axes == 1 else dims[1:])), dtype=F64)


def turned(axes: int, x: Tensor) -> Tensor:
    return x.transpose(1, 2) if axes == 1 else x


ADAPTIVE: dict[int, Any] = {
    1: [(L.AdaptiveAvgPool1d, nn.AdaptiveAvgPool1d), (L.AdaptiveMaxPool1d, nn.AdaptiveMaxPool1d)],
    2: [(L.AdaptiveAvgPool2d, nn.AdaptiveAvgPool2d), (L.AdaptiveMaxPool2d, nn.AdaptiveMaxPool2d)],
    3: [(L.AdaptiveAvgPool3d, nn.AdaptiveAvgPool3d), (L.AdaptiveMaxPool3d, nn.AdaptiveMaxPool3d)],
}


@pytest.mark.parametrize(("axes", "size"), list(itertools.product([1, 2, 3], [1, 2, 3, 5, 10])))
def test_adaptive_pooling_is_torchs(axes: int, size: int) -> None:
    x = sample(axes)
    for ours, theirs in ADAPTIVE[axes]:
        y = build(plan_of(ours(size), (SHAPES[axes],)), 3, dtype=F64)(turned(axes, x))["tested"]
        assert ours(size).infer((SHAPES[axes],)).matches(y.shape[1:])
        assert torch.allclose(turned(axes, y), theirs(size)(x), rtol=1e-12)


def test_adaptive_pooling_divides_each_sequence_by_itself() -> None:
    network = build(plan_of(L.AdaptiveAvgPool1d(3), (Sequence(steps=None, features=2),)), 3, dtype=F64).eval()
    x, mask = torch.randn(2, 9, 2, dtype=F64), torch.arange(9)[None, :] < torch.tensor([[9], [5]])
    (y,), (after,) = network.run({"input_1": x}, {"input_1": mask})
    assert after is not None
    assert bool(after.all())
    for row, steps in enumerate((9, 5)):
        parts = [x[row, i * steps // 3 : math.ceil((i + 1) * steps / 3)].mean(0) for i in range(3)]
        assert torch.allclose(y[row], torch.stack(parts))


def starts(size: int, count: int, window: int, draw: float) -> list[int]:
    """Where Graham's windows begin, as torch computes them."""
    if count == 1:
        return [size - window]
    alpha = (size - window) / (count - 1)
    return [int((i + draw) * alpha) - int(draw * alpha) for i in range(count - 1)] + [size - window]


@pytest.mark.parametrize(("window", "output"), list(itertools.product([1, 2, 3], [(5, 4), (1, 6), (3, 3)])))
def test_fractional_pooling_written_out(window: int, output: tuple[int, int]) -> None:
    x = sample(2)
    network = build(plan_of(L.FractionalMaxPool2d(window, output=output), (SHAPES[2],)), 3, dtype=F64).eval()
    rows, columns = (starts(size, count, window, 0.5) for size, count in zip((7, 8), output, strict=True))
    expected = torch.stack([torch.stack([x[:, :, i : i + window, j : j + window].amax((2, 3)) for j in columns], -1) for i in rows], 2)
    assert torch.equal(network(x)["tested"], expected)


def test_fractional_pooling_draws_in_training_as_torch_does() -> None:
    for axes, ours, theirs in ((2, L.FractionalMaxPool2d, nn.FractionalMaxPool2d), (3, L.FractionalMaxPool3d, nn.FractionalMaxPool3d)):
        x = sample(axes)
        network = build(plan_of(ours(2, ratio=0.6), (SHAPES[axes],)), 3, dtype=F64).train()
        torch.manual_seed(5)
        found = network(x)["tested"]
        torch.manual_seed(5)
        assert torch.equal(found, theirs(2, output_ratio=0.6)(x))
        assert not torch.equal(found, network(x)["tested"])


@pytest.mark.parametrize("settings", [{}, {"ratio": 0.5, "output": 3}, {"ratio": 1.0}, {"ratio": (0.5, 0.5, 0.5)}])
def test_fractional_settings_that_say_no_size_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError) as caught:
        L.FractionalMaxPool2d(2, **settings)
    assert "ratio: 0.7" in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "axes"),
    [(L.FractionalMaxPool2d(3, output=6), 2), (L.FractionalMaxPool3d(2, output=3), 3), (L.FractionalMaxPool2d(2, ratio=0.1), 2)],
)
def test_windows_that_cannot_stand_apart_are_refused(layer: L.Layer, axes: int) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.infer((SHAPES[axes],))
    assert caught.value.code == "NN002"


UNPOOL: dict[int, Any] = {
    1: (L.MaxUnpool1d, F.max_pool1d, F.max_unpool1d, L.MaxPool1d),
    2: (L.MaxUnpool2d, F.max_pool2d, F.max_unpool2d, L.MaxPool2d),
    3: (L.MaxUnpool3d, F.max_pool3d, F.max_unpool3d, L.MaxPool3d),
}


@pytest.mark.parametrize(("axes", "size", "stride", "padding"), list(itertools.product([1, 2, 3], [2, 3], [None, 3], [0, 1])))
def test_unpooling_is_torchs(axes: int, size: int, stride: int | None, padding: int) -> None:
    ours, pool, unpool, pooling = UNPOOL[axes]
    x, shape = sample(axes), SHAPES[axes]
    values, places = pool(x, size, stride, padding, return_indices=True)
    values = torch.randn_like(values)
    small = pooling(size, stride=stride, padding=padding).infer((shape,))
    network = build(plan_of(ours(size, stride=stride, padding=padding), (small, shape)), 3, dtype=F64)
    y = network({"input_1": turned(axes, values), "input_2": turned(axes, x)})["tested"]
    assert torch.equal(turned(axes, y), unpool(values, places, size, stride, padding, output_size=x.shape))


@pytest.mark.parametrize("padding", ["same", "ceil"])
def test_pooling_what_was_unpooled_gives_the_values_back(padding: str) -> None:
    x, shape = sample(2).abs() + 1, SHAPES[2]
    small = L.MaxPool2d(3, padding=padding).infer((shape,))
    values = build(plan_of(L.MaxPool2d(3, padding=padding), (shape,)), 3, dtype=F64)(x)["tested"]
    network = build(plan_of(L.MaxUnpool2d(3, padding=padding), (small, shape)), 3, dtype=F64)
    y = network({"input_1": values, "input_2": x})["tested"]
    assert torch.equal(y[y != 0].sort().values, values.flatten().sort().values)
    assert torch.equal(y[y != 0], x[y != 0])


def test_unpooling_of_another_size_and_with_overlaps_is_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        L.MaxUnpool2d(2).infer((Image(channels=2, height=4, width=4), SHAPES[2]))
    assert caught.value.code == "NN003"
    with pytest.raises(DescriptionError) as wrong:
        L.MaxUnpool2d(3, stride=2)
    assert "leave stride out" in str(wrong.value)


@pytest.mark.parametrize(("axes", "size", "stride", "padding"), list(itertools.product([1, 2, 3], [2, 3], [None, 1, 2], [0, 1])))
def test_dilated_max_pooling_is_torchs(axes: int, size: int, stride: int | None, padding: int) -> None:
    ours: Any = {1: L.MaxPool1d, 2: L.MaxPool2d, 3: L.MaxPool3d}[axes]
    x, shape, dilation = sample(axes), SHAPES[axes], 1 if size == 3 and axes == 3 else 2
    expected = UNPOOL[axes][1](x, size, stride, padding, dilation)
    layer = ours(size, stride=stride, padding=padding, dilation=dilation)
    y = build(plan_of(layer, (shape,)), 3, dtype=F64)(turned(axes, x))["tested"]
    assert layer.infer((shape,)).matches(y.shape[1:])
    assert torch.equal(turned(axes, y), expected)


def test_a_dilated_window_that_misses_the_input_is_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        L.MaxPool1d(2, stride=1, padding="same", dilation=3).infer((Sequence(steps=2, features=1),))
    assert caught.value.code == "NN002"
    assert "smaller dilation" in str(caught.value)
