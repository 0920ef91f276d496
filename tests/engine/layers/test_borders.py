"""Padding, cropping and upsampling against torch's modules and NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPES: dict[int, Shape] = {
    1: Sequence(steps=5, features=2),
    2: Image(channels=2, height=4, width=5),
    3: Volume(channels=2, depth=3, height=4, width=5),
}
SIDES: dict[int, list[Any]] = {1: [0, 2, (1, 2)], 2: [1, (0, 2), ((1, 0), (2, 1))], 3: [1, (0, 1, 2), ((1, 2), 0, (2, 0))]}
PADDING: dict[int, Any] = {1: L.Padding1d, 2: L.Padding2d, 3: L.Padding3d}
ZEROS: dict[int, Any] = {1: L.ZeroPadding1d, 2: L.ZeroPadding2d, 3: L.ZeroPadding3d}
CROPPING: dict[int, Any] = {1: L.Cropping1d, 2: L.Cropping2d, 3: L.Cropping3d}
NUMPYS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def run(layer: L.Layer, shape: Shape, x: Tensor) -> Tensor:
    """Run on channels first, and give channels first."""
    network = build(plan_of(layer, (shape,)), 3, dtype=F64)
    if not isinstance(shape, Sequence):
        y: Tensor = network(x)["tested"]
        assert layer.infer((shape,)).matches(y.shape[1:])
        return y
    y = network(x.transpose(1, 2))["tested"]
    assert layer.infer((shape,)).matches(y.shape[1:])
    return y.transpose(1, 2)


def sample(axes: int) -> Tensor:
    dims = SHAPES[axes].dims
    return torch.randn(2, 2, *(d or 1 for d in (dims[:1] if axes == 1 else dims[1:])), dtype=F64)


def pairs(axes: int, sides: Any) -> list[tuple[int, int]]:
    if isinstance(sides, int):
        return [(sides, sides)] * axes
    if axes == 1:
        return [sides]
    return [side if isinstance(side, tuple) else (side, side) for side in sides]


CASES = [(axes, sides) for axes in (1, 2, 3) for sides in SIDES[axes]]


@pytest.mark.parametrize("mode", list(NUMPYS))
@pytest.mark.parametrize(("axes", "sides"), CASES)
def test_padding_is_numpys(axes: int, sides: Any, mode: Any) -> None:
    x = sample(axes)
    settings: dict[str, Any] = {"constant_values": 1.5} if mode == "constant" else {}
    expected = np.pad(x.numpy(), [(0, 0), (0, 0), *pairs(axes, sides)], mode=NUMPYS[mode], **settings)  # type: ignore[call-overload]
    layer = PADDING[axes](sides, mode=mode, value=1.5 if mode == "constant" else 0.0)
    assert torch.equal(run(layer, SHAPES[axes], x), torch.from_numpy(expected))


@pytest.mark.parametrize(("axes", "sides"), CASES)
def test_zero_padding_and_cropping_are_inverse(axes: int, sides: Any) -> None:
    x = sample(axes)
    padded = run(ZEROS[axes](sides), SHAPES[axes], x)
    assert torch.equal(padded, torch.from_numpy(np.pad(x.numpy(), [(0, 0), (0, 0), *pairs(axes, sides)])))
    shape = ZEROS[axes](sides).infer((SHAPES[axes],))
    assert torch.equal(run(CROPPING[axes](sides), shape, padded), x)


def test_padding_is_torchs() -> None:
    x = sample(2)
    for mode, module in (("reflect", nn.ReflectionPad2d), ("replicate", nn.ReplicationPad2d), ("circular", nn.CircularPad2d)):
        found = run(L.Padding2d(((1, 2), (0, 3)), mode=mode), SHAPES[2], x)  # type: ignore[arg-type]
        assert torch.equal(found, module((0, 3, 1, 2))(x))


@pytest.mark.parametrize(
    ("layer", "shape", "least"),
    [
        (L.Cropping2d(2), Image(channels=1, height=4, width=9), 5),
        (L.Cropping1d((1, 2)), Sequence(steps=3, features=1), 4),
        (L.Padding2d((3, 0), mode="reflect"), Image(channels=1, height=3, width=3), 4),
        (L.Padding3d((0, 4, 0), mode="circular"), Volume(channels=1, depth=3, height=3, width=3), 4),
    ],
)
def test_sides_too_large_are_refused(layer: L.Layer, shape: Shape, least: int) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.infer((shape,))
    assert caught.value.code == "NN020"
    assert f"of at least {least}" in str(caught.value)


@pytest.mark.parametrize("sides", [-1, 1.5, (1, 2, 3), ((1, 2, 3), 1), "same"])
def test_wrong_sides_are_refused(sides: Any) -> None:
    with pytest.raises(DescriptionError) as caught:
        L.ZeroPadding2d(sides)
    assert "[before, after]" in str(caught.value)


def test_one_short_sequence_among_others_is_named() -> None:
    network = build(plan_of(L.Padding1d(3, mode="reflect"), (Sequence(steps=None, features=2),)), 3, dtype=F64)
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    with pytest.raises(ShapeError) as caught:
        network.run({"input_1": torch.zeros(2, 6, 2, dtype=F64)}, {"input_1": mask})
    assert caught.value.code == "EN050"
    assert "at least 4 steps" in str(caught.value)


def test_each_sequence_is_cut_and_filled_at_its_own_end() -> None:
    x, mask = torch.randn(2, 6, 2, dtype=F64), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    shape = Sequence(steps=None, features=2)
    network = build(plan_of(L.Cropping1d((1, 1)), (shape,)), 3, dtype=F64)
    (y,), (after,) = network.run({"input_1": x}, {"input_1": mask})
    assert after is not None
    assert torch.equal(y[1][after[1]], x[1, 1:3])
    network = build(plan_of(L.ZeroPadding1d((0, 1)), (shape,)), 3, dtype=F64)
    (y,), (after,) = network.run({"input_1": x}, {"input_1": mask})
    assert after is not None
    assert torch.equal(y[1][after[1]], torch.cat([x[1, :4], torch.zeros(1, 2, dtype=F64)]))


UPSAMPLING: dict[int, Any] = {1: L.Upsampling1d, 2: L.Upsampling2d, 3: L.Upsampling3d}
MODES = [(1, "nearest"), (1, "linear"), (2, "nearest"), (2, "bilinear"), (2, "bicubic"), (3, "nearest"), (3, "trilinear")]


@pytest.mark.parametrize(("case", "size", "align"), list(itertools.product(MODES, [1, 2, 3], [False, True])))
def test_upsampling_is_torchs(case: tuple[int, str], size: int, align: bool) -> None:
    axes, mode = case
    if mode == "nearest" and align:
        with pytest.raises(DescriptionError):
            UPSAMPLING[axes](size, mode=mode, align_corners=True)
        return
    module = nn.Upsample(scale_factor=size, mode=mode, align_corners=None if mode == "nearest" else align)
    x = sample(axes)
    assert torch.allclose(run(UPSAMPLING[axes](size, mode=mode, align_corners=align), SHAPES[axes], x), module(x), rtol=1e-11, atol=1e-12)
