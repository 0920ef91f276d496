"""Graphs of operators as one node: what an imported model computes that no layer is a name for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements
from lamina.shapes import Array, Bundle, Features, NumberKind, Shape
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from lamina.network.network import Network

Size = Annotated[int, Field(ge=0)]


class Stored(Description):
    """A tensor that a node of operators keeps.

    Attributes:
        shape: Its sizes.
        kind: What its numbers are; ``float32`` follows the network's own type.
    """

    positional: ClassVar[tuple[str, ...]] = ("shape",)
    shape: listed(Size)  # type: ignore[valid-type]
    kind: NumberKind = "float32"


class Operator(Description):
    """One operator: what it is called in ONNX, what it reads, what it gives.

    Attributes:
        op: Its name in ONNX, as its newest version has it.
        inputs: Values that it reads, in order; an empty name where one is left out.
        outputs: Values that it gives, in order; an empty name where nobody asks for one.
        attributes: Numbers, words and lists of them by name; a tensor is ``{kind, shape, values}``.
        bodies: Graphs that it runs (branches, the body of a loop), by the name of the attribute.
        domain: Set of operators that it belongs to; empty for ONNX's own.
    """

    positional: ClassVar[tuple[str, ...]] = ("op", "inputs", "outputs")
    op: str
    inputs: Names = ()
    outputs: Names = ()
    attributes: dict[str, Any] = {}
    bodies: dict[str, Body] = {}
    domain: str = ""


class Body(Description):
    """A graph within an operator; it reads the values around it, too.

    Attributes:
        inputs: Names of what it is given.
        operators: In an order in which they can be run.
        outputs: Names of what it gives.
    """

    inputs: Names = ()
    operators: listed(Operator) = ()  # type: ignore[valid-type]
    outputs: Names = ()


Operator.model_rebuild()  # type: ignore[attr-defined]
DEEPEST = 20
"""Bodies within bodies."""


@register("operators")
class Operators(ParametricLayer):
    """A graph of operators in the vocabulary of ONNX, run as it is on whole tensors, the batch axis among the others.

    Importers make it of what no layer stands for; it is trained, counted and kept like any layer. Operators of one's own are
    entered with `lamina.engine.operators.operator`.

    Attributes:
        operators: In an order in which they can be run.
        takes: Names of the inputs within.
        gives: Names of the values that come out; of several, each is taken by a `Pick`.
        shapes: The shape of each of these.
        weights: Tensors that are trained, by name.
        constants: Tensors that are not.

    Example:
        >>> from lamina.shapes import features
        >>> node = Operators([Operator("Softplus", ["x"], ["y"])], takes=["x"], gives=["y"], shapes=[features(4)])
        >>> str(node.infer((features(4),)))
        '[batch, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("operators",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Shape,)
    input_count: ClassVar[tuple[int, int | None]] = (0, None)
    takes_masks: ClassVar[bool] = False
    constant_buffers: ClassVar[bool] = True
    unused_settings: ClassVar[tuple[str, ...]] = ("activation", "bias", "bias_initializer", "dropout", "weight_noise")

    operators: listed(Operator)  # type: ignore[valid-type]
    takes: Names
    gives: Names
    shapes: listed(Shape)  # type: ignore[valid-type]
    weights: dict[str, Stored] = {}
    constants: dict[str, Stored] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.gives or len(self.gives) != len(self.shapes):
            raise wrong_value(
                expected="a shape for each of the values in gives, of which there is at least one",
                cause=f"gives has {len(self.gives)} names, and shapes {len(self.shapes)}",
                fix="write a shape for each name",
            )
        wrong = [name for name in {*self.weights, *self.constants} if not name.isidentifier()]
        if wrong:
            raise wrong_value(
                expected="weights and constants with letters, digits and _ in their names",
                cause=f"{wrong[0]!r} has others",
                fix="rename it",
            )
        known = {*self.takes, *self.weights, *self.constants}
        missing = unknown_values(self.operators, known, self.gives)
        if missing:
            raise wrong_value(
                expected="operators that read what stands before them",
                cause=f"nothing before gives {missing!r}",
                fix="order the operators so that each comes after those it reads, or name it in takes, weights or constants",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        if len(inputs) != len(self.takes):
            raise self.refuse(
                "NN012",
                expected=f"{len(self.takes)} inputs: {', '.join(self.takes)}",
                got=f"{len(inputs)}",
                cause="takes names each input once",
                fix="give the node as many inputs as it takes",
            )
        return self.shapes[0] if len(self.shapes) == 1 else Bundle(self.shapes)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return {name: _parameter(kept.shape) for name, kept in self.weights.items()}

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        return {name: kept.shape for name, kept in self.constants.items()}

    def kinds(self) -> Mapping[str, str]:
        return {name: kept.kind for name, kept in self.constants.items() if kept.kind != "float32"}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """A rough count: two for each weight, and one for each number that comes out of an operator, as many as come out at the end."""
        given = sum(elements(shape) for shape in self.shapes)
        weights: int = sum(math.prod(kept.shape) for kept in self.weights.values())
        return 2 * weights + given * len(self.operators)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return sum(elements(shape) for shape in self.shapes) * len(self.operators)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        tail = {"takes": ["x"], "gives": ["y"], "shapes": [Features(3)]}
        product = Operator("MatMul", ["x", "w"], ["h"])
        return [
            (cls([Operator("Softsign", ["x"], ["y"])], takes=["x"], gives=["y"], shapes=[Features(4)]), (Features(4),)),
            (cls([product, Operator("Selu", ["h"], ["y"])], weights={"w": Stored([4, 3])}, **tail), (Features(4),)),
            (
                cls(
                    [Operator("Gather", ["x", "places"], ["y"], attributes={"axis": 1})],
                    constants={"places": Stored([3], kind="int64")},
                    **tail,
                ),
                (Features(4),),
            ),
        ]


@register("pick")
class Pick(Layer):
    """One of the values that a node of operators gives.

    Attributes:
        index: Which, from 0.

    Example:
        >>> from lamina.shapes import Bundle, features
        >>> str(Pick(1).infer((Bundle([features(3), features(4)]),)))
        '[batch, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("index",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Bundle,)
    takes_masks: ClassVar[bool] = False
    index: Size = 0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        items: Sequence[Shape] = getattr(shape, "items", ())
        if self.index >= len(items):
            raise self.refuse(
                "NN008",
                expected=f"an index below {len(items)}",
                got=str(self.index),
                cause=f"the node gives {len(items)} values, and the first is number 0",
                fix="choose one of them",
            )
        return items[self.index]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(1), (Bundle(items=(Features(3), Features(4))),))]

    def surroundings(self, inputs: tuple[Shape, ...]) -> Network:
        from lamina.network.graph import Graph

        given: Any = inputs[0]
        operators = [Operator("Softsign", [f"x{place}"], [f"y{place}"]) for place in range(len(given.items))]
        names = {"takes": [o.inputs[0] for o in operators], "gives": [o.outputs[0] for o in operators]}
        both = Operators(operators, shapes=given.items, inputs=names["takes"], **names)
        nodes = {"both": both, "picked": self.replace(inputs="both")}
        return Graph(inputs=dict(zip(names["takes"], given.items, strict=True)), nodes=nodes, outputs="picked")


def _parameter(shape: tuple[int, ...]) -> Parameter:
    if len(shape) < 2:
        return Parameter(shape, "gain")
    field = math.prod(shape[2:])
    return Parameter(shape, "weight", shape[1] * field, shape[0] * field)


def unknown_values(operators: Sequence[Operator], known: set[str], wanted: Sequence[str], depth: int = 0) -> str | None:
    """The first value that is read, or wanted at the end, and that nothing before gives."""
    if depth > DEEPEST:
        return "anything so deep"
    known = {*known, ""}
    for operator in operators:
        for name in operator.inputs:
            if name not in known:
                return name
        for body in operator.bodies.values():
            missing = unknown_values(body.operators, known | set(body.inputs), body.outputs, depth + 1)
            if missing:
                return missing
        known |= set(operator.outputs)
    return next((name for name in wanted if name not in known), None)


def all_operators(operators: Sequence[Operator]) -> Iterator[Operator]:
    """Every operator, those of bodies among them."""
    for operator in operators:
        yield operator
        for body in operator.bodies.values():
            yield from all_operators(body.operators)


def shape_kind(shape: Shape) -> str:
    """What the numbers of a shape are."""
    return shape.kind if isinstance(shape, Array) else "int64" if shape.dtype == "int" else "float32"
