"""Recurrent layers: gates put into the order that they have here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.fold import BATCH, Batch
from lamina.interop.onnx.layers import Handler
from lamina.network import layers as ls

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

_GATES = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2], "RNN": [0]}
"""For each gate here, where it stands there: LSTM i o f c as i f g o, GRU z r h as r z n."""
_USUAL = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}


def _recurrent(lift: Lift, op: Op) -> bool:
    """A layer, or two in both directions, if nothing about it is unusual."""
    get = op.attributes.get
    value = lift.values.get(op.inputs[0])
    arrays = [lift.known.get(name) if name else None for name in op.inputs[1:4]]
    directions = 2 if get("direction", "forward") == "bidirectional" else 1
    words = [str(word).lower() for word in get("activations") or _USUAL[op.kind] * directions]
    relu = op.kind == "RNN" and words == ["relu"] * directions
    unusual = get("clip") or get("input_forget") or get("activation_alpha") or get("activation_beta") or get("layout", 0)
    if value is None or arrays[0] is None or arrays[1] is None or unusual or (words != _USUAL[op.kind] * directions and not relu):
        return False
    if any(op.inputs[3:4]) and arrays[2] is None:
        return False
    if len(value.dims) != 3 or not isinstance(value.dims[1], Batch) or not isinstance(value.dims[2], int) or _has_more(lift, op):
        return False
    if any(lift.uses.get(name) for name in op.outputs[2:]) or (len(op.outputs) > 1 and op.outputs[1] and lift.uses.get(op.outputs[1])):
        return _last(lift, op, arrays, directions, relu)
    if not op.outputs[0]:
        return False
    layer, kept = _made(op, arrays, directions, relu, sequences=True)
    units, steps = arrays[1].shape[-1], value.dims[0]
    node = lift.need(op.inputs[0], (1, 0, 2))
    name = lift.free(op.outputs[0])
    from lamina.interop.report import Row, shown

    lift.nodes[name] = layer.replace(inputs=(node,))
    lift.arrays |= {f"{name}/{key}": array for key, array in kept.items()}
    lift.rows.append(Row(op.path, op.outputs[0], op.kind, (f"{name}: {shown(layer)}",), sum(array.size for array in kept.values())))
    return _joined(lift, op, name, steps, directions * units, directions)


def _has_more(lift: Lift, op: Op) -> bool:
    """Whether it has lengths, peepholes, or a memory to start with that isn't zero."""
    for place, name in enumerate(op.inputs[4:], 4):
        if not name:
            continue
        array = lift.known.get(name)
        if array is None or place == 4 or array.any():
            return True
    return False


def _users(lift: Lift, name: str) -> list[Op]:
    return [op for op in lift.rest if name in op.read()]


def _squeezes(lift: Lift, user: Op, axis: int) -> bool:
    if user.kind == "Squeeze" and not user.domain:
        axes = lift.known.get(user.inputs[1]) if len(user.inputs) > 1 else None
        if axes is None:
            axes = _constant(lift, user.inputs[1]) if len(user.inputs) > 1 else None
        return axes is not None and axes.reshape(-1).tolist() == [axis]
    return False


def _constant(lift: Lift, name: str) -> Any:
    from lamina.interop.onnx.fold import folded

    made = next((one for one in lift.graph.ops if name in one.outputs), None)
    return None if made is None or made.kind != "Constant" else folded(made, [])


def _joined(lift: Lift, op: Op, name: str, steps: Any, width: int, directions: int) -> bool:
    """There ``[steps, directions, batch, units]``, here ``[batch, steps, directions * units]``: what follows takes the axis away.

    A squeeze, a reshape, or a transpose and a reshape do; without one of them nothing is lifted.
    """
    from lamina.interop.onnx.lift import Value

    output = op.outputs[0]
    users = _users(lift, output)
    if not users or output in lift.graph.outputs:
        return _undo(lift, op)
    ends: list[Op] = []
    for user in users:
        if directions == 1 and (_squeezes(lift, user, 1) or _reshapes(lift, user, steps, width)):
            ends.append(user)
            continue
        after = _users(lift, user.outputs[0])
        turned = user.kind == "Transpose" and user.attributes.get("perm") == [0, 2, 1, 3]
        if not turned or len(after) != 1 or not _reshapes(lift, after[0], steps, width) or user.outputs[0] in lift.graph.outputs:
            return _undo(lift, op)
        ends += [user, after[0]]
    joined = f"{output}//joined"
    lift.values[joined] = Value((steps, BATCH, width), name, (1, 0, 2))
    for user in ends:
        user.kind, user.inputs, user.attributes = "Identity", [joined], {}
    return True


def _reshapes(lift: Lift, user: Op, steps: Any, width: int) -> bool:
    """Whether an operator gives ``[steps, batch, width]``."""
    if user.kind != "Reshape" or user.domain:
        return False
    wanted = lift.known.get(user.inputs[1])
    wanted = _constant(lift, user.inputs[1]) if wanted is None else wanted
    if wanted is None or wanted.size != 3:
        return False
    first, second, third = wanted.reshape(-1).tolist()
    return first in (0, -1, steps) and second in (0, -1, 1, int(BATCH), lift.batch) and third in (-1, width)


