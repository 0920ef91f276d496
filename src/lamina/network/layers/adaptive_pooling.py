"""Pooling to a given size, whatever the size of the input."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.layers.layer import Layer, elements, last_axis, with_axes
from lamina.network.layers.pooling import IMAGE, STEPS, VOLUME
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Size1, Size2, Size3, spread


class AdaptivePool(Layer):
    """What adaptive pooling shares: window ``i`` of ``size`` reaches from ``floor(i * n / size)`` to ``ceil((i + 1) * n / size)``.

    The windows are as equal as they can be, and may overlap by one position; where the input is smaller than the output,
    positions repeat. Of sequences of different lengths each is divided by itself.

    Attributes:
        size: What comes out along each axis: one number, or one an axis.
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    spatial: ClassVar[int]
    """Axes that are divided into windows."""

    size: Any

    @property
    def sizes(self) -> tuple[int, ...]:
        """What comes out along each axis."""
        return spread(self.size, self.spatial)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, last_axis(shape), self.sizes)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return max(elements(inputs[0]), elements(output))


class _Steps(AdaptivePool):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3), (STEPS,)), (cls(4), (Sequence(steps=None, features=3),)), (cls(1), (STEPS,)), (cls(10), (STEPS,))]


class _Image(AdaptivePool):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3), (IMAGE,)), (cls((2, 5)), (IMAGE,)), (cls((9, 1)), (IMAGE,))]


class _Volume(AdaptivePool):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (VOLUME,)), (cls((3, 5, 1)), (VOLUME,))]


@register("adaptive_avg_pool1d")
class AdaptiveAvgPool1d(_Steps):
    """Averages of ``size`` parts of a sequence: ``[batch, steps, n]`` to ``[batch, size, n]``; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(AdaptiveAvgPool1d(4).infer((sequence(None, 16),)))
        '[batch, 4, 16]'
    """


@register("adaptive_avg_pool2d")
class AdaptiveAvgPool2d(_Image):
    """Averages of the parts of an image: ``[batch, c, height, width]`` to ``[batch, c, *size]``; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import image
        >>> str(AdaptiveAvgPool2d(7).infer((image(512, 10, 9),)))
        '[batch, 512, 7, 7]'
    """


@register("adaptive_avg_pool3d")
class AdaptiveAvgPool3d(_Volume):
    """Averages of the parts of a volume; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(AdaptiveAvgPool3d((1, 7, 7)).infer((volume(64, 8, 9, 10),)))
        '[batch, 64, 1, 7, 7]'
    """


@register("adaptive_max_pool1d")
class AdaptiveMaxPool1d(_Steps):
    """Largest values of ``size`` parts of a sequence: ``[batch, steps, n]`` to ``[batch, size, n]``; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(AdaptiveMaxPool1d(4).infer((sequence(None, 16),)))
        '[batch, 4, 16]'
    """


@register("adaptive_max_pool2d")
class AdaptiveMaxPool2d(_Image):
    """Largest values of the parts of an image: ``[batch, c, height, width]`` to ``[batch, c, *size]``; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import image
        >>> str(AdaptiveMaxPool2d((1, 4)).infer((image(512, 10, 9),)))
        '[batch, 512, 1, 4]'
    """


@register("adaptive_max_pool3d")
class AdaptiveMaxPool3d(_Volume):
    """Largest values of the parts of a volume; see `AdaptivePool`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(AdaptiveMaxPool3d(2).infer((volume(64, 8, 9, 10),)))
        '[batch, 64, 2, 2, 2]'
    """
