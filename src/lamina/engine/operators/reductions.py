"""Operators that make one number of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator

Reduce = Callable[[Tensor, list[int], bool], Tensor]


def axes_of(x: Tensor, axes: Tensor | None) -> list[int]:
    """Places of axes, from 0; all if none are named."""
    named: list[int] = [] if axes is None else axes.reshape(-1).tolist()
    return [axis % x.dim() for axis in named] or list(range(x.dim()))


def _enter(name: str, function: Reduce) -> None:
    def run(x: Tensor, axes: Tensor | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        if noop_with_empty_axes and (axes is None or axes.numel() == 0):
            return function(x.unsqueeze(0), [0], False)
        if x.dim() == 0:
            return function(x.unsqueeze(0), [0], False)
        return function(x, axes_of(x, axes), bool(keepdims))

    run.__qualname__ = f"run_{name}"
    operator(name)(run)


def _sum(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return x.sum(axes, keepdim=keep).to(x.dtype)


def _mean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    if x.dtype.is_floating_point:
        return x.mean(axes, keepdim=keep)
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return torch.div(x.sum(axes, keepdim=keep), count, rounding_mode="trunc").to(x.dtype)


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    y = x
    for axis in sorted(axes, reverse=True):
        y = y.prod(axis, keepdim=keep)
    return y.to(x.dtype)


def _extreme(x: Tensor, axes: list[int], keep: bool, lowest: bool) -> Tensor:
    kind = x.dtype
    if any(x.shape[axis] == 0 for axis in axes):
        sizes = [1 if place in axes else size for place, size in enumerate(x.shape) if keep or place not in axes]
        if kind == torch.bool:
            return torch.full(sizes, lowest, dtype=kind, device=x.device)
        limit = float("inf") if kind.is_floating_point else torch.iinfo(kind).max
        other = float("-inf") if kind.is_floating_point else torch.iinfo(kind).min
        return torch.full(sizes, limit if lowest else other, dtype=kind, device=x.device)
    if kind == torch.bool:
        x = x.to(torch.uint8)
    elif kind in (torch.uint16, torch.uint32, torch.uint64):
        x = x.to(torch.int64)
    y = torch.amin(x, axes, keepdim=keep) if lowest else torch.amax(x, axes, keepdim=keep)
    return y.to(kind)


def _log_sum_exp(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return torch.logsumexp(x if x.dtype.is_floating_point else x.double(), axes, keepdim=keep).to(x.dtype)


for _name, _function in {
    "ReduceSum": _sum,
    "ReduceMean": _mean,
    "ReduceProd": _product,
    "ReduceMax": lambda x, axes, keep: _extreme(x, axes, keep, lowest=False),
    "ReduceMin": lambda x, axes, keep: _extreme(x, axes, keep, lowest=True),
    "ReduceL1": lambda x, axes, keep: _sum(x.abs(), axes, keep),
    "ReduceL2": lambda x, axes, keep: (
        _sum(x * x, axes, keep).to(x.dtype if x.dtype.is_floating_point else torch.float64).sqrt().to(x.dtype)
    ),
    "ReduceLogSum": lambda x, axes, keep: _sum(x, axes, keep).log(),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceSumSquare": lambda x, axes, keep: _sum(x * x, axes, keep),
}.items():
    _enter(_name, _function)


def _arg(x: Tensor, axis: int, keep: bool, last: bool, lowest: bool) -> Tensor:
    flipped = x.flip(axis) if last else x
    find: Any = torch.argmin if lowest else torch.argmax
    found: Tensor = find(flipped, axis, keepdim=keep)
    return x.shape[axis] - 1 - found if last else found


@operator("ArgMax")
def argmax(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """Place of the largest number."""
    return _arg(x, axis, bool(keepdims), bool(select_last_index), lowest=False)


@operator("ArgMin")
def argmin(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """Place of the smallest number."""
    return _arg(x, axis, bool(keepdims), bool(select_last_index), lowest=True)


def _running(x: Tensor, axis: int, exclusive: int, reverse: int, run: Callable[[Tensor, int], Tensor], start: int) -> Tensor:
    y = run(x.flip(axis) if reverse else x, axis)
    if exclusive:
        first = torch.full_like(y.narrow(axis, 0, 1), start)
        y = torch.cat([first, y.narrow(axis, 0, y.shape[axis] - 1)], axis)
    return (y.flip(axis) if reverse else y).to(x.dtype)


@operator("CumSum")
def cumulative_sum(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Sum up to each place."""
    return _running(x, int(axis), exclusive, reverse, torch.cumsum, 0)


@operator("CumProd")
def cumulative_product(x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    """Product up to each place."""
    return _running(x, int(axis), exclusive, reverse, torch.cumprod, 1)


@operator("Softmax")
def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Exponentials that sum to 1."""
    return torch.softmax(x, axis)


@operator("LogSoftmax")
def log_softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Their logarithms."""
    return torch.log_softmax(x, axis)


@operator("Hardmax")
def hardmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """1 at the first largest number, 0 elsewhere."""
    place = x.argmax(axis, keepdim=True)
    return torch.zeros_like(x).scatter(axis, place, 1)


@operator("TopK")
def top_k(x: Tensor, k: Tensor, *, axis: int = -1, largest: int = 1, sorted_: int = 1, context: Context) -> tuple[Tensor, Tensor]:
    """The largest numbers, or smallest, and their places; of equal ones the first comes first."""
    count = int(k)
    if not 0 <= count <= x.shape[axis]:
        raise context.refused(expected=f"k up to {x.shape[axis]}", got=str(count), fix="look at what gives k")
    kind = x.dtype
    wide = x.to(torch.int64) if kind in (torch.uint16, torch.uint32, torch.uint64) else x
    ordered, places = torch.sort(wide, stable=True, dim=axis, descending=bool(largest))
    return ordered.narrow(axis, 0, count).to(kind), places.narrow(axis, 0, count)


@operator("Det")
def determinant(x: Tensor) -> Tensor:
    """Determinant of the last two axes."""
    found: Tensor = torch.linalg.det(x)
    return found
