"""Images sharper, softer or with a piece missing, at random in training."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.image import Amount, Pair, Part, Share
from lamina.network.layers.image_tone import Toned
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size2, spread

_SHAPES = (Image(channels=2, height=5, width=4), Image(channels=3, height=4, width=6))
_WIDE = (-4.0, 4.0)


@register("random_sharpness")
class RandomSharpness(Toned):
    """Images sharper or softer in training: ``smooth + 2 * f * (x - smooth)``.

    ``smooth`` has for each pixel ``(5 * itself + its 8 neighbours) / 13``; the pixels of the edges stay as they are, as in Pillow.

    Attributes:
        factor: ``f`` is drawn for each image from 0 to ``factor``, or from an interval. 0 is smooth, 0.5 leaves images as they are, 1
            sharpens.
        value_range: See `Toned`.

    Example:
        >>> RandomSharpness((0.3, 0.7)).factor
        (0.3, 0.7)
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    stochastic: ClassVar[bool] = True
    factor: Part

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 21 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(1.0, value_range=_WIDE), _SHAPES[:1]), (cls((0.6, 0.9), value_range=_WIDE), _SHAPES[1:])]


@register("random_blur")
class RandomBlur(Toned):
    """Some images blurred in training, by a Gaussian that is cut to a kernel; images go on in a mirror beyond their edges.

    Attributes:
        kernel: Height and width of the kernel, odd numbers.
        deviation: Of the Gaussian, in pixels; drawn for each image from 0 to ``deviation``, or from an interval.
        probability: With which an image is blurred.
        value_range: See `Toned`.

    Example:
        >>> RandomBlur(5, deviation=(0.5, 2.0)).sides
        (5, 5)
    """

    positional: ClassVar[tuple[str, ...]] = ("kernel",)
    stochastic: ClassVar[bool] = True
    kernel: Size2 = 3
    deviation: Amount = 1.0
    probability: Share = 1.0

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if any(side % 2 == 0 for side in self.sides):
            raise wrong_value(
                expected="odd numbers",
                cause="a kernel needs a middle, or it would move the image",
                fix=f"write kernel: {[side + 1 - side % 2 for side in self.sides]}",
            )
        return self

    @property
    def sides(self) -> tuple[int, ...]:
        """Height and width of the kernel."""
        return spread(self.kernel, 2)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * sum(self.sides) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(value_range=_WIDE), _SHAPES[:1]),
            (cls((5, 3), deviation=(0.5, 2.0), probability=0.7, value_range=_WIDE), _SHAPES[1:]),
        ]


@register("random_erasing")
class RandomErasing(Toned):
    """Some images with a rectangle missing in training (Zhong et al. 2017; DeVries and Taylor 2017).

    Height and width of the rectangle are the square roots of two shares of the image's area, times height and width of the image;
    it lies anywhere within.

    Attributes:
        probability: With which an image loses a piece.
        scale: The two shares are drawn from this interval.
        fill_value: What stands in the piece, or None: noise, each value evenly from the range.
        value_range: See `Toned`; what is not erased stays as it is.

    Example:
        >>> RandomErasing(0.5, fill_value=0.0).scale
        (0.02, 0.33)
    """

    positional: ClassVar[tuple[str, ...]] = ("probability",)
    stochastic: ClassVar[bool] = True
    probability: Share = 1.0
    scale: Pair = (0.02, 0.33)
    fill_value: float | None = None

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.scale[0] < 0 or self.scale[1] > 1:
            raise wrong_value(
                expected="two shares from 0 to 1",
                cause="a piece can't be larger than the image",
                fix="write scale: [0.02, 0.33]",
            )
        return self

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), _SHAPES[:1]), (cls(0.8, scale=(0.2, 0.6), fill_value=0.5), _SHAPES[1:])]
