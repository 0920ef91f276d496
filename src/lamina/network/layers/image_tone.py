"""Tones: lighter, in fewer levels, turned into their negative, or spread by their histogram."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from lamina.network.layers.image import ImageLayer, Limits, Pair, Part, Share, Signed
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import NonNegative, Size2, spread

_SHAPES = (Image(channels=2, height=4, width=3), Image(channels=3, height=3, width=5))
_WIDE = (-4.0, 4.0)


def _bits(value: Any) -> int | tuple[int, int]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    right = all(isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= 8 for item in items)
    if not right or not (len(items) == 1 or (len(items) == 2 and items[0] <= items[1])):
        raise wrong_value(
            expected="a whole number from 1 to 8, or two, the lower one first",
            cause="a value has 8 bits, of which at least one must be kept",
            fix="write bits: 4, or bits: [3, 6]",
        )
    return (items[0], items[1]) if len(items) == 2 else items[0]


_BIT = {"type": "integer", "minimum": 1, "maximum": 8}
_BITS = {"anyOf": [_BIT, {"type": "array", "items": _BIT, "minItems": 2, "maxItems": 2}]}
Bits = Annotated[int | tuple[int, int], PlainValidator(_bits), WithJsonSchema(_BITS)]


class Toned(ImageLayer):
    """What layers share that change each channel by itself.

    Attributes:
        value_range: Lowest and highest value that a pixel can have; what comes out stays within.
    """

    value_range: Pair = (0.0, 1.0)

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.value_range[0] >= self.value_range[1]:
            raise wrong_value(expected="two different numbers", cause="the range holds nothing", fix="write value_range: [0, 1]")
        return self

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 4 * elements(output)


@register("random_brightness")
class RandomBrightness(Toned):
    """Images lighter or darker in training: a share of the range is added to all values of an image.

    Attributes:
        factor: The share is drawn for each image from ``-factor`` to ``factor``, or from an interval; -1 is black, 1 is white.
        value_range: See `Toned`.

    Example:
        >>> RandomBrightness(0.2, value_range=(0, 255)).value_range
        (0.0, 255.0)
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    stochastic: ClassVar[bool] = True
    factor: Signed

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.2, value_range=_WIDE), _SHAPES[:1]), (cls((-0.5, -0.1)), _SHAPES[1:])]


@register("random_contrast")
class RandomContrast(Toned):
    """More or less contrast in training: ``(x - mean) * f + mean``, with the mean of each channel of each image.

    Attributes:
        factor: ``f`` is drawn for each image from ``1 - factor`` to ``1 + factor``; of two numbers the first says how far below 1
            it may be, the second how far above.
        value_range: See `Toned`.

    Example:
        >>> RandomContrast(0.3).factor
        0.3
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    stochastic: ClassVar[bool] = True
    factor: Limits

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.3, value_range=_WIDE), _SHAPES[:1]), (cls((0.9, 0.2), value_range=_WIDE), _SHAPES[1:])]


@register("random_invert")
class RandomInvert(Toned):
    """Some images turned into their negative in training: ``low + high - x``.

    Attributes:
        probability: With which an image is.
        value_range: See `Toned`.

    Example:
        >>> RandomInvert().probability
        0.5
    """

    positional: ClassVar[tuple[str, ...]] = ("probability",)
    stochastic: ClassVar[bool] = True
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), _SHAPES[:1]), (cls(0.3, value_range=_WIDE), _SHAPES[1:])]


@register("random_posterization")
class RandomPosterization(Toned):
    """Fewer tones in training: of the 8 bits of each value the first few are kept.

    A value becomes one of 256 levels, rounded down, and then the next lower multiple of ``2 ** (8 - bits)``. No gradient passes.

    Attributes:
        bits: How many bits are kept, from 1 to 8; of two numbers each whole number from the first to the second is equally likely.
        value_range: See `Toned`.

    Example:
        >>> RandomPosterization((3, 6)).bits
        (3, 6)
    """

    positional: ClassVar[tuple[str, ...]] = ("bits",)
    stochastic: ClassVar[bool] = True
    differentiable: ClassVar[bool] = False
    bits: Bits

    @property
    def random(self) -> bool:
        return isinstance(self.bits, tuple) and self.bits[0] < self.bits[1]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3, value_range=_WIDE), _SHAPES[:1]), (cls((1, 6), value_range=_WIDE), _SHAPES[1:])]


@register("solarization")
class Solarization(Toned):
    """Bright values turned into their negative in training: ``x`` becomes ``low + high - x`` where it is at or above a threshold.

    Attributes:
        addition: A share of the range that is added first; drawn for each image from 0 to ``addition``, or from an interval.
        threshold: The threshold as a share of the range, drawn alike; 0 makes all of the image its negative.
        value_range: See `Toned`.

    Example:
        >>> Solarization(threshold=(0.5, 0.5)).random
        False
    """

    stochastic: ClassVar[bool] = True
    addition: Part = 0.0
    threshold: Part = 0.0

    @property
    def random(self) -> bool:
        return any(value[0] < value[1] if isinstance(value, tuple) else value > 0 for value in (self.addition, self.threshold))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(value_range=_WIDE), _SHAPES[:1]),
            (cls(threshold=0.8, value_range=_WIDE), _SHAPES[1:]),
            (cls(addition=(0.1, 0.3), threshold=(0.5, 0.5), value_range=_WIDE), _SHAPES[:1]),
        ]


@register("auto_contrast")
class AutoContrast(Toned):
    """All tones used, in training and at prediction: each channel is stretched until it fills the range.

    ``low + (x - min) * (high - low) / (max - min)`` with the darkest and lightest value of the channel of each image. A channel of one
    value stays.

    Attributes:
        value_range: See `Toned`.

    Example:
        >>> AutoContrast().random
        False
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), _SHAPES[:1]), (cls(value_range=(0.0, 255.0)), _SHAPES[1:])]


