"""Blocks, patches and local response normalisation against torch's modules and loops in NumPy."""

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
from lamina.network.sequential import Sequential
from lamina.shapes import Image, Sequence, Series, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64


def run(layer: L.Layer, shape: Shape, x: Tensor) -> Tensor:
    y: Tensor = build(plan_of(layer, (shape,)), 3, dtype=F64)(x)["tested"]
    assert layer.infer((shape,)).matches(y.shape[1:])
    return y


def blocks(x: np.ndarray, rows: int, columns: int) -> dict[tuple[int, int], np.ndarray]:
    """For each position of a block, the image made of it."""
    return {(i, j): x[:, :, i::rows, j::columns] for i in range(rows) for j in range(columns)}


@pytest.mark.parametrize("block", [1, 2, (1, 3), (2, 3)])
def test_blocks_in_the_order_that_each_promises(block: Any) -> None:
    rows, columns = block if isinstance(block, tuple) else (block, block)
    shape = Image(channels=2, height=4, width=6)
    x = torch.randn(2, 2, 4, 6, dtype=F64)
    found = blocks(x.numpy(), rows, columns)
    depth = torch.from_numpy(np.concatenate(list(found.values()), 1))
    steps = torch.from_numpy(np.stack(list(found.values()), 1))
    assert torch.equal(run(L.SpaceToDepth(block), shape, x), depth)
    assert torch.equal(run(L.SpaceToSteps(block), shape, x), steps)
    small = Image(channels=2 * rows * columns, height=4 // rows, width=6 // columns)
    assert torch.equal(run(L.DepthToSpace(block), small, depth), x)
    item = Image(channels=2, height=4 // rows, width=6 // columns)
    assert torch.equal(run(L.StepsToSpace(block), Series(steps=rows * columns, item=item), steps), x)
    assert torch.equal(run(L.PixelShuffle(block), small, run(L.PixelUnshuffle(block), shape, x)), x)


def test_padded_blocks_treated_by_themselves_are_a_dilated_convolution() -> None:
    # What space-to-batch was made for: a convolution of each interleaved image is a dilated one of the whole.
    conv = L.Conv2d(2, kernel=3, bias=False)
    layers = [
        L.ZeroPadding2d(((0, 1), (0, 1))),
        L.SpaceToSteps(2),
        L.TimeDistributed(conv),
        L.StepsToSpace(2),
        L.Cropping2d(((0, 1), (0, 1))),
    ]
    network = build(Sequential(Image(channels=3, height=7, width=9), layers).resolve(), 3, dtype=F64)
    x = torch.randn(2, 3, 7, 9, dtype=F64)
    (weight,) = network.parameters()
    (y,) = network(x).values()
    torch.testing.assert_close(y, nn.functional.conv2d(x, weight, dilation=2))


def test_pixel_and_channel_shuffles_are_torchs() -> None:
    x = torch.randn(2, 12, 4, 6, dtype=F64)
    shape = Image(channels=12, height=4, width=6)
    assert torch.equal(run(L.PixelShuffle(2), shape, x), nn.PixelShuffle(2)(x))
    assert torch.equal(run(L.PixelUnshuffle(2), shape, x), nn.PixelUnshuffle(2)(x))
    for groups in (1, 2, 3, 4, 12):
        expected = nn.ChannelShuffle(groups)(x)
        assert torch.equal(run(L.ChannelShuffle(groups), shape, x), expected)
        sequence = x.flatten(2).transpose(1, 2)
        found = run(L.ChannelShuffle(groups), Sequence(steps=24, features=12), sequence)
        assert torch.equal(found, expected.flatten(2).transpose(1, 2))


@pytest.mark.parametrize(
    ("layer", "shape", "fix"),
    [
        (L.SpaceToDepth(2), Image(channels=1, height=3, width=4), "zero_padding2d"),
        (L.PixelShuffle(2), Image(channels=6, height=3, width=4), "8 filters"),
        (L.ChannelShuffle(4), Image(channels=6, height=3, width=4), "a divisor of 6"),
        (L.StepsToSpace(2), Series(steps=3, item=Image(channels=1, height=2, width=2)), "the same block"),
    ],
)
def test_blocks_that_leave_something_over_are_refused(layer: L.Layer, shape: Shape, fix: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.infer((shape,))
    assert caught.value.code == "NN008"
    assert fix in str(caught.value)


GRID = list(itertools.product([1, 2, 3], [1, 2, 3], [0, 1], [1, 2]))


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), GRID)
def test_unfold_and_fold_are_torchs(kernel: int, stride: int, padding: int, dilation: int) -> None:
    x = torch.randn(2, 3, 7, 6, dtype=F64)
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    columns = nn.Unfold(kernel, **settings)(x)
    patches = run(L.Unfold(kernel, **settings), Image(channels=3, height=7, width=6), x)
    assert torch.equal(patches, columns.transpose(1, 2))
    expected = nn.Fold((7, 6), kernel, **settings)(columns)
    folded = run(L.Fold((7, 6), kernel=kernel, **settings), Sequence(steps=patches.shape[1], features=patches.shape[2]), patches)
    assert torch.allclose(folded, expected, rtol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), list(itertools.product([2, 3], [1, 2, 3], [1, 2])))
