"""Colours: grey, standardised, or varied at random in training."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.image import ImageLayer, Limits, Pair, Part, RandomImageLayer, Share, Signed, check_colours
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

_COLOURED = Image(channels=3, height=4, width=3)
_WIDE = (-4.0, 4.0)

PRESETS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "vgg16": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and deviation of red, green and blue that well-known networks were trained with."""


@register("grayscale")
class Grayscale(ImageLayer):
    """One channel of how bright each pixel seems: ``0.299 * red + 0.587 * green + 0.114 * blue``.

    Input: ``[batch, 3, height, width]``. Output: ``[batch, 1, height, width]``, or as many equal channels as asked for.

    Attributes:
        channels: 1, or 3 for layers that expect colours.

    Example:
        >>> from lamina.shapes import image
        >>> str(Grayscale().infer((image(3, 32, 32),)))
        '[batch, 1, 32, 32]'
    """

    positional: ClassVar[tuple[str, ...]] = ("channels",)
    channels: Literal[1, 3] = 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        check_colours(self, inputs[0])
        return inputs[0].replace(channels=self.channels)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 6 * elements(output) // self.channels

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (_COLOURED,)), (cls(3), (_COLOURED,))]


@register("image_standardize")
class ImageStandardize(ImageLayer):
    """``(x - mean) / std``, channel by channel, with fixed numbers that are part of the description.

    For numbers found in the data use the normaliser ``standardize``.

    Attributes:
        mean: Of each channel, or one number in brackets for all.
        std: Of each channel, or one for all.
        preset: In place of both. ``vgg16``: ``[123.68, 116.779, 103.939]`` are subtracted from red, green and blue from 0 to 255,
            as VGG16's authors and Deeplearning4j's VGG16ImagePreProcessor do. ``imagenet``: the mean
            ``[0.485, 0.456, 0.406]`` and deviation ``[0.229, 0.224, 0.225]`` of colours from 0 to 1.

    Example:
        >>> ImageStandardize(preset="vgg16").numbers
        ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
    """

    positional: ClassVar[tuple[str, ...]] = ("mean", "std")
    mean: listed(float) = (0.0,)  # type: ignore[valid-type]
    std: listed(float) = (1.0,)  # type: ignore[valid-type]
    preset: Literal["vgg16", "imagenet"] | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        mean, std = self.numbers
        if not mean or not std or min(std) <= 0:
            raise wrong_value(
                expected="a mean, and a std above 0",
                cause="values are divided by the standard deviation",
                fix="give std: [1.0], or leave it out, to subtract the mean alone",
            )
        if self.preset is not None and (self.mean != (0.0,) or self.std != (1.0,)):
            raise wrong_value(
                expected="either preset, or mean and std",
                cause="the preset says both numbers",
                fix="remove preset, or mean and std",
            )
        return self

    @property
    def numbers(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation."""
        return PRESETS[self.preset] if self.preset is not None else (self.mean, self.std)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = inputs[0].dims[0]
        for what, numbers in zip(("mean", "std"), self.numbers, strict=True):
            if len(numbers) not in (1, channels):
                raise self.refuse(
                    "NN008",
                    expected=f"a {what} for each of {len(numbers)} channels",
                    got=f"{inputs[0]}, {channels} channels",
                    cause="the numbers were made for images of other channels",
                    fix=f"give {channels} numbers, or one in brackets for all",
                )
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]), (_COLOURED,)),
            (cls([0.5]), (Image(channels=1, height=3, width=4),)),
            (cls(preset="imagenet"), (_COLOURED,)),
        ]


class RandomColours(RandomImageLayer):
    """What layers share that vary colours.

    Attributes:
        value_range: Lowest and highest value that a pixel can have; what comes out stays within.
    """

    value_range: Pair = (0.0, 1.0)

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.value_range[0] >= self.value_range[1]:
            raise wrong_value(expected="two different numbers", cause="the range holds nothing", fix="write value_range: [0, 1]")
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        check_colours(self, inputs[0])
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 20 * elements(output)  # To hue, saturation and value, and back.


@register("random_saturation")
class RandomSaturation(RandomColours):
    """Colours stronger or weaker in training: saturation is multiplied by ``f / (1 - f)``.

    Attributes:
        factor: ``f`` is drawn for each image from 0 to ``factor``, or from an interval. 0 is grey, 0.5 leaves colours as they are,
            1 makes them as strong as can be.
        value_range: See `RandomColours`.

    Example:
        >>> RandomSaturation((0.4, 0.6)).value_range
        (0.0, 1.0)
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    factor: Part

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.8, value_range=_WIDE), (_COLOURED,)), (cls((0.4, 0.9)), (_COLOURED,))]


@register("random_hue")
class RandomHue(RandomColours):
    """Colours moved along the circle of hues in training, by half of ``f`` of a full turn in either direction.

    Attributes:
        factor: ``f`` is drawn for each image from 0 to ``factor``, or from an interval.
        value_range: See `RandomColours`.

    Example:
        >>> RandomHue(0.1).factor
        0.1
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    factor: Part

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.5, value_range=_WIDE), (_COLOURED,)), (cls((0.1, 1.0)), (_COLOURED,))]


@register("random_color_degeneration")
class RandomColorDegeneration(RandomColours):
    """Colours paler in training: a blend of the image and its grey self, ``x + f * (grey - x)``.

    Attributes:
        factor: ``f`` is drawn for each image from 0 to ``factor``, or from an interval; 1 is grey.
        value_range: See `RandomColours`.

    Example:
        >>> RandomColorDegeneration(0.5).factor
        0.5
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    factor: Part

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.5, value_range=_WIDE), (_COLOURED,)), (cls((0.5, 1.0)), (_COLOURED,))]


@register("random_grayscale")
class RandomGrayscale(RandomImageLayer):
    """Some images without colours in training; they keep three channels, all equal.

    Attributes:
        probability: With which an image loses its colours.

    Example:
        >>> RandomGrayscale(0.2).probability
        0.2
    """

    positional: ClassVar[tuple[str, ...]] = ("probability",)
    probability: Share = 0.5

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        check_colours(self, inputs[0])
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (_COLOURED,)), (cls(0.3), (_COLOURED,))]


@register("random_color_jitter")
class RandomColorJitter(RandomColours):
    """Brightness, contrast, saturation and hue varied in training, in this order; each is left alone unless set.

    Attributes:
        brightness: See `random_brightness`.
        contrast: See `random_contrast`.
        saturation: See `random_saturation`.
        hue: See `random_hue`.
        value_range: See `RandomColours`.

    Example:
        >>> RandomColorJitter(brightness=0.2, hue=0.1).contrast is None
        True
    """

    brightness: Signed | None = None
    contrast: Limits | None = None
    saturation: Part | None = None
    hue: Part | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.brightness is None and self.contrast is None and self.saturation is None and self.hue is None:
            raise wrong_value(
                expected="at least one of brightness, contrast, saturation and hue",
                cause="the layer would do nothing",
                fix="write brightness: 0.2, or remove the layer",
            )
        return self

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(brightness=0.2, contrast=0.3, saturation=(0.4, 0.6), hue=0.1, value_range=_WIDE), (_COLOURED,)),
            (cls(contrast=0.5, value_range=_WIDE), (_COLOURED,)),
        ]
