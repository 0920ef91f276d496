"""Operators that take numbers from places, or put them there."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator
from lamina.engine.operators.shaping import ints


@operator("Gather")
def gather(x: Any, indices: Tensor, *, axis: int = 0) -> Any:
    """Slices of an axis."""
    if not isinstance(x, Tensor):
        import numpy as np

        return np.take(x, indices.cpu().numpy(), axis=axis)
    axis = axis % x.dim()
    flat = indices.reshape(-1).to(torch.int64)
    flat = torch.where(flat < 0, flat + x.shape[axis], flat)
    return x.index_select(axis, flat).reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


@operator("GatherElements")
def gather_elements(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """A number for each index, along an axis."""
    indices = indices.to(torch.int64)
    return x.gather(axis, torch.where(indices < 0, indices + x.shape[axis], indices))


def _places(x_shape: torch.Size, indices: Tensor) -> tuple[Tensor, ...]:
    indices = indices.to(torch.int64)
    return tuple(torch.where(part < 0, part + x_shape[place], part) for place, part in enumerate(indices.unbind(-1)))


@operator("GatherND")
def gather_nd(x: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    """Slices at places of several axes."""
    if not batch_dims:
        return x[_places(x.shape, indices)]
    outer = x.shape[:batch_dims]
    flat_x = x.reshape(-1, *x.shape[batch_dims:])
    flat = indices.reshape(math.prod(outer), *indices.shape[batch_dims:])
    parts = [part[_places(part.shape, where)] for part, where in zip(flat_x, flat, strict=True)]
    stacked = torch.stack(parts)
    return stacked.reshape(*outer, *stacked.shape[1:])


@operator("ScatterElements")
def scatter_elements(x: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none") -> Tensor:
    """Numbers put at places along an axis."""
    indices = indices.to(torch.int64)
    indices = torch.where(indices < 0, indices + x.shape[axis], indices)
    if reduction == "none":
        return x.scatter(axis, indices, updates)
    how = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}[reduction]
    return x.scatter_reduce(axis, indices, updates, how, include_self=True)


@operator("ScatterND")
def scatter_nd(x: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    """Slices put at places of several axes."""
    places = _places(x.shape, indices)
    if reduction in ("none", "add"):
        return x.index_put(places, updates, accumulate=reduction == "add")
    width = indices.shape[-1]
    inner = math.prod(x.shape[width:])
    row = torch.zeros_like(places[0])
    for place, part in enumerate(places):
        row = row * x.shape[place] + part
    flat = (row.reshape(-1)[:, None] * inner + torch.arange(inner, device=x.device)).reshape(-1)
    how = {"mul": "prod", "max": "amax", "min": "amin"}[reduction]
    return x.reshape(-1).scatter_reduce(0, flat, updates.reshape(-1), how, include_self=True).reshape(x.shape)


@operator("Slice")
def slice_(x: Any, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None) -> Any:
    """Parts of axes, from a place to another, at any step."""
    begins, finishes = ints(starts), ints(ends)
    places = ints(axes) if axes is not None else list(range(len(begins)))
    strides = ints(steps) if steps is not None else [1] * len(begins)
    for begin, finish, axis, stride in zip(begins, finishes, places, strides, strict=True):
        size = x.shape[axis]
        first, last, step = _slice(begin, finish, stride, size)
        if not isinstance(x, Tensor):
            kept = [slice(None)] * x.ndim
            kept[axis] = slice(first, last if last >= 0 else None, step)
            x = x[tuple(kept)]
        elif step > 0:
            count = max(-(-(last - first) // step), 0)
            x = x.narrow(axis, first if count else 0, max(min(last, size) - first, 0) if count else 0)
            x = x if step == 1 or not count else x[(slice(None),) * (axis % x.dim()) + (slice(None, None, step),)]
        else:
            x = x.index_select(axis, torch.arange(first, last, step, device=x.device))
    return x


def _slice(start: int, end: int, step: int, size: int) -> tuple[int, int, int]:
    """First place, the place behind the last (-1 if that is before the first), and step, as Python counts."""
    return slice(start, end, step).indices(size) if not (step < 0 and end < -size) else (slice(start, None, step).indices(size))


@operator("Compress")
def compress(x: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    """Slices whose condition holds."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    return x.index_select(axis, condition.nonzero().reshape(-1))


@operator("NonZero")
def non_zero(x: Tensor) -> Tensor:
    """Places of all numbers but 0: a row for each axis."""
    return x.nonzero().T if x.dim() else x.reshape(1).nonzero().T


@operator("OneHot")
def one_hot(indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1, context: Context) -> Tensor:
    """A row with one number at the index, and another elsewhere."""
    count = int(depth.reshape(-1)[0])
    context.allow([*indices.shape, count])
    rank = indices.dim() + 1
    place = axis % rank
    wanted = torch.remainder(indices.to(torch.int64), count).unsqueeze(place)
    inside = ((indices >= -count) & (indices < count)).unsqueeze(place)
    numbers = torch.arange(count, device=indices.device).reshape([count if axis_ == place else 1 for axis_ in range(rank)])
    return torch.where((numbers == wanted) & inside, values[1], values[0])


@operator("ReverseSequence")
def reverse_sequence(x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    """The first steps of each sample in reverse."""
    y = x.movedim((batch_axis, time_axis), (0, 1))
    steps = torch.arange(y.shape[1], device=x.device)[None]
    count = lengths.to(torch.int64)[:, None]
    places = torch.where(steps < count, count - 1 - steps, steps)
    rows = torch.arange(y.shape[0], device=x.device)[:, None]
    return y[rows, places].movedim((0, 1), (batch_axis, time_axis))


@operator("Unique")
def unique(x: Tensor, *, axis: int | None = None, sorted_: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each number, or slice, once; where it comes first, which one each is, and how often it comes."""
    flat = x.reshape(-1) if axis is None else x
    place = 0 if axis is None else axis
    values, inverse, counts = torch.unique(flat, dim=place, sorted=True, return_inverse=True, return_counts=True)
    total = flat.shape[place]
    first = torch.full((values.shape[place],), total, dtype=torch.int64, device=x.device)
    first = first.scatter_reduce(0, inverse, torch.arange(total, device=x.device), "amin")
    if not sorted_:
        order = first.argsort()
        rank = torch.empty_like(order).scatter(0, order, torch.arange(len(order), device=x.device))
        values, first, counts, inverse = values.index_select(place, order), first[order], counts[order], rank[inverse]
    return values, first, inverse, counts


@operator("TensorScatter")
def tensor_scatter(x: Tensor, update: Tensor, places: Tensor | None = None, *, axis: int = -2, mode: str = "linear") -> Tensor:
    """New steps written into a memory, from a place for each sample."""
    axis = axis % x.dim()
    steps = torch.arange(update.shape[axis], device=x.device)
    begins = torch.zeros(x.shape[0], dtype=torch.int64, device=x.device) if places is None else places.to(torch.int64)
    where = begins[:, None] + steps[None]
    where = where % x.shape[axis] if mode == "circular" else where
    shape = [1] * x.dim()
    shape[0], shape[axis] = where.shape
    return x.scatter(axis, where.reshape(shape).expand_as(update), update)