@register("equalization")
class Equalization(Toned):
    """All tones about equally frequent, in training and at prediction: each channel is spread by its histogram.

    A level becomes ``(n(level) - n0) / (n - n0)`` of the range, in 255 equal steps, where ``n(level)`` counts the pixels at or below
    it, ``n0`` those of the darkest level there is, and ``n`` all. A channel of one level stays. No gradient passes.

    Attributes:
        bins: Levels that are told apart.
        value_range: See `Toned`.

    Example:
        >>> Equalization().bins
        256
    """

    differentiable: ClassVar[bool] = False
    bins: Annotated[int, Field(ge=2)] = 256

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(value_range=_WIDE), _SHAPES[:1]), (cls(bins=16), _SHAPES[1:])]


@register("clahe")
class Clahe(Toned):
    """Contrast limited adaptive histogram equalisation (Zuiderveld 1994), in training and at prediction.

    The image is cut into tiles (mirrored at its edges, if they don't come out even). Each tile is equalised by a histogram in which no
    level counts more than ``clip_limit`` times its fair share, what is above being spread over all; each pixel then gets a blend of
    what the four tiles around it make of it. No gradient passes.

    Attributes:
        clip_limit: How many times its fair share a level may count; 0 means no limit.
        tiles: How many there are from top to bottom and from left to right.
        value_range: See `Toned`.

    Example:
        >>> Clahe(tiles=(4, 8)).counts
        (4, 8)
    """

    positional: ClassVar[tuple[str, ...]] = ("clip_limit", "tiles")
    differentiable: ClassVar[bool] = False
    clip_limit: NonNegative = 4.0
    tiles: Size2 = 8

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles from top to bottom and from left to right."""
        return spread(self.tiles, 2)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        _, height, width = (size or 1 for size in inputs[0].dims)
        if height < self.counts[0] or width < self.counts[1]:
            raise self.refuse(
                "NN008",
                expected=f"at least {self.counts[0]} by {self.counts[1]} pixels, one for each tile",
                got=f"{inputs[0]}",
                cause="a tile without pixels has no histogram",
                fix=f"write tiles: [{min(height, self.counts[0])}, {min(width, self.counts[1])}], or fewer",
            )
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        wide = Image(channels=2, height=9, width=7)
        return [
            (cls(2.0, (2, 3), value_range=_WIDE), (wide,)),
            (cls(0, tiles=1, value_range=_WIDE), (wide,)),
            (cls(tiles=(3, 7)), (wide,)),
        ]
