"""Operators that rearrange numbers, and those that make tensors of a size."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator


def ints(x: Tensor | None) -> list[int]:
    """The whole numbers of a tensor, as shapes and axes are given."""
    return [] if x is None else [int(value) for value in x.reshape(-1).tolist()]


@operator("Shape")
def shape(x: Any, *, start: int = 0, end: int | None = None) -> Tensor:
    """Sizes, or some of them."""
    sizes = list(x.shape)
    device = x.device if isinstance(x, Tensor) else None
    return torch.tensor(sizes[slice(start, end)], dtype=torch.int64, device=device)


@operator("Size")
def size(x: Any) -> Tensor:
    """How many numbers."""
    return torch.tensor(math.prod(x.shape), dtype=torch.int64, device=x.device if isinstance(x, Tensor) else None)


@operator("Reshape")
def reshape(x: Any, sizes: Tensor, *, allowzero: int = 0) -> Any:
    """The same numbers in other sizes; 0 keeps a size, -1 is what is left."""
    wanted = ints(sizes)
    if not allowzero:
        wanted = [x.shape[place] if number == 0 else number for place, number in enumerate(wanted)]
    return x.reshape(tuple(wanted))


@operator("Flatten")
def flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    """A matrix: the axes before ``axis``, and the others."""
    place = axis % x.dim() if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:place]), math.prod(x.shape[place:]))


@operator("Transpose")
def transpose(x: Any, *, perm: list[int] | None = None) -> Any:
    """Axes in another order; by default the opposite one."""
    order = list(perm) if perm is not None else list(range(x.ndim))[::-1]
    return x.permute(order) if isinstance(x, Tensor) else x.transpose(order)


@operator("Squeeze")
def squeeze(x: Any, axes: Tensor | None = None) -> Any:
    """Without axes of size 1."""
    places = {axis % x.ndim for axis in ints(axes)} if axes is not None else {place for place, number in enumerate(x.shape) if number == 1}
    return x.reshape(tuple(number for place, number in enumerate(x.shape) if place not in places))


@operator("Unsqueeze")
def unsqueeze(x: Any, axes: Tensor) -> Any:
    """With axes of size 1 in these places."""
    rank = x.ndim + axes.numel()
    places = {axis % rank for axis in ints(axes)}
    sizes = iter(x.shape)
    return x.reshape(tuple(1 if place in places else next(sizes) for place in range(rank)))


@operator("Concat")
def concat(first: Any, *others: Any, axis: int) -> Any:
    """One behind the other."""
    if isinstance(first, Tensor):
        return torch.cat([first, *others], axis)
    import numpy as np

    return np.concatenate([first, *others], axis)


@operator("Split")
def split(x: Tensor, sizes: Tensor | None = None, *, axis: int = 0, num_outputs: int | None = None, wanted: int = 1) -> tuple[Tensor, ...]:
    """In parts of the given sizes, or as equal as can be."""
    if sizes is not None:
        return torch.split(x, ints(sizes), axis)
    count = num_outputs or wanted
    each = -(-x.shape[axis] // count)
    parts = [min(each, max(x.shape[axis] - each * number, 0)) for number in range(count)]
    return torch.split(x, parts, axis)


@operator("Expand")
def expand(x: Tensor, sizes: Tensor, *, context: Context) -> Tensor:
    """Axes of size 1 repeated, and further ones in front."""
    wanted = ints(sizes)
    context.allow(wanted)
    both = torch.broadcast_shapes(tuple(x.shape), tuple(wanted))  # type: ignore[no-untyped-call]
    return x.expand(both)


@operator("Tile")
def tile(x: Tensor, repeats: Tensor, *, context: Context) -> Tensor:
    """Repeated along each axis."""
    counts = ints(repeats)
    context.allow([number * count for number, count in zip(x.shape, counts, strict=True)])
    return x.repeat(counts)


@operator("Pad")
def pad(
    x: Tensor, pads: Tensor, value: Tensor | None = None, axes: Tensor | None = None, *, mode: str = "constant", context: Context
) -> Tensor:
    """With something around: a number, what is at the border, its mirror image, or the other end; negative sizes cut off."""
    given = ints(pads)
    half = len(given) // 2
    places = [axis % x.dim() for axis in ints(axes)] if axes is not None else list(range(x.dim()))
    sides = {place: (given[i], given[half + i]) for i, place in enumerate(places)}
    grown = [x.shape[axis] + sum(max(side, 0) for side in sides.get(axis, (0, 0))) for axis in range(x.dim())]
    context.allow(grown)
    for place, (before, after) in sides.items():
        if before or after:
            x = _padded(x, place, before, after, value, mode)
    return x


def _padded(x: Tensor, axis: int, before: int, after: int, value: Tensor | None, mode: str) -> Tensor:
    if mode == "constant":
        sides = [0, 0] * x.dim()
        place = 2 * (x.dim() - 1 - axis)
        sides[place : place + 2] = [before, after]
        return F.pad(x, sides, value=0 if value is None else value.item())
    count = x.shape[axis]
    places = torch.arange(-before, count + after, device=x.device)
    if mode == "edge":
        places = places.clamp(0, count - 1)
    elif mode == "wrap":
        places = places % count
    else:
        # Back and forth, as many times as it takes.
        period = max(2 * (count - 1), 1)
        places = places % period
        places = torch.where(places >= count, period - places, places)
    return x.index_select(axis, places)


@operator("CenterCropPad")
def center_crop_pad(x: Tensor, sizes: Tensor, *, axes: list[int] | None = None, context: Context) -> Tensor:
    """Cut or filled up with zeros on both sides, to these sizes."""
    places = range(x.dim()) if axes is None else [axis % x.dim() for axis in axes]
    wanted = ints(sizes)
    context.allow(wanted)
    for axis, goal in zip(places, wanted, strict=True):
        more = goal - x.shape[axis]
        # The odd one is cut in front, or filled in behind.
        x = x.narrow(axis, -more // 2, goal) if more < 0 else _padded(x, axis, more // 2, more - more // 2, None, "constant")
    return x


@operator("DepthToSpace")
def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels laid out as blocks of an image."""
    n, c, h, w = x.shape
    b = blocksize
    if mode == "CRD":
        return x.reshape(n, c // (b * b), b, b, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // (b * b), h * b, w * b)
    return x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // (b * b), h * b, w * b)


@operator("SpaceToDepth")
def space_to_depth(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of an image as channels."""
    n, c, h, w = x.shape
    b = blocksize
    blocks = x.reshape(n, c, h // b, b, w // b, b)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return blocks.permute(order).reshape(n, c * b * b, h // b, w // b)


def filled(literal: Any, sizes: list[int], context: Context) -> Any:
    """A tensor of one number, which a description gives as ``{kind, shape, values}``."""
    kind, number = ("float32", 0.0) if literal is None else (literal["kind"], literal["values"][0])
    if kind == "string":
        import numpy as np

        return np.full(sizes, number, dtype=object)
    context.allow(sizes)
    return torch.full(sizes, float(number) if isinstance(number, str) else number, dtype=context.dtype(kind), device=context.device)


@operator("ConstantOfShape")
def constant_of_shape(sizes: Tensor, *, value: Any = None, context: Context) -> Any:
    """One number everywhere."""
    return filled(value, ints(sizes), context)


@operator("Range")
def range_(start: Tensor, limit: Tensor, delta: Tensor, *, context: Context) -> Tensor:
    """Numbers at equal distances."""
    step = delta.item()
    if step == 0:
        raise context.refused(expected="a step that is not 0", got="0", fix="look at what gives delta")
    count = max(math.ceil((limit.item() - start.item()) / step), 0)
    context.allow([count])
    whole = start.dtype if start.dtype.is_floating_point else torch.int64
    return (start.to(whole) + torch.arange(count, device=start.device).to(whole) * delta.to(whole)).to(start.dtype)


@operator("EyeLike")
def eye_like(x: Tensor, *, dtype: str | None = None, k: int = 0, context: Context) -> Tensor:
    """1 on a diagonal, 0 elsewhere."""
    rows, columns = x.shape
    kind = x.dtype if dtype is None else context.dtype(dtype)
    places = torch.arange(columns, device=x.device)[None] - torch.arange(rows, device=x.device)[:, None]
    return (places == k).to(kind)


@operator("Trilu")
def trilu(x: Tensor, k: Tensor | None = None, *, upper: int = 1) -> Tensor:
    """What is above a diagonal, or below it; 0 elsewhere."""
    diagonal = 0 if k is None else int(k)
    kept = torch.ones(x.shape[-2:], dtype=torch.bool, device=x.device)
    kept = kept.triu(diagonal) if upper else kept.tril(diagonal)
    return torch.where(kept, x, torch.zeros_like(x))


@operator("Col2Im")
def col2im(
    x: Tensor,
    image: Tensor,
    block: Tensor,
    *,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    context: Context,
) -> Tensor:
    """Windows laid back into an image, sums where they overlap."""
    sizes, window = ints(image), ints(block)
    rank = len(sizes)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    whole = [size + pads[i] + pads[rank + i] for i, size in enumerate(sizes)]
    field = math.prod(window)
    batch, channels = x.shape[0], x.shape[1] // field
    context.allow([batch, channels, *whole])
    counts = [(whole[i] - dilations[i] * (window[i] - 1) - 1) // strides[i] + 1 for i in range(rank)]
    place = torch.zeros((), dtype=torch.int64, device=x.device)
    for axis in range(rank):
        inside = torch.arange(window[axis], device=x.device) * dilations[axis]
        begins = torch.arange(counts[axis], device=x.device) * strides[axis]
        shape_inside = [window[i] if i == axis else 1 for i in range(rank)] + [1] * rank
        shape_begins = [1] * rank + [counts[i] if i == axis else 1 for i in range(rank)]
        place = place * whole[axis] + inside.reshape(shape_inside) + begins.reshape(shape_begins)
    values = x.reshape(batch, channels, -1)
    y = x.new_zeros(batch, channels, math.prod(whole)).index_add(2, place.reshape(-1), values).reshape(batch, channels, *whole)
    for axis, size in enumerate(sizes):
        y = y.narrow(2 + axis, pads[axis], size)
    return y


@operator("Constant")
def constant(
    *,
    value: Any = None,
    value_float: float | None = None,
    value_floats: list[float] | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
    value_string: str | None = None,
    value_strings: list[str] | None = None,
    context: Context,
) -> Any:
    """What it says."""
    import numpy as np

    if value_string is not None or value_strings is not None:
        return np.array(value_string if value_strings is None else value_strings, dtype=object)
    if value is not None:
        if value["kind"] == "string":
            return np.array(value["values"], dtype=object).reshape(value["shape"])
        numbers = [float(number) if isinstance(number, str) else number for number in value["values"]]
        if value["kind"] == "uint64":
            return torch.from_numpy(np.array(numbers, dtype=np.uint64).reshape(value["shape"])).to(context.device)
        return torch.tensor(numbers, dtype=context.dtype(value["kind"]), device=context.device).reshape(value["shape"])
    if value_int is not None or value_ints is not None:
        return torch.tensor(value_int if value_ints is None else list(value_ints), dtype=torch.int64, device=context.device)
    return torch.tensor(value_float if value_floats is None else list(value_floats), dtype=context.real, device=context.device)
