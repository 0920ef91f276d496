"""A product of two inputs with weights between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.network.vertices.vertex import FEATURES, listed_inputs
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count


@register("bilinear")
class Bilinear(ParametricLayer):
    """``y = activation(x1 A x2 + b)`` with a matrix ``A`` for each output, as ``torch.nn.Bilinear`` has it.

    Inputs: ``[batch, n]`` and ``[batch, m]``, or sequences of equally many steps, each of which meets its like. Output: the same
    with ``units`` features. Parameters: ``weight [units, n, m]``, ``bias [units]``.

    Attributes:
        units: Number of outputs.

    Example:
        >>> from lamina.shapes import features
        >>> Bilinear(5).parameters((features(3), features(4)))["weight"].shape
        (5, 3, 4)
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    input_count: ClassVar[tuple[int, int | None]] = (2, 2)
    stepwise: ClassVar[bool] = True

    units: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first, second = inputs
        steps = [shape.dims[0] for shape in inputs if isinstance(shape, Sequence)]
        if type(first) is not type(second) or (None not in steps and len(set(steps)) > 1):
            raise self.refuse(
                "NN003",
                expected="two vectors, or two sequences of equally many steps",
                got=listed_inputs(self, inputs),
                cause="each step of one meets the same step of the other",
                fix="end the sequence first (last_step, global_avg_pool), or repeat the vector with duplicate_to_steps",
            )
        if isinstance(first, Features):
            return Features(self.units)
        return Sequence(steps=next((count for count in steps if count is not None), None), features=self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        first, second = (last_axis(shape) for shape in inputs)
        # Each output is fed by every product of two numbers.
        return self.weight_and_bias((self.units, first, second), self.units, first * second, self.units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output) * last_axis(inputs[0]) * (last_axis(inputs[1]) + 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        unknown = Sequence(steps=None, features=3)
        return [
            (cls(2), (FEATURES, Features(3))),
            (cls(3, bias=False, activation="tanh"), (Sequence(steps=5, features=3), Sequence(steps=5, features=2))),
            (cls(2), (unknown, unknown)),
        ]
