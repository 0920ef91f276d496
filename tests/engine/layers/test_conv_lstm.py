"""Convolutional LSTMs against loops over every position, written out in NumPy with the arithmetic of Keras."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.errors import ShapeError
from lamina.network.layers import ConvLSTM, ConvLSTM1d, ConvLSTM2d, ConvLSTM3d
from lamina.shapes import Image, Sequence, Series, Shape, Volume
from lamina.testing.layers import plan_of

Sides = list[tuple[int, int]]


def same(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's `SAME`, as its documentation has it."""
    reach = (kernel - 1) * dilation + 1
    total = max(reach - stride, 0) if size % stride == 0 else max(reach - size % stride, 0)
    return total // 2, total - total // 2


def convolve(x: np.ndarray, weight: np.ndarray, sides: Sides, stride: int, dilation: int) -> np.ndarray:
    """``x [channels, ...]`` with ``weight [filters, channels, ...]``, position by position."""
    x, kernel = np.pad(x, [(0, 0), *sides]), weight.shape[2:]
    sizes = [(size - (k - 1) * dilation - 1) // stride + 1 for size, k in zip(x.shape[1:], kernel, strict=True)]
    out = np.zeros((len(weight), *sizes))
    for place in itertools.product(*map(range, sizes)):
        window = tuple(slice(p * stride, p * stride + (k - 1) * dilation + 1, dilation) for p, k in zip(place, kernel, strict=True))
        out[(slice(None), *place)] = (weight * x[(slice(None), *window)]).reshape(len(weight), -1).sum(1)
    return out


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def written_out(p: dict[str, np.ndarray], x: np.ndarray, *, padding: str, stride: int, dilation: int, order: list[int]) -> np.ndarray:
    kernel, filters = p["weight_ih"].shape[2:], len(p["weight_hh"]) // 4
    sides = [same(n, k, stride, dilation) if padding == "same" else (0, 0) for n, k in zip(x.shape[2:], kernel, strict=True)]
    h: Any = None
    c: Any = None
    outputs: list[Any] = [None] * len(x)
    for step in order:
        fed = convolve(x[step], p["weight_ih"], sides, stride, dilation) + p["bias"].reshape(-1, *(1,) * len(kernel))
        if h is None:
            h = c = np.zeros((filters, *fed.shape[1:]))
        own = [same(n, k, 1) for n, k in zip(h.shape[1:], kernel, strict=True)]
        i, f, g, o = np.split(fed + convolve(h, p["weight_hh"], own, 1, 1), 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs[step] = h
    return np.stack(outputs)


KINDS: list[tuple[type[ConvLSTM], Shape, Any]] = [
    (ConvLSTM1d, Sequence(steps=7, features=2), 3),
    (ConvLSTM1d, Sequence(steps=6, features=1), 4),
    (ConvLSTM2d, Image(channels=2, height=5, width=6), 3),
    (ConvLSTM2d, Image(channels=1, height=5, width=4), (2, 3)),
    (ConvLSTM3d, Volume(channels=1, depth=4, height=3, width=4), 2),
]


GRID = [("same", 1, 1), ("valid", 1, 1), ("same", 2, 1), ("valid", 2, 1), ("same", 1, 2)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("padding", "stride", "dilation"), [("same", 1, 1), ("valid", 1, 1), ("same", 2, 1), ("valid", 2, 1), ("same", 1, 2)]
)
@pytest.mark.parametrize(("kind", "item", "kernel"), KINDS)
def test_the_equations_written_out(
    kind: type[ConvLSTM], item: Shape, kernel: Any, padding: str, stride: int, dilation: int, reverse: bool
) -> None:
    layer = kind(2, kernel=kernel, padding=padding, stride=stride, dilation=dilation, reverse=reverse)
    network = build(plan_of(layer, (Series(steps=None, item=item),)), 3, dtype=torch.float64)
    generator = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.from_numpy(generator.normal(size=tuple(parameter.shape)) * 0.5))
    x = generator.normal(size=(2, 3, *item.dims))
    y = network(torch.from_numpy(x))["tested"].detach().numpy()
    p = {name.removeprefix("tested/"): array for name, array in network.named_arrays().items()}
    order = [2, 1, 0] if reverse else [0, 1, 2]
    for given, found in zip(x, y, strict=True):
        channels_first = np.moveaxis(given, -1, 1) if kind is ConvLSTM1d else given
        wanted = written_out(p, channels_first, padding=padding, stride=stride, dilation=dilation, order=order)
        np.testing.assert_allclose(found, np.moveaxis(wanted, 1, -1) if kind is ConvLSTM1d else wanted, atol=1e-12)


def test_another_kind_of_series_is_refused_with_the_right_type() -> None:
    with pytest.raises(ShapeError, match="NN001") as caught:
        ConvLSTM2d(2, kernel=3).infer((Series(steps=3, item=Volume(channels=1, depth=4, height=4, width=4)),))
    assert caught.value.problems[0].fix == "write type: conv_lstm3d"
    with pytest.raises(ShapeError, match="NN001"):
        ConvLSTM1d(2, kernel=3).infer((Series(steps=3, item=Sequence(steps=None, features=4)),))


def test_noise_on_a_film_drops_channels_of_frames_and_not_frames() -> None:
    film = Series(steps=None, item=Image(channels=6, height=2, width=2))
    layer = ConvLSTM2d(2, kernel=1, dropout={"type": "spatial_dropout", "rate": 0.5})
    (module,) = build(plan_of(layer, [film]), 0).train().modules_of_nodes
    seen: list[torch.Tensor] = []
    torch.manual_seed(0)
    module.perturbed(seen.append, (torch.ones(2, 5, 6, 2, 2),))
    kept = (seen[0] != 0).flatten(3)
    assert (kept.all(-1) == kept.any(-1)).all(), "a channel is dropped whole"
    assert (kept.any(-1).sum(2) % 6 > 0).any(), "some of a frame's channels, not the frame"
