"""A graph's inputs as those of a network: which axis is the batch, and what each input is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.onnx.fold import BATCH
from lamina.interop.onnx.lift import Value, unliftable
from lamina.origin import Layout
from lamina.shapes import Shape, Tokens

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

_RECURRENT = {"LSTM", "GRU", "RNN"}
_ALONG = {"Conv", "MaxPool", "AveragePool", "ConvTranspose", "BatchNormalization", "InstanceNormalization"}


def take_inputs(lift: Lift) -> None:
    """Make the network's inputs.

    Raises:
        Unliftable: If they have no batch that could be told.
    """
    graph = lift.graph
    if not graph.inputs:
        msg = "the graph has no inputs"
        raise unliftable(msg)
    orders = {name: _order(lift, name) for name in graph.inputs}
    fixed = set()
    for name, kind in graph.inputs.items():
        if kind.dims is None or kind.holds != "tensor" or not 2 <= len(kind.dims) <= 5:
            msg = f"the input {name} is no batch of samples"
            raise unliftable(msg)
        first = kind.dims[orders[name][0]]
        if isinstance(first, int) and first > 0:
            fixed.add(first)
    if len(fixed) > 1:
        msg = "inputs of different numbers of samples"
        raise unliftable(msg)
    lift.batch = next(iter(fixed), -1)
    if fixed:
        _check_outputs(lift)
    for name, kind in graph.inputs.items():
        order = orders[name]
        dims = list(kind.dims or ())
        dims[order[0]] = BATCH
        word = "float32" if kind.kind == lift.real else kind.kind
        own = lift.free(name)
        plain = order == tuple(range(len(dims)))
        if word == "int64" and len(dims) == 2:
            shape: Shape = _tokens(lift, name, dims[1])
        elif word == "float32":
            shape = lift.shape(tuple(dims), order)
        else:
            msg = f"the input {name} holds {word}"
            raise unliftable(msg)
        lift.inputs[own] = shape
        lift.values[name] = Value(tuple(dims), own, order, word)
        lift.layouts_in[own] = Layout(name, order=None if plain else order)
    if lift.batch > 0:
        lift.notes.assume("the inputs", f"any number of samples, though the file says {lift.batch}")


def _check_outputs(lift: Lift) -> None:
    for name, kind in lift.graph.outputs.items():
        if kind.dims is None or kind.holds != "tensor" or not (kind.dims and (kind.dims[0] == lift.batch or len(kind.dims) > 1)):
            msg = f"the output {name} may have no batch"
            raise unliftable(msg)
        if lift.batch not in kind.dims[:2] and any(isinstance(size, int) for size in kind.dims[:1]):
            msg = f"the output {name} has another number of samples"
            raise unliftable(msg)


def _users(lift: Lift, name: str) -> list[Op]:
    return [op for op in lift.graph.ops if name in op.inputs]


def _order(lift: Lift, name: str) -> tuple[int, ...]:
    """For each axis here, which axis it is there."""
    rank = len(lift.graph.inputs[name].dims or ())
    users = _users(lift, name)
    first = users[0].kind if users else ""
    if rank == 3 and first in _RECURRENT and not users[0].attributes.get("layout", 0) and users[0].inputs[0] == name:
        return (1, 0, 2)
    if rank == 3 and users and all(op.kind in _ALONG and op.inputs[0] == name for op in users):
        return (0, 2, 1)
    return tuple(range(rank))


def _tokens(lift: Lift, name: str, steps: object) -> Tokens:
    users = _users(lift, name)
    tables = [lift.known.get(op.inputs[0]) for op in users if op.kind == "Gather" and op.attributes.get("axis", 0) == 0]
    if len(tables) != len(users) or any(table is None or table.ndim != 2 for table in tables) or not tables:
        msg = f"the input {name} holds whole numbers that are no tokens"
        raise unliftable(msg)
    return Tokens(steps if isinstance(steps, int) and steps > 0 else None, min(len(table) for table in tables if table is not None))