def test_fold_with_same_padding_adds_up_what_unfold_took_apart(kernel: int, stride: int, dilation: int) -> None:
    x = torch.randn(2, 3, 7, 6, dtype=F64)
    settings: dict[str, Any] = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": "same"}
    # The sum of <unfold(x), p> over all patches is <x, fold(p)>: one is the other's transpose.
    patches = run(L.Unfold(**settings), Image(channels=3, height=7, width=6), x)
    other = torch.randn_like(patches)
    folded = run(L.Fold((7, 6), **settings), Sequence(steps=patches.shape[1], features=patches.shape[2]), other)
    assert torch.allclose((patches * other).sum((1, 2)), (x * folded).sum((1, 2, 3)), rtol=1e-11)


def test_patches_of_another_image_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        L.Fold(4, kernel=2, stride=2).infer((Sequence(steps=5, features=8),))
    assert "2 * 2 = 4 patches" in str(caught.value)
    with pytest.raises(ShapeError) as caught:
        L.Fold(4, kernel=2, stride=2).infer((Sequence(steps=4, features=6),))
    assert caught.value.code == "NN008"
    with pytest.raises(DescriptionError):
        L.Fold(2, kernel=3)


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 9])
def test_local_response_written_out(window: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 3, 2)) * 3
    y = np.empty_like(x)
    for c in range(7):
        near = x[:, max(c - window // 2, 0) : c + (window - 1) // 2 + 1]
        y[:, c] = x[:, c] / (2 + 0.3 * (near**2).sum(1)) ** 0.75
    layer = L.LocalResponseNorm(window, alpha=0.3)
    found = run(layer, Image(channels=7, height=3, width=2), torch.from_numpy(x))
    assert torch.allclose(found, torch.from_numpy(y), rtol=1e-11)
    sequence = torch.from_numpy(x).flatten(2).transpose(1, 2)
    assert torch.allclose(run(layer, Sequence(steps=6, features=7), sequence), torch.from_numpy(y).flatten(2).transpose(1, 2), rtol=1e-11)


def test_torchs_convention_of_local_response_is_a_setting() -> None:
    x = torch.randn(2, 7, 3, 2, 2, dtype=F64) * 3
    shape = Volume(channels=7, depth=3, height=2, width=2)
    settings: dict[str, Any] = {"alpha": 0.2, "beta": 0.6, "k": 1.5}
    expected = nn.LocalResponseNorm(4, **settings)(x)
    assert torch.allclose(run(L.LocalResponseNorm(4, **settings, average=True), shape, x), expected, rtol=1e-11)
    defaults = L.LocalResponseNorm()
    assert (defaults.k, defaults.window, defaults.alpha, defaults.beta) == (2.0, 5, 1e-4, 0.75)  # Deeplearning4j's
