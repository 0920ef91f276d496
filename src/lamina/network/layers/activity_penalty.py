"""A price for large numbers between two layers."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import NonNegative


@register("activity_penalty")
class ActivityPenalty(Layer):
    """Adds ``l1 * sum |x| + l2 * sum x^2`` of each sample to the training loss, and passes on what it gets.

    Keras's ActivityRegularization. Any shape of numbers, which it keeps; of padded sequences only the real steps cost.

    Attributes:
        l1: Price of absolute values: makes few numbers differ from 0.
        l2: Price of squares: makes all of them small.

    Example:
        >>> ActivityPenalty(l1=1e-4).l1
        0.0001
    """

    penalizes: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    l1: NonNegative = 0.0
    l2: NonNegative = 0.0

    @model_validator(mode="after")
    def _costs(self) -> Self:
        if self.l1 == 0 and self.l2 == 0:
            raise wrong_value(
                expected="l1 or l2 above 0", cause="without either the layer does nothing", fix="set l1: 0.0001, or remove the layer"
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(l1=0.1), (Features(4),)),
            (cls(l2=0.1), (Sequence(steps=None, features=3),)),
            (cls(l1=0.1, l2=0.2), (Image(channels=2, height=3, width=4),)),
            (cls(l2=0.2), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]
