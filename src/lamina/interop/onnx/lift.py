"""Operators that make up a layer become that layer; the others go together into nodes of operators.

Every value is followed with its sizes, of which one is the batch, and with the order of its axes here: what only exchanges axes costs
nothing, until a layer needs them in its own order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.fold import BATCH, Batch, folded
from lamina.interop.onnx.graph import Graph, Kind, Op
from lamina.interop.onnx.regions import Names, Region
from lamina.interop.onnx.sizes import sizes_of
from lamina.interop.report import Row, shown
from lamina.network import layers as ls
from lamina.network.vertices.operators import Pick
from lamina.origin import Layout
from lamina.shapes import Array, Features, Image, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.notes import Notes
    from lamina.network.layers.layer import Layer

Dims = tuple[Any, ...]
_MOVES = {"Gather", "Slice", "Concat", "Unsqueeze", "Squeeze", "Cast", "Identity", "Reshape", "Shape"}
_KINDS: dict[int, type[Shape]] = {1: Features, 2: Steps, 3: Image, 4: Volume}


class Unliftable(Exception):  # noqa: N818 - no error, but what decides how a graph is imported
    """Why a graph stays a whole."""


def unliftable(why: str) -> Unliftable:
    """The same with the reason."""
    return Unliftable(why)


@dataclass
class Value:
    """What is known of a value.

    Attributes:
        dims: Sizes there, one of them `BATCH`; None or a word for those that only the data know.
        node: The node here that gives it; None while it is within a region.
        order: For each axis here, which axis it is there.
        kind: What its numbers are.
        pooled: Whether the axes behind the second, all of size 1 there, are not there here.
    """

    dims: Dims
    node: str | None = None
    order: tuple[int, ...] = ()
    kind: str = "float32"
    pooled: bool = False


@dataclass
class Made:
    """A layer as it was made, while it can still be completed.

    Attributes:
        name: Of its node.
        layer: Its description.
        channels: Size of a bias.
    """

    name: str
    layer: Layer
    channels: int


@dataclass
class Lift:
    """Turns a graph into layers.

    Attributes:
        graph: The graph.
        real: The kind of numbers of the network's own type.
        notes: Collects remarks.
        names: Names of values here.
    """

    graph: Graph
    real: str
    notes: Notes
    names: Names = field(default_factory=Names)
    inputs: dict[str, Shape] = field(default_factory=dict)
    nodes: dict[str, Layer] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    producers: dict[str, Op] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    waiting: list[Op] = field(default_factory=list)
    layouts_in: dict[str, Layout] = field(default_factory=dict)
    layouts_out: dict[str, Layout] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    rest: list[Op] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)
    _now: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.known |= self.graph.constants
        self.uses: dict[str, int] = {}
        for op in self.graph.ops:
            for name in op.read():
                self.uses[name] = self.uses.get(name, 0) + 1
        for name in self.graph.outputs:
            self.uses[name] = self.uses.get(name, 0) + 1
        self.batch = -1

    def run(self) -> Lift:
        """Lift everything.

        Raises:
            Unliftable: If the graph has to stay a whole.
        """
        from lamina.interop.onnx.inputs import take_inputs

        take_inputs(self)
        for number, op in enumerate(self.graph.ops):
            self.rest = self.graph.ops[number + 1 :]
            self.operator(op)
        self.rest, self._now = [], frozenset()
        self.close()
        for name in self.graph.outputs:
            self.output(name)
        return self

    # -- what operators become ----------------------------------------------------------------------------------------

    def operator(self, op: Op) -> None:
        """An operator: computed, or a layer, or left for a region."""
        from lamina.interop.onnx.layers import lifted

        self._now = frozenset(op.read())
        if self.fold(op):
            return
        if not op.domain and not op.bodies and lifted(self, op):
            return
        self.leave(op)

    def fold(self, op: Op) -> bool:
        """Whether it is computed while reading."""
        import numpy as np

        if op.kind == "Shape" and not op.domain and op.inputs[0] in self.values:
            dims = self.values[op.inputs[0]].dims
            found = [BATCH if isinstance(size, Batch) else size if isinstance(size, int) else None for size in dims]
            found = found[slice(op.attributes.get("start", 0), op.attributes.get("end"))]
            sizes = [int(size) for size in found if size is not None]
            if len(sizes) < len(found):
                return False
            self.known[op.outputs[0]], self.producers[op.outputs[0]] = np.array(sizes, dtype=np.int64), op
            return True
        if op.domain or op.bodies or any(name and name not in self.known for name in op.inputs):
            return False
        tainted = any(name in self.producers for name in op.inputs)
        if tainted and self.zeros(op):
            return True
        if tainted and op.kind not in _MOVES:
            return False
        array = folded(op, [self.known[name] if name else None for name in op.inputs])
        if array is None:
            return False
        self.known[op.outputs[0]] = array
        if tainted and (op.inputs[0] in self.empty or (array.dtype.kind == "i" and (array == int(BATCH)).any())):
            self.empty |= {op.outputs[0]} if op.inputs[0] in self.empty else set()
            self.producers[op.outputs[0]] = op
        return True

    def zeros(self, op: Op) -> bool:
        """Whether it gives zeros for each sample, as a memory to start with: known as those for one."""
        import numpy as np

        value = op.attributes.get("value")
        if op.kind != "ConstantOfShape" or (value is not None and value.any()):
            return False
        sizes = [1 if size == int(BATCH) else int(size) for size in self.known[op.inputs[0]].reshape(-1)]
        if any(size < 0 or size > 1 << 20 for size in sizes) or math.prod(sizes) > 1 << 22:
            return False
        name = op.outputs[0]
        self.known[name], self.producers[name] = np.zeros(sizes, np.float32 if value is None else value.dtype), op
        self.empty.add(name)
        return True

    def leave(self, op: Op) -> None:
        """Put an operator into the open region.

        Raises:
            Unliftable: If its sizes can't be told.
        """
        if self.batch >= 0 and op.bodies:
            msg = f"{op.path} runs graphs"
            raise unliftable(msg)
        for name in op.inputs:
            if name in self.producers:
                self.recompute(name)
        found = sizes_of(self, op)
        if found is None:
            found = self.declared(op)
        if found is None:
            msg = f"sizes of what {op.path} gives are not known"
            raise unliftable(msg)
        for name, value in zip(op.outputs, found, strict=False):
            if name:
                self.values[name] = value
        self.waiting.append(op)

    def recompute(self, name: str) -> None:
        """Have the region compute sizes that depend on the batch."""
        op = self.producers.pop(name)
        array = self.known.pop(name)
        for needed in op.inputs:
            if needed in self.producers:
                self.recompute(needed)
        dims = tuple(array.shape)
        if name in self.empty:
            msg = f"{name} is made for each sample"
            raise unliftable(msg)
        self.values[name] = Value(dims, kind="int64")
        self.waiting.append(op)

    def declared(self, op: Op) -> list[Value] | None:
        """Sizes that the file says."""
        found = []
        for name in op.outputs:
            kind = self.graph.outputs.get(name) or self.graph.kinds.get(name)
            if kind is None or kind.dims is None or kind.holds != "tensor":
                return None
            found.append(Value(self.sized(kind), kind=kind.kind if kind.kind != self.real else "float32"))
        return found

    def sized(self, kind: Kind, axis: int = 0) -> Dims:
        """Declared sizes, with the batch at ``axis``."""
        dims = list(kind.dims or ())
        if dims and axis < len(dims) and (not isinstance(dims[axis], int) or dims[axis] == self.batch):
            dims[axis] = BATCH
        return tuple(dims)

    # -- nodes ----------------------------------------------------------------------------------------------------------

    def free(self, name: str) -> str:
        """A name for a node that none has."""
        found = self.names(name)
        while found in self.nodes or found in self.inputs:
            found += "_"
        return found

    def emit(
        self,
        op: Op,
        layer: Layer,
        inputs: Sequence[str],
        dims: Dims,
        *,
        order: tuple[int, ...] = (),
        arrays: Mapping[str, np.ndarray] | None = None,
        pooled: bool = False,
        output: int = 0,
        note: str = "",
    ) -> str:
        """A layer for an operator."""
        name = self.free(op.outputs[output])
        self.nodes[name] = layer.replace(inputs=tuple(inputs))
        self.arrays |= {f"{name}/{key}": array for key, array in (arrays or {}).items()}
        self.values[op.outputs[output]] = Value(dims, name, order or tuple(range(len(dims))), pooled=pooled)
        count = sum(array.size for array in (arrays or {}).values())
        self.rows.append(Row(op.path, op.outputs[output], op.kind, (f"{name}: {shown(layer)}",), count, note))
        return name

    def alias(self, op: Op, value: Value) -> None:
        """An operator that changes nothing here."""
        self.values[op.outputs[0]] = value
        self.rows.append(Row(op.path, op.outputs[0], op.kind, (f"{value.node}: nothing to do",)))

    def need(self, name: str, order: tuple[int, ...] | None = None) -> str:
        """The node that gives a value with its axes in an order; those there by default."""
        if name in self.values and self.values[name].node is None:
            self.close()
        value = self.values[name]
        if value.node is None:
            msg = f"{name} is given by no node"
            raise unliftable(msg)
        wanted = order or tuple(range(len(value.dims)))
        node = value.node
        if value.pooled:
            node = self.helper(f"{name}//spread", ls.Reshape(self.shape(value.dims)), node)
            value = Value(value.dims, node, tuple(range(len(value.dims))), value.kind)
            self.values[name] = value
        if value.order == wanted:
            return node
        if value.order[0] != wanted[0]:
            msg = f"{name} has its batch elsewhere"
            raise unliftable(msg)
        places = [value.order.index(axis) for axis in wanted]
        if len(places) < 3 or any(not isinstance(value.dims[axis], int) for axis in value.order[1:]):
            msg = f"axes of {name} can't be exchanged"
            raise unliftable(msg)
        return self.helper(f"{name}//{''.join(map(str, wanted))}", ls.Permute(places[1:]), node)

    def helper(self, word: str, layer: Layer, node: str) -> str:
        """A small node between; the same for the same."""
        name = self.names(word)
        if name not in self.nodes:
            self.nodes[name] = layer.replace(inputs=(node,))
        return name

    def shape(self, dims: Dims, order: tuple[int, ...] = (), kind: str = "float32") -> Shape:
        """Sizes as a shape."""
        sizes = [dims[axis] for axis in order or range(len(dims))]
        batched = bool(sizes) and isinstance(sizes[0], Batch)
        plain = [size if isinstance(size, int) and not isinstance(size, Batch) else None for size in (sizes[1:] if batched else sizes)]
        if not batched or kind != "float32" or len(plain) not in _KINDS or 0 in plain:
            return Array(plain, kind=kind, batch=batched)
        if len(plain) == 2 and plain[1] is not None:
            return Steps(plain[0], plain[1])
        if None in plain:
            return Array(plain, kind=kind, batch=batched)
        return _KINDS[len(plain)](*plain)

    # -- regions ----------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Make a node of the operators that wait."""
        ops, self.waiting = self.waiting, []
        if not ops:
            return
        made = {name for op in ops for name in op.outputs if name}
        later = {name for op in self.rest for name in op.read()} | set(self.graph.outputs) | self._now
        gives = [name for op in ops for name in op.outputs if name and name in later]
        read = dict.fromkeys(name for op in ops for name in sorted(op.read()))
        takes = [name for name in read if name not in made and name in self.values]
        if not gives:
            return
        inputs = []
        for place, name in enumerate(takes):
            own, axes = self.arriving(name)
            inputs.append(own)
            if axes is not None:
                takes[place] = f"{name}//here"
                ops.insert(0, Op("Transpose", [takes[place]], [name], {"perm": axes}))
        orders = {}
        for place, name in enumerate(gives):
            order = self.leaving(self.values[name].dims)
            if order is not None:
                gives[place] = f"{name}//there"
                ops.append(Op("Transpose", [name], [gives[place]], {"perm": list(order)}))
                self.values[gives[place]] = Value(tuple(self.values[name].dims[axis] for axis in order), kind=self.values[name].kind)
                orders[gives[place]] = (name, order)
        constants = {name: array for name, array in self.known.items() if name not in self.producers}
        kinds = {name: kind.kind for name, kind in self.graph.kinds.items() if name in constants}
        region = Region(self.names, self.real, constants, kinds)
        shapes = {name: self.shape(self.values[name].dims, kind=self.values[name].kind) for name in gives}
        node, arrays = region.node(ops, takes, shapes, inputs)
        own = self.free(gives[0] if len(gives) == 1 else f"operators_{len(self.nodes)}")
        self.nodes[own] = node
        self.arrays |= {f"{own}/{key}": array for key, array in arrays.items()}
        self.rows += [Row(op.path, ", ".join(op.outputs), op.kind, (f"{own}: operators",)) for op in ops]
        for number, name in enumerate(gives):
            given = own
            if len(gives) > 1:
                given = self.free(name)
                self.nodes[given] = Pick(number, inputs=(own,))
            there, order = orders.get(name, (name, tuple(range(len(self.values[name].dims)))))
            self.values[there].node, self.values[there].order = given, order

    def arriving(self, name: str) -> tuple[str, list[int] | None]:
        """The node that gives a value to a region, and how the region turns its axes."""
        value = self.values[name]
        if value.pooled or value.node is None or value.order == tuple(range(len(value.dims))):
            return self.need(name), None
        return value.node, [value.order.index(axis) for axis in range(len(value.dims))]

    def leaving(self, dims: Dims) -> tuple[int, ...] | None:
        """How a region turns axes so that the batch comes first; None if it does."""
        places = [place for place, size in enumerate(dims) if isinstance(size, Batch)]
        if not places or places[0] == 0:
            return None
        return (places[0], *(axis for axis in range(len(dims)) if axis != places[0]))

    def output(self, name: str) -> None:
        """One of the network's outputs."""
        value = self.values.get(name)
        if value is None:
            msg = f"the output {name} is a constant"
            raise unliftable(msg)
        node = self.need(name) if value.pooled or value.node is None else value.node
        value = self.values[name]
        if node in self.outputs or node in self.inputs:
            node = self.helper(f"{name}//output", ls.ActivationLayer("identity"), node)
        order = value.order if value.order != tuple(range(len(value.dims))) else None
        self.outputs.append(node)
        self.layouts_out[node] = Layout(name, order=order)


def product(dims: Sequence[Any]) -> int | None:
    """Numbers in sizes, but for the batch; None if one of them is not known."""
    plain = [size for size in dims if not isinstance(size, Batch)]
    return math.prod(plain) if all(isinstance(size, int) for size in plain) else None


__all__ = ["Lift", "Made", "Tokens", "Unliftable", "Value", "product"]
