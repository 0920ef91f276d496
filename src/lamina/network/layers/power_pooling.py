"""Pooling by sum and by p-norm."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, elements
from lamina.network.layers.pooling import IMAGE, STEPS, VOLUME, Pool
from lamina.network.layers.window import PoolPadding1, PoolPadding2, PoolPadding3
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Size1, Size2, Size3

_OPEN = Sequence(steps=None, features=3)


class PNormPool(Pool):
    """What p-norm pooling adds: ``(sum |x|^p)^(1/p)`` of each window, as in Deeplearning4j.

    ``torch.nn.LPPool2d`` does not take the absolute value, so that odd exponents differ for negative inputs.

    Attributes:
        p: The exponent; 1 adds up absolute values, 2 is the Euclidean norm, and the larger, the nearer to a maximum.
    """

    p: Annotated[float, Field(ge=1)] = 2.0

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return math.prod(self.window) * elements(output) + 2 * elements(inputs[0])


@register("sum_pool1d")
class SumPool1d(Pool):
    """Sum of each window along the steps: ``[batch, steps, n]`` to ``[batch, steps', n]``; see `Pool` for the settings.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SumPool1d(2).infer((sequence(9, 4),)))
        '[batch, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    stride: Size1 | None = None
    padding: PoolPadding1 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (STEPS,)), (cls(3, stride=2, padding="same"), (_OPEN,)), (cls(3, stride=2, padding="ceil"), (_OPEN,))]


@register("sum_pool2d")
class SumPool2d(Pool):
    """Sum of each window: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `Pool` for the settings.

    Example:
        >>> from lamina.shapes import image
        >>> str(SumPool2d(2).infer((image(6, 28, 28),)))
        '[batch, 6, 14, 14]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    stride: Size2 | None = None
    padding: PoolPadding2 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (IMAGE,)),
            (cls((3, 2), stride=2, padding=(1, 0)), (IMAGE,)),
            (cls(3, stride=2, padding="same"), (IMAGE,)),
            (cls((2, 3), stride=3, padding="ceil"), (IMAGE,)),
        ]


@register("sum_pool3d")
class SumPool3d(Pool):
    """Sum of each window of a volume; see `Pool` for the settings.

    Example:
        >>> from lamina.shapes import volume
        >>> str(SumPool3d(2).infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 4, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    stride: Size3 | None = None
    padding: PoolPadding3 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (VOLUME,)), (cls((2, 3, 2), stride=2, padding="same"), (VOLUME,)), (cls(3, padding=1), (VOLUME,))]


@register("p_norm_pool1d")
class PNormPool1d(PNormPool):
    """p-norm of each window along the steps: ``[batch, steps, n]`` to ``[batch, steps', n]``; see `Pool` and `PNormPool`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(PNormPool1d(2, p=3).infer((sequence(9, 4),)))
        '[batch, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    stride: Size1 | None = None
    padding: PoolPadding1 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (STEPS,)), (cls(3, stride=2, padding="same", p=3.0), (_OPEN,)), (cls(3, stride=1, padding=1, p=1.5), (_OPEN,))]


@register("p_norm_pool2d")
class PNormPool2d(PNormPool):
    """p-norm of each window: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `Pool` and `PNormPool`.

    Example:
        >>> from lamina.shapes import image
        >>> str(PNormPool2d(2).infer((image(6, 28, 28),)))
        '[batch, 6, 14, 14]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    stride: Size2 | None = None
    padding: PoolPadding2 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (IMAGE,)),
            (cls((3, 2), stride=2, padding=(1, 0), p=3.0), (IMAGE,)),
            (cls(3, stride=2, padding="same", p=1.0), (IMAGE,)),
            (cls((2, 3), stride=3, padding="ceil"), (IMAGE,)),
        ]


@register("p_norm_pool3d")
class PNormPool3d(PNormPool):
    """p-norm of each window of a volume; see `Pool` and `PNormPool`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(PNormPool3d(2).infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 4, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    stride: Size3 | None = None
    padding: PoolPadding3 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (VOLUME,)), (cls((2, 3, 2), stride=2, padding="same", p=3.0), (VOLUME,)), (cls(3, padding=1), (VOLUME,))]
