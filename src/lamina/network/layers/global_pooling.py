"""Pooling over all steps of a sequence, or all positions of an image or volume."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, elements, last_axis
from lamina.network.layers.pooling import IMAGE, STEPS, VOLUME
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register


class GlobalPool(Layer):
    """What pooling over everything shares: one number for each feature or channel is left.

    Of sequences of different lengths only the real steps count; a sequence without any gives 0.
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(last_axis(inputs[0]))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (STEPS,)), (cls(), (Sequence(steps=None, features=3),)), (cls(), (IMAGE,)), (cls(), (VOLUME,))]


@register("global_max_pool")
class GlobalMaxPool(GlobalPool):
    """Largest value over all steps, or all positions of an image or volume: ``[batch, features or channels]``.

    Example:
        >>> from lamina.shapes import image
        >>> str(GlobalMaxPool().infer((image(64, 7, 7),)))
        '[batch, 64]'
    """


@register("global_avg_pool")
class GlobalAvgPool(GlobalPool):
    """Average over all steps, or all positions of an image or volume: ``[batch, features or channels]``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GlobalAvgPool().infer((sequence(None, 64),)))
        '[batch, 64]'
    """


@register("global_sum_pool")
class GlobalSumPool(GlobalPool):
    """Sum over all steps, or all positions of an image or volume: ``[batch, features or channels]``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GlobalSumPool().infer((sequence(None, 64),)))
        '[batch, 64]'
    """


@register("global_p_norm_pool")
class GlobalPNormPool(GlobalPool):
    """Norm ``(sum |x|^p)^(1/p)`` over all steps, or all positions of an image or volume: ``[batch, features or channels]``.

    Attributes:
        p: The exponent; 1 adds up absolute values, 2 is the Euclidean norm, and the larger, the nearer to a maximum.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GlobalPNormPool(3).infer((sequence(None, 64),)))
        '[batch, 64]'
    """

    positional: ClassVar[tuple[str, ...]] = ("p",)

    p: Annotated[float, Field(ge=1)] = 2.0

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 3 * elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [*super().examples(), (cls(3.0), (Sequence(steps=None, features=3),)), (cls(1.5), (IMAGE,))]
