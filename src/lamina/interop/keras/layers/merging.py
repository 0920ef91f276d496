"""Layers that join several inputs."""

from __future__ import annotations

from typing import Any

from lamina.interop.keras.net import KINDS, Value, identity
from lamina.interop.keras.piece import Made, SourceLayer, converts
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.shapes import Features, Image, Series, Volume
from lamina.shapes import Sequence as Steps

ELEMENTWISE: dict[str, Any] = {
    "Add": v.Add,
    "Subtract": v.Subtract,
    "Multiply": v.Multiply,
    "Average": v.Average,
    "Maximum": v.Max,
    "Minimum": v.Min,
}
OLD = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}
AXES: dict[type, tuple[str, ...]] = {
    Features: ("features",),
    Steps: ("steps", "features"),
    Image: ("channels", "height", "width"),
    Volume: ("channels", "depth", "height", "width"),
}


def aligned(source: SourceLayer, inputs: list[Value]) -> list[Value]:
    """All inputs as data of one kind, with their axes in one order: that of the first that has a kind of its own."""
    plain = [source.net.plain(value, source.path) for value in inputs]
    rank = max(value.rank for value in plain)
    plain = [_raised(source, value, rank) for value in plain]
    order = next((value.order for value in plain if value.order != identity(rank)), plain[0].order)
    return [source.net.arranged(value, source.path, order=order) for value in plain]


def _raised(source: SourceLayer, value: Value, rank: int) -> Value:
    """Axes of 1 behind the batch, until there are as many as the others have."""
    if value.rank == rank:
        return value
    value = source.net.plain(value, source.path, identity(value.rank))
    dims = (*(1,) * (rank - value.rank), *value.shape.dims)
    kind = KINDS[rank]
    if None in dims:
        raise source.stop(name="", expected="inputs of one number of axes")
    shape = kind(**dict(zip(kind.axes, dims, strict=True)))
    return source.put(ls.Reshape(shape), value, name=f"{value.node}_raised", order=identity(rank), masked=False)


def _broadcast(source: SourceLayer, inputs: list[Value]) -> list[Value]:
    """Axes of 1 are repeated where another input has more."""
    dims = [max((value.shape.dims[axis] or 0 for value in inputs), default=1) for axis in range(inputs[0].rank)]
    found = []
    for value in inputs:
        made = value
        for axis, size in enumerate(dims):
            if made.shape.dims[axis] == 1 and size > 1:
                name = AXES[type(made.shape)][axis]
                layer = source.build(v.Gather, [0] * size, axis=name)
                made = source.put(layer, made, name=f"{value.node}_spread", masked=value.masked)
        found.append(made)
    return found


@converts(*ELEMENTWISE)
def elementwise(source: SourceLayer) -> Made:
    """Number by number."""
    return _joined(source, source.kind)


def _joined(source: SourceLayer, kind: str) -> Made:
    if len(source.inputs) == 1:
        return source.put(ls.IdentityLayer(), source.plain())
    inputs = source.inputs
    if all(isinstance(value.shape, Series) and value.shape.steps is None for value in inputs):
        raise source.stop(name="", expected="series of a known number of steps")
    return source.put(ELEMENTWISE[kind](), *_broadcast(source, aligned(source, list(inputs))))


@converts("Concatenate")
def concatenate(source: SourceLayer) -> Made:
    """Side by side."""
    return _side_by_side(source, source.get("axis", default=-1))


def _side_by_side(source: SourceLayer, axis: Any) -> Made:
    if len(source.inputs) == 1:
        return source.put(ls.IdentityLayer(), source.plain())
    inputs = aligned(source, source.inputs)
    rank = inputs[0].rank
    place = axis + rank + 1 if isinstance(axis, int) and axis < 0 else axis
    if not isinstance(place, int) or not 1 <= place <= rank:
        raise source.stop(name="axis", expected="an axis behind the batch")
    name = AXES[type(inputs[0].shape)][inputs[0].order.index(place)]
    masked = None if name == "features" else False
    return source.put(v.Concat(name), *inputs, masked=masked)


@converts("Dot")
def dot(source: SourceLayer) -> Made:
    """Products, added up along one axis of each."""
    return _product(source, source.get("axes", default=-1), normalize=source.flag("normalize"))


def _product(source: SourceLayer, axes: Any, *, normalize: bool) -> Made:
    if len(source.inputs) != 2 or any(value.rank > 2 for value in source.inputs):
        raise source.stop(name="", expected="two vectors or sequences")
    inputs = [source.net.plain(value, source.path, identity(value.rank)) for value in source.inputs]
    pair = list(axes) if isinstance(axes, list) and len(axes) == 2 else [axes, axes]
    names = []
    for axis, value in zip(pair, inputs, strict=True):
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        place = axis + value.rank + 1 if isinstance(axis, int) and axis < 0 else axis
        if not isinstance(place, int) or not 1 <= place <= value.rank:
            raise source.stop(name="axes", expected="an axis behind the batch for each")
        names.append("features" if place == value.rank else "steps")
    layer = source.build(v.Dot, names, normalize=normalize)
    return source.put(layer, *inputs, masked=False)


@converts("Merge")
def merge(source: SourceLayer) -> Made:
    """Keras 1: all of these in one."""
    mode = source.get("mode", default="sum")
    if mode in OLD:
        return _joined(source, OLD[mode])
    if mode == "concat":
        return _side_by_side(source, source.get("concat_axis", default=-1))
    if mode in ("dot", "cos"):
        axes = source.get("dot_axes", default=-1)
        if mode == "cos" and all(value.rank == 1 for value in source.inputs):
            return _product(source, axes, normalize=True)
        return _product(source, axes, normalize=mode == "cos")
    raise source.stop(name="mode", expected="sum, mul, concat, ave, max, dot or cos", cause="it is a function, which is never run")
