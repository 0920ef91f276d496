"""A vector at every step of a sequence."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Shape, Volume, with_steps
from lamina.spec import register
from lamina.spec.fields import Count


@register("repeat_vector")
class RepeatVector(Layer):
    """The same at each of ``count`` steps: ``[batch, n]`` to ``[batch, count, n]``; images and volumes become a series.

    For as many steps as another sequence has, see `duplicate_to_steps`.

    Attributes:
        count: Number of steps.

    Example:
        >>> from lamina.shapes import features
        >>> str(RepeatVector(7).infer((features(3),)))
        '[batch, 7, 3]'
    """

    positional: ClassVar[tuple[str, ...]] = ("count",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Image, Volume)

    count: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return with_steps(inputs[0], self.count)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3), (Features(4),)), (cls(1), (Features(2),)), (cls(2), (Image(channels=2, height=3, width=4),))]
