"""Operations as layers: a product with a matrix and the vector added to it are a dense layer, and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamina.interop.notes import Notes
from lamina.interop.report import Row
from lamina.interop.samediff.graph import Graph, Operation, Variable
from lamina.network import activations as a
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer

if TYPE_CHECKING:
    import numpy as np

ACTIVATIONS: dict[str, Callable[[], Activation]] = {
    "cube": a.Cube,
    "elu": a.Elu,
    "exp": a.Exp,
    "gelu": lambda: a.Gelu(approximate=True),
    "precise_gelu": a.Gelu,
    "hard_sigmoid": a.HardSigmoid,
    "hardsigmoid": a.HardSigmoid,
    "hardtanh": a.HardTanh,
    "identity": a.Identity,
    "log_softmax": a.LogSoftmax,
    "logsigmoid": a.LogSigmoid,
    "mish": a.Mish,
    "rationaltanh": a.RationalTanh,
    "rectifiedtanh": a.RectifiedTanh,
    "relu": a.Relu,
    "relu6": a.Relu6,
    "selu": a.Selu,
    "sigmoid": a.Sigmoid,
    "softmax": a.Softmax,
    "softplus": a.Softplus,
    "softsign": a.Softsign,
    "swish": a.Swish,
    "tanh": a.Tanh,
}
JOINS: dict[str, type[Layer]] = {
    "add": v.Add,
    "subtract": v.Subtract,
    "multiply": v.Multiply,
    "maximum": v.Max,
    "minimum": v.Min,
    "mergeadd": v.Add,
    "mergeavg": v.Average,
    "mergemax": v.Max,
}
LOSSES = {
    "log_loss": "binary_cross_entropy",
    "mean_sqerr_loss": "mse",
    "absolute_difference_loss": "mae",
    "huber_loss": "huber",
}
PRODUCTS, BIASES = ("mmul", "matmul"), ("add", "biasadd", "bias_add")

Place = tuple[int, int]


@dataclass
class Lifted:
    """A graph as layers.

    Attributes:
        nodes: Layers by name.
        arrays: Their parameters.
        inputs: Placeholders, and what they are called here.
        sizes: Shapes of the placeholders.
        outputs: Names here of what nobody reads.
        names: Names there of what layers give, and the layers' names.
        rows: For the report.
    """

    nodes: dict[str, Layer] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


class _Lifting:
    def __init__(self, graph: Graph, notes: Notes) -> None:
        self.graph, self.notes = graph, notes
        self.variables = {variable.place: variable for variable in graph.variables}
        self.made = {operation.number for operation in graph.operations}
        self.found = Lifted()
        self.given: dict[Place, str] = {}
        self.readers: dict[Place, list[Operation]] = {}
        for operation in graph.operations:
            for place in operation.inputs:
                self.readers.setdefault(place, []).append(operation)
        self.labels: set[Place] = set()
        self.skipped: set[int] = set()
        self.judged: dict[Place, Operation] = {}

    def run(self) -> Lifted:
        self._losses()
        self._inputs()
        for operation in self.graph.operations:
            if operation.number in self.skipped:
                continue
            missing = [place for place in operation.inputs if place not in self.given and self._array(place) is None]
            if missing:
                self._unknown(operation, "reads what no layer here gives")
            else:
                self._operation(operation)
        read = {name for layer in self.found.nodes.values() for name in layer.inputs}
        self.found.outputs = tuple(name for name in self.found.nodes if name not in read)
        if not self.found.nodes and not self.notes.missing:
            self._miss("the graph", "operations on placeholders", "none")
        return self.found

    def _array(self, place: Place) -> np.ndarray | None:
        variable = self.variables.get(place)
        return None if variable is None or place in self.given else variable.values

    def _losses(self) -> None:
        """Operations that judge an output against labels: they are the loss, and no layers."""
        for operation in self.graph.operations:
            name = next((variable.name for variable in self.graph.variables if variable.place == (operation.number, 0)), operation.name)
            if not (operation.kind.endswith("_loss") or "_loss_" in operation.kind or name in self.graph.losses):
                continue
            self.skipped.add(operation.number)
            computed = [place for place in operation.inputs if place[0] in self.made]
            self.labels |= {place for place in operation.inputs if place[0] not in self.made}
            if operation.kind in LOSSES and len(computed) == 1:
                self.judged[computed[0]] = operation
            else:
                self.notes.lose(f"operation {operation.name}", f"the loss {operation.kind}; outputs don't depend on it")

    def _inputs(self) -> None:
        for variable in self.graph.variables:
            place = variable.place
            if place[0] in self.made or place in self.labels:
                continue
            if variable.role == "placeholder" or (not variable.role and self._is_data(variable)):
                self.given[place] = self.found.inputs[variable.name] = allowed(variable.name)
                self.found.sizes[variable.name] = variable.shape
                if not variable.role:
                    self.notes.assume(f"variable {variable.name}", "the input, since it is what a matrix is multiplied with first")

    def _is_data(self, variable: Variable) -> bool:
        """Of files that don't say what a variable is: the first operand of a product."""
        readers = self.readers.get(variable.place, [])
        return bool(readers) and all(reader.kind in PRODUCTS and reader.inputs[0] == variable.place for reader in readers)

    def _operation(self, operation: Operation) -> None:
        if not operation.inputs or operation.inputs[0] not in self.given:
            self._unknown(operation, "computes with what is stored, and not with data")
        elif operation.kind in PRODUCTS:
            self._product(operation)
        elif operation.kind == "xw_plus_b" and len(operation.inputs) == 3:
            self._dense(operation, operation, operation.inputs[1], operation.inputs[2])
        elif operation.kind in ACTIVATIONS and len(operation.inputs) == 1:
            self._enter(operation, ls.ActivationLayer(ACTIVATIONS[operation.kind]()), operation.inputs)
        elif operation.kind == "leakyrelu":
            slope = operation.floats[0] if operation.floats else operation.scalar if operation.scalar is not None else 0.01
            self._enter(operation, ls.ActivationLayer(a.LeakyRelu(slope)), operation.inputs)
        elif operation.kind in JOINS and len(operation.inputs) > 1 and all(place in self.given for place in operation.inputs):
            self._enter(operation, JOINS[operation.kind](), operation.inputs)
        else:
            self._unknown(operation, "has no counterpart that is recognised")

    def _product(self, operation: Operation) -> None:
        plain = not any(operation.integers[:3]) and not any(operation.flags[:3])
        first, second = operation.inputs[:2] if len(operation.inputs) == 2 else (None, None)
        if first is None or second is None or not plain or first not in self.given or self._array(second) is None:
            self._unknown(operation, "is no product of data with a matrix")
            return
        readers = self.readers.get((operation.number, 0), [])
        bias = readers[0] if len(readers) == 1 and readers[0].kind in BIASES and len(readers[0].inputs) == 2 else None
        other = None if bias is None else next((place for place in bias.inputs if place != (operation.number, 0)), None)
        vector = None if other is None else self._array(other)
        matrix = self._array(second)
        fits = vector is not None and matrix is not None and matrix.ndim == 2 and vector.size == matrix.shape[1]
        self._dense(operation, bias if bias is not None and fits else operation, second, other if fits else None)

    def _dense(self, operation: Operation, last: Operation, weight: Place, bias: Place | None) -> None:
        matrix, vector = self._array(weight), None if bias is None else self._array(bias)
        if matrix is None or matrix.ndim != 2 or (bias is not None and vector is None) or min(matrix.shape) < 1:
            self._unknown(operation, "is no product of data with a matrix")
            return
        layer = ls.Dense(matrix.shape[1], bias=vector is not None, frozen=self._fixed(weight))
        if last is not operation:
            self.skipped.add(last.number)
        name = self._enter(last, layer, operation.inputs[:1])
        self.found.arrays[f"{name}/weight"] = matrix.T
        if vector is not None:
            self.found.arrays[f"{name}/bias"] = vector.reshape(-1)
        kinds = operation.kind if last is operation else f"{operation.kind} and {last.kind}"
        size = matrix.size + (0 if vector is None else vector.size)
        self.found.rows[-1] = Row(f"operation {operation.name}", name, kinds, parameters=size)

    def _fixed(self, place: Place) -> bool:
        return self.variables[place].role == "constant"

    def _enter(self, operation: Operation, layer: Layer, inputs: tuple[Place, ...]) -> str:
        place = (operation.number, 0)
        there = self.variables[place].name if place in self.variables else operation.name
        name = allowed(there)
        while name in self.found.nodes or name in self.found.inputs.values():
            name += "_"
        self.found.nodes[name] = layer.replace(inputs=tuple(self.given[one] for one in inputs))
        self.found.rows.append(Row(f"operation {operation.name}", name, operation.kind))
        judge = self.judged.get(place)
        if judge is not None:
            # The loss stands behind, and gives what it is given.
            inner = f"{name}_scores"
            self.found.nodes[inner] = self.found.nodes.pop(name)
            self.found.nodes[name] = ls.LossLayer(LOSSES[judge.kind], activation="identity", inputs=(inner,))
            self.found.rows[-1] = Row(f"operation {operation.name}", inner, operation.kind)
            self.found.rows.append(Row(f"operation {judge.name}", name, judge.kind))
        self.given[place] = name
        self.found.names[there] = name
        return name if judge is None else f"{name}_scores"

    def _unknown(self, operation: Operation, why: str) -> None:
        self.found.rows.append(Row(f"operation {operation.name}", operation.name, operation.kind))
        self._miss(
            f"operation {operation.name}",
            "products with matrices, activations, sums and products of branches",
            f"{operation.kind}, which {why}",
        )
        self.given[operation.number, 0] = operation.name

    def _miss(self, path: str, expected: str, got: str) -> None:
        self.notes.miss(
            path,
            expected=expected,
            got=got,
            fix="describe this part in Lamina, and take the arrays: lamina.interop.samediff.reader.graph(path)",
        )


def lift(graph: Graph, notes: Notes) -> Lifted:
    """The layers of a graph; operations without a counterpart are noted, all of them."""
    return _Lifting(graph, notes).run()


def allowed(name: str) -> str:
    """A name as it is allowed here.

    Example:
        >>> allowed("layer/0:out")
        'layer_0_out'
    """
    found = re.sub(r"[^A-Za-z0-9_\-]", "_", name) or "node"
    return found if re.match(r"[A-Za-z_]", found) else f"node_{found}"
