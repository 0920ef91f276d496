"""What is said to somebody whose inputs or targets don't fit the network: checked once for every new shape, not every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NoReturn

import torch
from torch import Tensor

from lamina.errors import ShapeError, nearest
from lamina.network.plan import Plan
from lamina.shapes import Array, Series, Shape, describe_array


def check_input(name: str, x: Tensor, shape: Shape, dtype: torch.dtype | None) -> None:
    """See that a tensor can be fed to the input ``name``.

    Args:
        name: Name of the input.
        x: The tensor, batch first.
        shape: What the input takes.
        dtype: Of the network's parameters; None if it has none.

    Raises:
        ShapeError: EN003 for sizes that don't fit, EN004 for the wrong dtype.
    """
    fits = shape.matches(x.shape) if isinstance(shape, Array) and not shape.batch else x.dim() > 0 and shape.matches(x.shape[1:])
    if not fits:
        raise ShapeError(
            "EN003",
            where=f"input {name!r}",
            expected=f"a tensor {shape}",
            got=f"{describe_array(x.shape)}",
            cause=_shape_cause(x, shape),
            fix=_shape_fix(name, x, shape),
        )
    if isinstance(shape, Array):
        return  # It says its kind itself, and what gives it converts.
    whole = not (x.dtype.is_floating_point or x.dtype.is_complex or x.dtype == torch.bool)
    if shape.dtype == "int":
        if not whole:
            _wrong_dtype(name, x, "whole numbers (torch.int64)", "tokens are positions in a vocabulary", "x.long()")
    elif not x.dtype.is_floating_point:
        _wrong_dtype(name, x, "floating point numbers", "the data was not converted, such as images of bytes", "x.float()")
    elif dtype is not None and x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        _wrong_dtype(name, x, f"{dtype}, as the parameters", "NumPy computes in float64 unless told otherwise", f"x.to({dtype})")


def _wrong_dtype(name: str, x: Tensor, expected: str, cause: str, conversion: str) -> NoReturn:
    raise ShapeError(
        "EN004",
        where=f"input {name!r}",
        expected=expected,
        got=str(x.dtype),
        cause=cause,
        fix=f"convert it before: {conversion}",
    )


def _shape_cause(x: Tensor, shape: Shape) -> str:
    wanted = len(shape.dims) + 1
    if x.dim() == wanted - 1 and shape.matches(x.shape):
        return "this is one sample without a batch axis"
    if x.dim() != wanted:
        return f"there are {x.dim()} axes in place of {wanted}"
    axes = [axis for axis, own, given in zip(shape.axes, shape.dims, x.shape[1:], strict=True) if own is not None and own != given]
    return f"the data has another number of {' and '.join(axes)} than the network was made for"


def _shape_fix(name: str, x: Tensor, shape: Shape) -> str:
    if x.dim() == len(shape.dims) and shape.matches(x.shape):
        return "add the batch axis: x.unsqueeze(0)"
    count = x[0].numel() if x.dim() > 1 and len(x) else None
    if shape.size is not None and count == shape.size:
        return f"the number of values is right: x.reshape(-1, {', '.join(map(str, shape.dims))})"
    return f"give data of this shape, or describe the network with the shape of the data as its input {name!r}"


def check_names(given: Mapping[str, object], wanted: Iterable[str], kind: str) -> None:
    """See that a mapping has exactly the names wanted; ``kind`` is ``input`` or ``target``.

    Raises:
        ShapeError: EN005, naming all that are missing and all that nobody asked for.
    """
    names = list(wanted)
    missing, unexpected = [n for n in names if n not in given], [n for n in given if n not in names]
    if not missing and not unexpected:
        return
    parts = []
    if missing:
        parts.append(f"no {', '.join(map(repr, missing))}")
    if unexpected:
        parts.append(f"{', '.join(map(repr, unexpected))}, which the network doesn't have")
    close = nearest(unexpected[0], missing) if unexpected and missing else None
    raise ShapeError(
        "EN005",
        where=f"{kind}s of the network",
        expected=f"a dict with {', '.join(map(repr, names)) or 'nothing'}",
        got=" and ".join(parts),
        cause=f"each {kind} is given by its name",
        fix=f"call {unexpected[0]!r} {close!r}" if close else f"give exactly the {kind}s {', '.join(map(repr, names))}",
    )


def check_plan(plan: Plan, inputs: Mapping[str, Tensor]) -> None:
    """Infer the plan again with the lengths this batch really has, so that a sequence too short for a window is named.

    Raises:
        ShapeError: What the layer says, with its name.
    """
    shapes: dict[str, Shape] = {}
    for name, shape in plan.inputs.items():
        shapes[name] = shape if isinstance(shape, Array) else _sized(shape, tuple(inputs[name].shape[1:]))
    for node in plan.nodes:
        try:
            shapes[node.name] = node.layer.infer(tuple(shapes[source] for source in node.inputs))
        except ShapeError as error:
            place = f"layer {node.name!r} ({node.layer.type_name}), on a batch {shapes[node.inputs[0]]}"
            raise ShapeError.of(replace(problem, where=place) for problem in error.problems) from None


def _sized(shape: Shape, dims: tuple[int, ...]) -> Shape:
    """The shape with the sizes that an array has."""
    if isinstance(shape, Series):
        return shape.replace(steps=dims[0], item=_sized(shape.item, dims[1:]))
    return shape.replace(**dict(zip(shape.axes, dims, strict=True)))