def _undo(lift: Lift, op: Op) -> bool:
    name = lift.rows.pop().layers[0].partition(":")[0]
    del lift.nodes[name]
    lift.arrays = {key: array for key, array in lift.arrays.items() if not key.startswith(f"{name}/")}
    lift.values.pop(op.outputs[0], None)
    return False


def _last(lift: Lift, op: Op, arrays: list[Any], directions: int, relu: bool) -> bool:  # noqa: FBT001
    """The memory after the last step alone, ``[directions, batch, units]``, of which the first axis goes with what follows."""
    from lamina.interop.onnx.lift import Value
    from lamina.interop.report import Row, shown

    name = op.outputs[1]
    others = [output for place, output in enumerate(op.outputs) if place != 1 and output and lift.uses.get(output)]
    users = _users(lift, name)
    if others or directions == 2 or name in lift.graph.outputs or not users or not all(_squeezes(lift, user, 0) for user in users):
        return False
    layer, kept = _made(op, arrays, directions, relu, sequences=False)
    node = lift.need(op.inputs[0], (1, 0, 2))
    own = lift.free(name)
    lift.nodes[own] = layer.replace(inputs=(node,))
    lift.arrays |= {f"{own}/{key}": array for key, array in kept.items()}
    lift.rows.append(Row(op.path, name, op.kind, (f"{own}: {shown(layer)}",), sum(array.size for array in kept.values())))
    for user in users:
        user.kind, user.inputs, user.attributes = "Identity", [f"{name}//squeezed"], {}
    lift.values[f"{name}//squeezed"] = Value((BATCH, arrays[1].shape[-1]), own, (0, 1))
    return True


def _made(op: Op, arrays: list[Any], directions: int, relu: bool, *, sequences: bool) -> tuple[Any, Mapping[str, np.ndarray]]:  # noqa: FBT001
    import numpy as np

    w, r, b = arrays
    units = r.shape[-1]
    settings: dict[str, Any] = {"return_sequences": sequences, "bias": b is not None}
    if op.kind == "GRU":
        settings["reset_after"] = bool(op.attributes.get("linear_before_reset", 0))
    if relu:
        settings["activation"] = "relu"
    kind = {"LSTM": ls.LSTM, "GRU": ls.GRU, "RNN": ls.SimpleRNN}[op.kind]
    layer: Any = kind(units, **settings)
    gates = _GATES[op.kind]

    def turned(matrix: np.ndarray) -> np.ndarray:
        blocks = matrix.reshape(len(gates), units, *matrix.shape[1:])
        return np.ascontiguousarray(blocks[gates].reshape(matrix.shape))

    kept: dict[str, np.ndarray] = {}
    for number, before in enumerate(("forward_", "backward_") if directions == 2 else ("",)):
        kept |= {f"{before}weight_ih": turned(w[number]), f"{before}weight_hh": turned(r[number])}
        if b is not None:
            half = len(gates) * units
            kept |= {f"{before}bias_ih": turned(b[number, :half]), f"{before}bias_hh": turned(b[number, half:])}
    if directions == 2:
        return ls.Bidirectional(layer), kept
    return (layer.replace(reverse=True) if op.attributes.get("direction") == "reverse" else layer), kept


def last_step(lift: Lift, op: Op) -> bool:
    """The last step of a sequence, by an index or a slice."""
    from lamina.interop.onnx.lift import Value

    value = lift.values.get(op.inputs[0])
    arrays = [lift.known.get(name) for name in op.inputs[1:] if name]
    if value is None or len(value.dims) != 3 or value.kind != "float32" or any(array is None for array in arrays):
        return False
    given = [array.reshape(-1).tolist() for array in arrays if array is not None]
    if value.node is None or value.pooled or value.order not in ((0, 1, 2), (1, 0, 2)):
        return False
    axis = value.order[1]
    new = (BATCH, value.dims[2])
    if op.kind == "Gather":
        last = given[0] in ([-1], [value.dims[axis] - 1 if isinstance(value.dims[axis], int) else -1])
        if not last or arrays[0].ndim or op.attributes.get("axis", 0) % 3 != axis:  # type: ignore[union-attr]
            return False
        lift.emit(op, ls.LastStep(), [str(value.node)], new)
        return True
    users = _users(lift, op.outputs[0])
    if len(users) != 1 or given[0] != [-1] or given[1][0] < 1 << 30 or (given[2:3] or [[0]])[0] != [axis] or given[3:4] not in ([], [[1]]):
        return False
    user = users[0]
    wanted = (
        _constant(lift, user.inputs[1]) if len(user.inputs) > 1 and user.inputs[1] not in lift.known else lift.known.get(user.inputs[-1])
    )
    if user.kind == "Squeeze" and not _squeezes(lift, user, axis):
        return False
    flat = wanted is not None and wanted.reshape(-1).tolist()[1:] in ([-1], [value.dims[2]])
    if user.kind not in ("Squeeze", "Reshape") or (user.kind == "Reshape" and not flat):
        return False
    name = lift.emit(op, ls.LastStep(), [str(value.node)], new)
    lift.values[f"{op.outputs[0]}//last"] = Value(new, name, (0, 1))
    user.kind, user.inputs, user.attributes = "Identity", [f"{op.outputs[0]}//last"], {}
    return True


RECURRENT: dict[str, Handler] = {"LSTM": _recurrent, "GRU": _recurrent, "RNN": _recurrent}
