"""Windows on sequences of different lengths in one batch: every sequence gets what torch gives it alone, over a grid of settings."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.errors import ShapeError
from lamina.network import layers as L
from lamina.shapes import Sequence
from lamina.testing.layers import plan_of

F64 = torch.float64
OPEN = Sequence(steps=None, features=2)
STEPS = 9
ROWS = {
    "front": [(0, 9), (0, 6), (0, 5), (0, 8), (0, 7)],
    "end": [(0, 9), (3, 9), (4, 9), (1, 9), (2, 9)],
    "between": [(0, 9), (1, 7), (2, 7), (0, 8), (1, 8)],
}


def mask_of(rows: list[tuple[int, int]]) -> Tensor:
    places = torch.arange(STEPS)
    return torch.stack([(places >= start) & (places < stop) for start, stop in rows])


def run(layer: L.Layer, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
    network = build(plan_of(layer, (OPEN,)), 3, dtype=F64).eval()
    garbage = x.masked_fill(~mask[:, :, None], 1e3)
    (y,), (after,) = network.run({"input_1": garbage}, {"input_1": mask})
    return y, after, {name.removeprefix("tested/"): value for name, value in network.tensors().items()}


def sides(size: int, reach: int, stride: int, padding: Any) -> tuple[int, int]:
    """What is added to a sequence of this size: TensorFlow's `SAME`, all before, or as many on both sides."""
    if padding == "same":
        total = max(reach - stride, 0) if size % stride == 0 else max(reach - size % stride, 0)
        return total // 2, total - total // 2
    if padding == "causal":
        return reach - 1, 0
    return (0, 0) if padding == "valid" else (padding, padding)


GRID = list(itertools.product([1, 2, 3], [1, 2, 3], [1, 2], ["valid", "same", "causal", 1]))


@pytest.mark.parametrize("where", list(ROWS))
@pytest.mark.parametrize(("kernel", "stride", "dilation", "padding"), GRID)
def test_convolution(kernel: int, stride: int, dilation: int, padding: Any, where: str) -> None:
    x, mask = torch.randn(5, STEPS, 2, dtype=F64), mask_of(ROWS[where])
    layer = L.Conv1d(3, kernel=kernel, stride=stride, dilation=dilation, padding=padding, bias=False)
    y, after, tensors = run(layer, x, mask)
    assert after is not None
    for row in range(5):
        alone = x[row, mask[row]].T[None]
        padded = F.pad(alone, sides(alone.shape[2], (kernel - 1) * dilation + 1, stride, padding))
        expected = F.conv1d(padded, tensors["weight"], None, stride, 0, dilation)[0].T
        assert torch.allclose(y[row][after[row]], expected, rtol=1e-10, atol=1e-12)
    if stride == 1 and padding in ("same", "causal"):
        assert torch.equal(after, mask)  # As many come out as go in: they stay where they were.


@pytest.mark.parametrize("where", list(ROWS))
@pytest.mark.parametrize(("size", "stride", "padding"), list(itertools.product([2, 3], [1, 2, 3], ["valid", "same", 1, "ceil"])))
def test_pooling(size: int, stride: int, padding: Any, where: str) -> None:
    x, mask = torch.randn(5, STEPS, 2, dtype=F64) - 3, mask_of(ROWS[where])
    settings: dict[str, Any] = {"stride": stride, "padding": padding}
    for layer, reduce in [
        (L.MaxPool1d(size, **settings), lambda values: values.amax(0)),
        (L.AvgPool1d(size, **settings), lambda values: values.mean(0)),
        (L.AvgPool1d(size, **settings, include_padding=True), lambda values: values.sum(0) / size),
        (L.SumPool1d(size, **settings), lambda values: values.sum(0)),
        (L.PNormPool1d(size, **settings, p=3.0), lambda values: (values.abs() ** 3).sum(0) ** (1 / 3)),
    ]:
        y, after, _ = run(layer, x, mask)
        assert after is not None
        for row in range(5):
            alone = x[row, mask[row]]
            count = len(alone)
            before, behind = sides(count, size, stride, padding) if padding != "ceil" else (0, 0)
            last = count + behind - size
            starts = list(range(-before, last + 1, stride))
            if padding == "ceil" and starts[-1] + size < count and starts[-1] + stride < count:
                starts.append(starts[-1] + stride)
            expected = torch.stack([reduce(alone[max(start, 0) : start + size]) for start in starts])
            assert torch.allclose(y[row][after[row]], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "padding"), list(itertools.product([1, 2, 3], [1, 2, 3], ["valid", "same", 1])))
