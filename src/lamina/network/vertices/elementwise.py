"""Inputs of one shape, joined number by number."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer, elements
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS, Vertex, listed_inputs
from lamina.shapes import Shape
from lamina.spec import register


class Elementwise(Vertex):
    """What vertices share that join equal shapes number by number; the output has that shape too."""

    stepwise: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        for shape in inputs[1:]:
            if not shape.agrees(first):
                raise self.refuse(
                    "NN003",
                    expected=f"inputs of one shape, {first} as the first",
                    got=listed_inputs(self, inputs),
                    cause="the branches end with different sizes: other numbers of units or filters, other strides, or other padding",
                    fix="give the last layers of the branches equal units or filters, and equal strides; a 1 x 1 conv2d fits a shortcut",
                )
        # Where one branch knows the number of steps, all have it.
        return next((shape for shape in inputs if None not in shape.dims), first)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (len(inputs) - 1) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        count = 3 if cls.input_count[1] is None else 2
        return [(cls(), (FEATURES,) * count), (cls(), (STEPS,) * 2), (cls(), (IMAGE,) * count)]


@register("add")
class Add(Elementwise):
    """Sum of the inputs; the joint of residual networks.

    Example:
        >>> from lamina.shapes import features
        >>> str(Add().infer((features(4), features(4))))
        '[batch, 4]'
    """


@register("subtract")
class Subtract(Elementwise):
    """First input minus second."""

    input_count: ClassVar[tuple[int, int | None]] = (2, 2)


@register("multiply")
class Multiply(Elementwise):
    """Product of the inputs, number by number."""


@register("average")
class Average(Elementwise):
    """Mean of the inputs, number by number."""

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return len(inputs) * elements(output)


@register("max")
class Max(Elementwise):
    """Largest of the inputs, number by number."""


@register("min")
class Min(Elementwise):
    """Smallest of the inputs, number by number."""
