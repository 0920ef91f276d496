"""Max pooling undone: every largest value back at its place."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements
from lamina.network.layers.pooling import Pool
from lamina.network.layers.window import PoolPadding1, PoolPadding2, PoolPadding3
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size1, Size2, Size3


class MaxUnpool(Pool):
    """What max unpooling shares: of two inputs, values and the original that was pooled (SegNet, Badrinarayanan et al. 2017).

    Each value is put where the original has the largest value of its window, and all other places are 0. The output is of the
    original's shape; no gradient flows to it. Instead of indices, which torch passes from one layer to the other, the original
    itself says where: in a graph, ``inputs: [values, original]``.

    Attributes:
        size: Size of the window, as in the pooling.
        stride: Step of the window, as in the pooling; at least its size, since windows that overlap could write twice.
        padding: As in the pooling.
    """

    input_count: ClassVar[tuple[int, int | None]] = (2, 2)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if any(stride < size for size, stride in zip(self.window, self.strides, strict=True)):
            raise wrong_value(
                expected="a stride of at least the size of the window",
                cause="two windows that overlap could write different values to one place",
                fix="leave stride out: it is then the size of the window",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        values, original = inputs
        pooled = super().infer((original,))
        if not values.agrees(pooled):
            raise self.refuse(
                "NN003",
                expected=f"values of shape {pooled}, as pooling the second input gives",
                got=f"{values}",
                cause="each value goes back to the window of the original that it stands for",
                fix="give inputs: [values, original], with the size, stride and padding of the pooling",
            )
        return original

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output)


@register("max_unpool1d")
class MaxUnpool1d(MaxUnpool):
    """Largest values of windows along steps back at their places: ``[batch, steps, n]``; see `MaxUnpool`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MaxUnpool1d(2).infer((sequence(4, 3), sequence(9, 3))))
        '[batch, 9, 3]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    stride: Size1 | None = None
    padding: PoolPadding1 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        original = Sequence(steps=7, features=3)
        return [
            (cls(2), (original.replace(steps=3), original)),
            (cls(3, padding="same"), (original.replace(steps=3), original)),
            (cls(2, stride=3, padding=1), (original.replace(steps=3), original)),
        ]


@register("max_unpool2d")
class MaxUnpool2d(MaxUnpool):
    """Largest values of windows back at their places: ``[batch, c, height, width]``; see `MaxUnpool`.

    Example:
        >>> from lamina.shapes import image
        >>> str(MaxUnpool2d(2).infer((image(8, 3, 4), image(8, 7, 8))))
        '[batch, 8, 7, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    stride: Size2 | None = None
    padding: PoolPadding2 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        original = Image(channels=2, height=5, width=6)
        return [
            (cls(2), (original.replace(height=2, width=3), original)),
            (cls((2, 3), padding="ceil"), (original.replace(height=3, width=2), original)),
            (cls(2, padding=(1, 0)), (original.replace(height=3, width=3), original)),
        ]


@register("max_unpool3d")
class MaxUnpool3d(MaxUnpool):
    """Largest values of windows of a volume back at their places; see `MaxUnpool`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(MaxUnpool3d(2).infer((volume(8, 2, 3, 4), volume(8, 4, 7, 8))))
        '[batch, 8, 4, 7, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    stride: Size3 | None = None
    padding: PoolPadding3 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        original = Volume(channels=2, depth=4, height=3, width=4)
        small = original.replace(depth=2, height=1, width=2)
        return [(cls(2), (small, original)), (cls(2, padding="same"), (small.replace(height=2), original))]