def test_transposed_convolution(kernel: int, stride: int, padding: Any) -> None:
    x, mask = torch.randn(5, STEPS, 2, dtype=F64), mask_of(ROWS["between"])
    layer = L.ConvTranspose1d(3, kernel=kernel, stride=stride, padding=padding)
    y, after, tensors = run(layer, x, mask)
    assert after is not None
    for row in range(5):
        alone = x[row, mask[row]].T[None]
        full = F.conv_transpose1d(alone, tensors["weight"], tensors["bias"], stride)
        size = alone.shape[2] * stride if padding == "same" else full.shape[2] - 2 * (padding if padding != "valid" else 0)
        if padding == "same":
            cut = max(kernel - stride, 0) // 2
            full = F.pad(full, (0, max(size + cut - full.shape[2], 0)))  # bias is 0
        else:
            cut = 0 if padding == "valid" else padding
        assert torch.allclose(y[row][after[row]], full[0, :, cut : cut + size].T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [L.GlobalMaxPool(), L.GlobalAvgPool(), L.GlobalSumPool(), L.GlobalPNormPool(3.0)])
def test_global_pooling_counts_real_steps_only(layer: L.Layer) -> None:
    x, mask = torch.randn(5, STEPS, 2, dtype=F64) - 3, mask_of([*ROWS["between"][:4], (0, 0)])
    y, after, _ = run(layer, x, mask)
    assert after is None
    reduce: dict[str, Any] = {
        "GlobalMaxPool": lambda values: values.amax(0),
        "GlobalAvgPool": lambda values: values.mean(0),
        "GlobalSumPool": lambda values: values.sum(0),
        "GlobalPNormPool": lambda values: (values.abs() ** 3).sum(0) ** (1 / 3),
    }
    for row in range(4):
        assert torch.allclose(y[row], reduce[type(layer).__name__](x[row, mask[row]]))
    assert torch.equal(y[4], torch.zeros(2, dtype=F64))  # Nothing is there.


@pytest.mark.parametrize("layer", [L.MaxPool1d(3, stride=2, padding="same"), L.Conv1d(2, kernel=3), L.AvgPool1d(2)])
def test_a_sequence_without_steps_harms_nobody(layer: L.Layer) -> None:
    x, mask = torch.randn(2, STEPS, 2, dtype=F64), mask_of([(0, 9), (0, 0)])
    y, after, _ = run(layer, x, mask)
    assert after is not None
    assert not after[1].any()
    assert bool(torch.isfinite(y).all())


def test_gradients_of_masked_steps_are_nought() -> None:
    for layer in (
        L.Conv1d(2, kernel=3, stride=2, padding="same"),
        L.MaxPool1d(2),
        L.PNormPool1d(2),
        L.GlobalMaxPool(),
        L.GlobalPNormPool(),
    ):
        network = build(plan_of(layer, (OPEN,)), 3, dtype=F64)
        x, mask = torch.randn(5, STEPS, 2, dtype=F64, requires_grad=True), mask_of(ROWS["front"])
        (y,), _ = network.run({"input_1": x}, {"input_1": mask})
        (gradient,) = torch.autograd.grad(y.square().sum(), x)
        assert bool(torch.isfinite(gradient).all())
        assert not gradient[~mask].any()


@pytest.mark.parametrize(
    "layer",
    [
        L.Conv1d(3, kernel=3, padding="causal", dilation=2),
        L.DepthwiseConv1d(2, padding="causal"),
        L.SeparableConv1d(3, kernel=4, padding="causal"),
    ],
)
def test_a_causal_convolution_goes_on_where_it_was_left(layer: L.Layer) -> None:
    network = build(plan_of(layer, (OPEN,)), 3, dtype=F64).eval()
    x, mask = torch.randn(5, STEPS, 2, dtype=F64), mask_of(ROWS["between"])
    (whole,), _ = network.run({"input_1": x}, {"input_1": mask})
    state, pieces = network.start_state(5), []
    for start, stop in ((0, 1), (1, 4), (4, 5), (5, 9)):
        piece = x[:, start:stop].masked_fill(~mask[:, start:stop, None], 1e3)
        scores, _, state = network.advance({"input_1": piece}, state, {"input_1": mask[:, start:stop]})
        pieces.append(scores["tested"])
    assert torch.allclose(torch.cat(pieces, 1)[mask], whole[mask], rtol=1e-10, atol=1e-12)


def test_convolutions_that_look_ahead_cannot_be_stepped() -> None:
    assert not L.Conv1d(3, kernel=3, padding="same").memory
    assert not L.Conv1d(3, kernel=3, stride=2, padding="causal").memory
    assert L.Conv1d(3, kernel=1).stepwise
    assert not L.Conv1d(3, kernel=1, padding=1).stepwise


@pytest.mark.parametrize(("layer", "needed"), [(L.Conv1d(3, kernel=5, stride=2), 5), (L.MaxPool1d(4, padding=1), 4)])
def test_too_short_sequences_are_told_what_is_needed(layer: L.Layer, needed: int) -> None:
    network = build(plan_of(layer, (OPEN,)), 3, dtype=F64)
    for masks in (None, {"input_1": torch.ones(2, 1, dtype=torch.bool)}):
        with pytest.raises(ShapeError) as caught:
            network.run({"input_1": torch.zeros(2, 1, 2, dtype=F64)}, masks or {})
        assert caught.value.code == "NN002"
        assert f"steps of at least {needed}" in str(caught.value)
        assert "tested" in str(caught.value)
