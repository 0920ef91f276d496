"""Units that are the largest of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count


@register("maxout")
class Maxout(ParametricLayer):
    """``y = activation(max over pieces of (x W^T + b))`` (Goodfellow et al. 2013): the largest of ``pieces`` linear units.

    Input ``[batch, n]``, or ``[batch, steps, n]``, where each step is treated alike. Output: the same with ``units``. Parameters:
    ``weight [pieces units, n]``, ``bias [pieces units]``, one piece of all units after another.

    Attributes:
        units: Number of outputs.
        pieces: Linear units of which each output is the largest.

    Example:
        >>> from lamina.shapes import features
        >>> Maxout(5, pieces=3).parameters((features(4),))["weight"].shape
        (15, 4)
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    flattens: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    units: Count
    pieces: Annotated[int, Field(ge=2)] = 2

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return shape.replace(features=self.units) if isinstance(shape, Sequence) else Features(self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, total = last_axis(inputs[0]), self.pieces * self.units
        found = {"weight": Parameter((total, count), "weight", count, self.units, blocks=self.pieces)}
        if self.bias:
            found["bias"] = Parameter((total,), "bias", count, self.units, blocks=self.pieces)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.units * self.pieces + elements(output) * (self.pieces - 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3), (Features(4),)), (cls(2, pieces=4, bias=False, activation="tanh"), (Sequence(steps=None, features=3),))]
