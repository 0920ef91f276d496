"""A graph of ONNX nodes as it grows, and what each word of the language becomes in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from lamina.interop.emission.draft import Draft, Operand, Operation, Value, Weight
from lamina.interop.emission.pen import refuse

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

KINDS = {"int": np.dtype("int64"), "bool": np.dtype("bool")}
F = TypeVar("F", bound=Callable[["Writer"], None])
_WORDS: dict[str, Callable[[Writer], None]] = {}


def writes(*words: str) -> Callable[[F], F]:
    """Decorator: the function writes these words as nodes."""

    def enter(function: F) -> F:
        _WORDS.update(dict.fromkeys(words, function))
        return function

    return enter


class Graph:
    """Nodes and initialisers.

    Args:
        draft: What is written.
        opset: Version of the operators.

    Attributes:
        nodes: In order, as plain data of ``NodeProto``.
        initializers: Arrays by name.
        dtype: Type of the network's numbers.
    """

    def __init__(self, draft: Draft, opset: int) -> None:
        self.draft, self.opset = draft, opset
        self.nodes: list[dict[str, Any]] = []
        self.initializers: dict[str, np.ndarray] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self._names = set(draft.names)
        self.dtype = next((array.dtype for array in draft.arrays.values() if array.dtype.kind == "f"), np.dtype("float32"))
        self.uses: dict[str, int] = {}
        for operation in draft.operations:
            for weight in (*operation.weights.values(), *operation.inputs):
                if isinstance(weight, Weight):
                    self.uses[weight.key] = self.uses.get(weight.key, 0) + 1

    def write(self, operation: Operation) -> None:
        """The nodes of an operation.

        Raises:
            Refused: If there are none.
        """
        word = _WORDS.get(operation.kind)
        if word is None:
            refuse(f"the operation {operation.kind!r}", "export to python, or replace the layer", "operators of ONNX")
        word(Writer(self, operation))

    def unique(self, wanted: str) -> str:
        """A name nobody has, taken now."""
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted}_{number}", number + 1
        self._names.add(name)
        return name

    def weight(self, key: str) -> str:
        """A parameter as it is."""
        self.initializers[key] = self.draft.arrays[key]
        return key

    def kept(self, name: str, make: Callable[[], np.ndarray]) -> str:
        """A parameter in another layout, under a name of its own; made once."""
        if name not in self.initializers:
            self.initializers[name] = np.ascontiguousarray(make())
        return name

    def constant(self, data: Any, kind: DTypeLike) -> str:
        """A constant; the same numbers share one."""
        array = np.asarray(data, kind)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            shown = "_".join(f"{item:g}" if array.dtype.kind == "f" else str(item) for item in array.reshape(-1)[:4].tolist())
            word = (
                {"i": "ints", "f": "numbers", "b": "truth"}[array.dtype.kind]
                if array.ndim
                else {"i": "int", "f": "number", "b": "truth"}[array.dtype.kind]
            )
            name = self.unique(f"{word}/{shown}" if array.size <= 4 else f"{word}/{len(self._constants)}")
            self._constants[key] = name
            self.initializers[name] = array
        return self._constants[key]


class Writer:
    """Writes the nodes of one operation.

    Attributes:
        graph: Where to.
        operation: What.
        settings: Its settings.
    """

    def __init__(self, graph: Graph, operation: Operation) -> None:
        self.graph, self.operation, self.settings = graph, operation, operation.settings
        self._base = operation.outputs[0].name

    @property
    def opset(self) -> int:
        """Version of the operators."""
        return self.graph.opset

    @property
    def outputs(self) -> list[str]:
        """Names of what it gives."""
        return [value.name for value in self.operation.outputs]

    @property
    def input(self) -> Value:
        """The first input, a value."""
        found = self.operation.inputs[0]
        if not isinstance(found, Value | Weight):
            raise TypeError(self.operation.kind)
        return found  # type: ignore[return-value]

    def has(self, place: int) -> bool:
        """Whether there is an input at this place."""
        return place < len(self.operation.inputs) and self.operation.inputs[place] is not None

    def name(self, place: int) -> str:
        """Name of an input; a constant is made for a number."""
        return self.operand(self.operation.inputs[place])

    def names(self) -> list[str]:
        """Names of all inputs."""
        return [self.name(place) for place in range(len(self.operation.inputs))]

    def operand(self, value: Operand | None) -> str:
        """Name of anything that an operation is given."""
        if value is None:
            return ""
        if isinstance(value, Value):
            return value.name
        if isinstance(value, Weight):
            return self.graph.weight(value.key)
        others = [item for item in self.operation.inputs if isinstance(item, Value) and item.kind != "bool"]
        whole = bool(others) and all(item.kind == "int" for item in others)
        if not others:
            whole = self.operation.outputs[0].kind == "int"
        return self.graph.constant(value, np.int64 if whole else self.graph.dtype)

    def kind(self, place: int = 0) -> np.dtype[Any]:
        """Type of an input's numbers."""
        found = self.operation.inputs[place]
        return KINDS.get(found.kind, self.graph.dtype) if isinstance(found, Value) else self.graph.dtype

    def role(self, role: str) -> str:
        """Name of a parameter, empty if there is none."""
        weight = self.operation.weights.get(role)
        return "" if weight is None else self.graph.weight(weight.key)

    def array(self, role: str) -> np.ndarray | None:
        """A parameter's numbers."""
        weight = self.operation.weights.get(role)
        return None if weight is None else self.graph.draft.arrays[weight.key]

    def ints(self, *items: int) -> str:
        """A constant of whole numbers."""
        return self.graph.constant(list(items), np.int64)

    def number(self, value: float) -> str:
        """A constant of the network's type."""
        return self.graph.constant(value, self.graph.dtype)

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] | None = None, **attributes: Any) -> str:
        """A node; without ``outputs`` it gives something in between, whose name is returned."""
        if outputs is None:
            outputs = [self.graph.unique(f"{self._base}/{kind}")]
            name = outputs[0]
        else:
            name = self._base if outputs and outputs[0] == self._base else self.graph.unique(f"{self._base}/{kind}")
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        self.graph.nodes.append(
            {
                "input": given,
                "output": list(outputs),
                "name": name,
                "op_type": kind,
                "attribute": [_attribute(key, value) for key, value in attributes.items() if value is not None],
            }
        )
        return outputs[0]

    def last(self, kind: str, inputs: Sequence[str], **attributes: Any) -> None:
        """The node that gives what the operation gives."""
        self.node(kind, inputs, self.outputs, **attributes)

    def refuse(self, got: str, fix: str = "export to python, which writes it out") -> NoReturn:
        """What ONNX has no operators for.

        Raises:
            Refused: Always.
        """
        refuse(got, fix, "operators of ONNX")


def _attribute(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        return {"name": name, "type": "TENSOR", "t": tensor("", value)}
    if isinstance(value, bool | int):
        return {"name": name, "type": "INT", "i": int(value)}
    if isinstance(value, float):
        return {"name": name, "type": "FLOAT", "f": value}
    if isinstance(value, str):
        return {"name": name, "type": "STRING", "s": value.encode()}
    items = list(value)
    if all(isinstance(item, str) for item in items):
        return {"name": name, "type": "STRINGS", "strings": [item.encode() for item in items]}
    if any(isinstance(item, float) for item in items):
        return {"name": name, "type": "FLOATS", "floats": [float(item) for item in items]}
    return {"name": name, "type": "INTS", "ints": [int(item) for item in items]}


def tensor(name: str, array: np.ndarray) -> dict[str, Any]:
    """An array as plain data of ``TensorProto``."""
    from lamina.interop.onnx.schema import NUMBERS

    data = np.ascontiguousarray(array).reshape(array.shape)
    return {"dims": list(data.shape), "data_type": NUMBERS[data.dtype.name], "name": name, "raw_data": data.tobytes()}
