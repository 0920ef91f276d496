"""Vectors put at every step of another sequence, and steps in reverse order."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume, with_steps
from lamina.spec import register


@register("duplicate_to_steps")
class DuplicateToSteps(Layer):
    """The first input at every step of the second: ``[batch, n]`` and ``[batch, steps, ...]`` to ``[batch, steps, n]``.

    Deeplearning4j's DuplicateToTimeSeriesVertex. What stands in the second input doesn't matter, only how many steps it has, and
    which of them are real. An image or volume becomes a series.

    Example:
        >>> from lamina.shapes import sequence, features
        >>> str(DuplicateToSteps().infer((features(8), sequence(None, 3))))
        '[batch, ?, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Image, Volume)
    further: ClassVar[tuple[type[Shape], ...] | None] = (Sequence, Tokens, Series)
    input_count: ClassVar[tuple[int, int | None]] = (2, 2)
    stepwise: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return with_steps(inputs[0], inputs[1].dims[0])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (FEATURES, STEPS)),
            (cls(), (FEATURES, Sequence(steps=None, features=2))),
            (cls(), (IMAGE, Tokens(steps=None, vocabulary=5))),
            (cls(), (FEATURES, Series(steps=3, item=IMAGE))),
        ]


@register("reverse_steps")
class ReverseSteps(Layer):
    """The steps in reverse order; of padded sequences only the real ones change places, so that padding stays where it was.

    Deeplearning4j's ReverseTimeSeriesVertex. Sequences, tokens and series, whose shape it keeps.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ReverseSteps().infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Tokens, Series)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (STEPS,)),
            (cls(), (Sequence(steps=None, features=2),)),
            (cls(), (Tokens(steps=None, vocabulary=5),)),
            (cls(), (Series(steps=None, item=IMAGE),)),
        ]
