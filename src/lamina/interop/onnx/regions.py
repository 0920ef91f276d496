"""Parts of a graph as one node of operators: their description, and the arrays that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.graph import Graph, Op
from lamina.interop.onnx.tensors import literal
from lamina.interop.onnx.upgrade import array_of
from lamina.network.vertices.operators import Body, Operator, Operators, Stored

if TYPE_CHECKING:
    import numpy as np

    from lamina.shapes import Shape

INLINE = 64
"""Numbers of a constant that stands in the description itself."""
_FIXED = {
    **{"BatchNormalization": {3, 4}, "Resize": {1, 2, 3}, "Clip": {1, 2}, "Pad": {2}, "QuantizeLinear": {1, 2}, "DequantizeLinear": {1, 2}},
    **{"NonMaxSuppression": {2, 3, 4}, "OneHot": {1, 2}, "QLinearConv": {1, 2, 4, 5, 6, 7}, "QLinearMatMul": {1, 2, 4, 5, 6, 7}},
}
"""Inputs that are settings and statistics, though they are numbers with fractions: nothing trains them."""


class Names:
    """Names of values as they are allowed here: letters, digits and ``_``, each once."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {"": ""}
        self._taken: set[str] = {""}

    def __call__(self, name: str) -> str:
        """The same for the same name.

        Example:
            >>> names = Names()
            >>> names("layer/0:out"), names("layer.0.out"), names("7")
            ('layer_0_out', 'layer_0_out_1', 'v7')
        """
        if name not in self._made:
            plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "value"
            plain = plain if plain.isidentifier() and plain.isascii() else f"v{plain}"
            found, number = plain[:200], 0
            while found in self._taken:
                number += 1
                found = f"{plain[:200]}_{number}"
            self._taken.add(found)
            self._made[name] = found
        return self._made[name]


@dataclass
class Region:
    """Collects operators and what they need.

    Attributes:
        names: Names of values.
        real: The kind that the network's own type stands for.
        constants: Arrays of the whole graph by name.
        kinds: Kinds of those that NumPy has no type for.
    """

    names: Names
    real: str
    constants: Mapping[str, np.ndarray]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def node(
        self, ops: Sequence[Op], takes: Iterable[str], gives: Mapping[str, Shape], inputs: Iterable[str] = ()
    ) -> tuple[Operators, dict[str, np.ndarray]]:
        """The description of some operators, and its arrays.

        Args:
            ops: In an order in which they can be run.
            takes: Values that come in.
            gives: Shapes of the values that go out.
            inputs: Names of the nodes that feed it.
        """
        needed: dict[str, bool] = {}
        inner = Graph({}, {}, list(ops))
        for op in inner.walk():
            for place, name in enumerate(op.inputs):
                fixed = place in _FIXED.get(op.kind, ())
                needed[name] = needed.get(name, True) and not fixed
        for body in _bodies(ops):
            needed |= {name: needed.get(name, True) for name in body.outputs}
        needed |= {name: True for name in gives if name not in needed}
        arrays: dict[str, np.ndarray] = {}
        weights: dict[str, Stored] = {}
        constants: dict[str, Stored] = {}
        before: list[Operator] = []
        hoisted = {name: array for body in _bodies(ops) for name, array in body.constants.items()}
        given = set(takes)
        for name, trained in needed.items():
            array = hoisted.get(name, self.constants.get(name))
            if array is None or name in given:
                continue
            kind = self.kind(name, array)
            floating = array.dtype.kind == "f" and kind == "float32"
            small = array.size <= (1 if floating and trained else INLINE)
            own = self.names(name)
            if small or array.dtype == object or kind not in _KEPT:
                before.append(Operator("Constant", (), (own,), attributes={"value": {**literal(array), "kind": kind}}))
                continue
            arrays[own] = array
            (weights if floating and trained else constants)[own] = Stored(array.shape, kind=kind)
        node = Operators(
            [*before, *(self.operator(op) for op in ops)],
            takes=[self.names(name) for name in takes],
            gives=[self.names(name) for name in gives],
            shapes=list(gives.values()),
            weights=weights,
            constants=constants,
            inputs=tuple(inputs),
        )
        return node, arrays

    def kind(self, name: str, array: np.ndarray) -> str:
        """What an array's numbers are here."""
        kind = self.kinds.get(name) or ("string" if array.dtype == object else array.dtype.name)
        return self.word(kind)

    def word(self, kind: str) -> str:
        """A kind of numbers, with ``float32`` for the network's own."""
        return "float32" if kind == self.real else kind

    def operator(self, op: Op) -> Operator:
        """The description of one operator."""
        if op.kind == "Constant" and not op.domain:
            array = array_of(op)
            if array is not None:
                value = {**literal(array), "kind": self.kind(op.outputs[0], array)}
                return Operator("Constant", (), tuple(self.names(name) for name in op.outputs), attributes={"value": value})
        return Operator(
            op.kind,
            tuple(self.names(name) for name in op.inputs),
            tuple(self.names(name) for name in op.outputs),
            attributes={name: self.plain(value) for name, value in op.attributes.items()},
            bodies={name: self.body(body) for name, body in op.bodies.items()},
            domain=op.domain,
        )

    def body(self, body: Graph) -> Body:
        """The description of a graph within an operator."""
        return Body(
            inputs=[self.names(name) for name in body.inputs],
            operators=[self.operator(op) for op in body.ops],
            outputs=[self.names(name) for name in body.outputs],
        )

    def plain(self, value: Any) -> Any:
        """An attribute as plain data."""
        if hasattr(value, "dtype"):
            return {**literal(value), "kind": self.word("string" if value.dtype == object else value.dtype.name)}
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        if isinstance(value, float) and value - value != 0:
            return str(value)
        return self.word(value) if isinstance(value, str) else value


_KEPT = {"float32", "float64", "float16", "bool", "int64", "int32", "int16", "int8", "uint8"}
"""Kinds that an archive keeps as arrays."""


def _bodies(ops: Iterable[Op]) -> Iterable[Graph]:
    for op in ops:
        for body in op.bodies.values():
            yield body
            yield from _bodies(body.ops)
