"""Numbers times a factor, and moved."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer, elements
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS
from lamina.shapes import Shape
from lamina.spec import register


@register("scale")
class Scale(Layer):
    """``y = factor * x + offset``: tempers the branch of a residual network. Any shape of numbers, which it keeps.

    Attributes:
        factor: Multiplied with each number.
        offset: Added to each.

    Example:
        >>> Scale(0.1).factor
        0.1
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    stepwise: ClassVar[bool] = True

    factor: float
    offset: float = 0.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.1), (FEATURES,)), (cls(-1.0, offset=1.0), (IMAGE,))]


@register("shift")
class Shift(Layer):
    """``y = x + offset``, Deeplearning4j's ShiftVertex. Any shape of numbers, which it keeps.

    Attributes:
        offset: Added to each number.

    Example:
        >>> Shift(-0.5).offset
        -0.5
    """

    positional: ClassVar[tuple[str, ...]] = ("offset",)
    stepwise: ClassVar[bool] = True

    offset: float

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.5), (FEATURES,)), (cls(-1.0), (STEPS,)), (cls(2.0), (IMAGE,))]
