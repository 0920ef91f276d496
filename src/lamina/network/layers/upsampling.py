"""Upsampling: every size times a whole number."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements, last_axis, spatial_axes, with_axes
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size1, Size2, Size3, spread

_NEIGHBOURS = {"nearest": 0, "linear": 2, "bilinear": 4, "trilinear": 8, "bicubic": 16}
"""How many positions each new one is made of."""


class Upsampling(Layer):
    """What upsampling shares.

    Attributes:
        size: By how much each axis grows: one number, or one an axis.
        mode: ``nearest``: positions are repeated; the others compute what lies between them.
        align_corners: The outermost positions stay outermost, as in older versions of torch and Keras; otherwise positions are
            taken for the middles of equally large cells.
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    spatial: ClassVar[int]
    """Axes that grow."""

    size: Any
    mode: Any = "nearest"
    align_corners: bool = False

    @model_validator(mode="after")
    def _corners_of_something(self) -> Self:
        if self.align_corners and self.mode == "nearest":
            raise wrong_value(
                expected="no align_corners beside mode: nearest",
                cause="nothing is computed between positions that are merely repeated",
                fix="remove align_corners, or choose another mode",
            )
        return self

    @property
    def factors(self) -> tuple[int, ...]:
        """By how much each axis grows."""
        return spread(self.size, self.spatial)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        pairs = zip(spatial_axes(shape), self.factors, strict=True)
        return with_axes(shape, last_axis(shape), tuple(None if size is None else size * factor for size, factor in pairs))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * _NEIGHBOURS[self.mode] * elements(output)


@register("upsampling1d")
class Upsampling1d(Upsampling):
    """More steps: ``[batch, steps, n]`` to ``[batch, steps * size, n]``; see `Upsampling`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Upsampling1d(2).infer((sequence(9, 4),)))
        '[batch, 18, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    mode: Literal["nearest", "linear"] = "nearest"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_end = Sequence(steps=None, features=3)
        return [
            (cls(2), (Sequence(steps=4, features=3),)),
            (cls(3), (open_end,)),
            (cls(2, mode="linear"), (open_end,)),
            (cls(3, mode="linear", align_corners=True), (open_end,)),
        ]


@register("upsampling2d")
class Upsampling2d(Upsampling):
    """A larger image: ``[batch, c, height, width]`` to ``[batch, c, height * size, width * size]``; see `Upsampling`.

    Example:
        >>> from lamina.shapes import image
        >>> str(Upsampling2d((2, 3), mode="bilinear").infer((image(8, 7, 7),)))
        '[batch, 8, 14, 21]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    mode: Literal["nearest", "bilinear", "bicubic"] = "nearest"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=3, width=4)
        return [
            (cls(2), (shape,)),
            (cls((3, 1), mode="bilinear"), (shape,)),
            (cls(2, mode="bilinear", align_corners=True), (shape,)),
            (cls(2, mode="bicubic"), (shape,)),
        ]


@register("upsampling3d")
class Upsampling3d(Upsampling):
    """A larger volume; see `Upsampling`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(Upsampling3d(2).infer((volume(8, 3, 4, 5),)))
        '[batch, 8, 6, 8, 10]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    mode: Literal["nearest", "trilinear"] = "nearest"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Volume(channels=2, depth=2, height=3, width=2)
        return [(cls(2), (shape,)), (cls((1, 2, 3), mode="trilinear"), (shape,)), (cls(2, mode="trilinear", align_corners=True), (shape,))]
