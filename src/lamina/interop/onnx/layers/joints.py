"""Where branches meet, and biases that are added afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.layers import Handler
from lamina.network import layers as ls
from lamina.network import vertices as vs
from lamina.shapes import Array

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

_JOINTS: dict[str, Any] = {"Add": vs.Add, "Sum": vs.Add, "Sub": vs.Subtract, "Mul": vs.Multiply, "Max": vs.Max, "Min": vs.Min}
_JOINTS["Mean"] = vs.Average


def _joint(lift: Lift, op: Op) -> bool:
    if (op.kind == "Add" and _bias(lift, op)) or (op.kind in ("Add", "Mul") and _gain(lift, op)):
        return True
    values = [lift.values.get(name) for name in op.inputs]
    if len(values) < 2 or any(value is None or value.kind != "float32" for value in values):
        return False
    known = [value for value in values if value is not None]
    first = known[0]
    if any(value.dims != first.dims for value in known) or len(set(op.inputs)) < len(op.inputs):
        return False
    for name in op.inputs:
        if lift.values[name].node is None:
            lift.need(name)
    known = [lift.values[name] for name in op.inputs]
    alike = all((value.order, value.pooled) == (known[0].order, known[0].pooled) for value in known)
    if isinstance(lift.shape(first.dims), Array) and not first.pooled:
        return False
    if alike:
        lift.emit(op, _JOINTS[op.kind](), [str(value.node) for value in known], first.dims, order=known[0].order, pooled=known[0].pooled)
    else:
        lift.emit(op, _JOINTS[op.kind](), [lift.need(name) for name in op.inputs], first.dims)
    return True


def _bias(lift: Lift, op: Op) -> bool:
    """A vector added to what a layer without a bias gives is its bias."""
    for value, other in (op.inputs, op.inputs[::-1]):
        made, array = lift.made.get(value), lift.known.get(other)
        if made is None or array is None or lift.uses.get(value) != 1 or array.size != made.channels or other in lift.producers:
            continue
        dims = lift.values[value].dims
        axis = len(dims) - 1 if type(made.layer).__name__ == "Dense" else 1
        place = axis - (len(dims) - array.ndim)
        if array.ndim > len(dims) or place < 0 or array.shape[place] != made.channels:
            continue
        lift.nodes[made.name] = lift.nodes[made.name].replace(bias=True)
        lift.arrays[f"{made.name}/bias"] = array.reshape(-1)
        lift.alias(op, lift.values[value])
        return True
    return False


def _gain(lift: Lift, op: Op) -> bool:
    """A factor, or a shift, of its own for each channel."""
    for name, other in (op.inputs, op.inputs[::-1]) if len(op.inputs) == 2 else ():
        value, array = lift.values.get(name), lift.known.get(other)
        if value is None or array is None or value.kind != "float32" or value.pooled or other in lift.producers:
            continue
        rank = len(value.dims)
        axis = rank - 1 if rank == 3 else 1
        place = axis - (rank - array.ndim)
        if not 2 <= rank <= 5 or place < 0 or array.size < 2 or array.size != array.shape[place] or array.size != value.dims[axis]:
            continue
        layer = ls.ElementwiseMultiplication(bias=op.kind == "Add", factors=op.kind == "Mul")
        lift.emit(op, layer, [lift.need(name)], value.dims, arrays={"bias" if op.kind == "Add" else "weight": array.reshape(-1)})
        return True
    return False


def _concat(lift: Lift, op: Op) -> bool:
    values = [lift.values.get(name) for name in op.inputs]
    if len(values) < 2 or any(value is None or value.kind != "float32" for value in values) or len(set(op.inputs)) < len(op.inputs):
        return False
    known = [value for value in values if value is not None]
    rank = len(known[0].dims)
    axis = op.attributes["axis"] % rank
    words = {2: {1: "features"}, 3: {1: "steps", 2: "features"}, 4: {1: "features", 2: "height", 3: "width"}}
    word = words.get(rank, {}).get(axis)
    sizes = [value.dims[axis] for value in known]
    if word is None or not all(isinstance(size, int) for size in sizes):
        return False
    rest = {(*value.dims[:axis], *value.dims[axis + 1 :]) for value in known}
    if len(rest) != 1 or any(isinstance(lift.shape(value.dims), Array) for value in known):
        return False
    new = (*known[0].dims[:axis], sum(sizes), *known[0].dims[axis + 1 :])
    lift.emit(op, vs.Concat(axis=word), [lift.need(name) for name in op.inputs], new)
    return True


JOINTS: dict[str, Handler] = {**dict.fromkeys(_JOINTS, _joint), "Concat": _concat}
