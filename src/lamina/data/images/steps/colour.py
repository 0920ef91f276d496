"""Steps that change colours and tones, the same for every picture or varied in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.data.images.step import ImageStep, Share
from lamina.network.layers.image import Limits
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive, Size2, spread

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture

Space = Literal["bgr", "hsv", "ycbcr", "lab"]


@register("grayscale")
class Grey(ImageStep):
    """How bright each pixel seems: ``0.299 * red + 0.587 * green + 0.114 * blue``.

    Attributes:
        channels: 1, or 3 equal ones.
    """

    colours: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("channels",)
    channels: Literal[1, 3] = 1

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(3)]

    def channels_after(self, channels: int) -> int:
        super().channels_after(channels)
        return self.channels

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        return picture.painted(_grey(picture.pixels, self.channels))


@register("random_grayscale")
class AnyGrey(ImageStep):
    """Without colours or as it is, in training; the channels stay three.

    Attributes:
        probability: Of losing the colours.
    """

    varies: ClassVar[bool] = True
    colours: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("probability",)
    probability: Share = 0.1

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(0.5)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import saturated

        return picture.painted(saturated(picture.pixels, 0.0)) if draws is not None and draws.chance(self.probability) else picture


@register("convert_color")
class Convert(ImageStep):
    """Colours in other coordinates; see `lamina.data.images.spaces.converted`.

    Attributes:
        to: ``bgr``, ``hsv``, ``ycbcr`` or ``lab``.
    """

    colours: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("to",)
    to: Space

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(to) for to in ("bgr", "hsv", "ycbcr", "lab")]

    def channels_after(self, channels: int) -> int:
        super().channels_after(channels)
        return 3

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.spaces import converted

        return picture.painted(converted(picture.pixels[..., :3], self.to))


@register("adjust")
class Adjust(ImageStep):
    """Brightness, contrast, saturation, hue, gamma and sharpness, in this order; 1 leaves each as it is (hue: 0).

    Attributes:
        brightness: All values times this.
        contrast: 0 is one grey, 2 twice as far from the mean.
        saturation: 0 is grey, 2 twice as far from it.
        hue: Share of the circle of hues that colours move.
        gamma: Power of values from 0 to 1.
        sharpness: 0 is smooth, 2 sharper.
    """

    brightness: NonNegative = 1.0
    contrast: NonNegative = 1.0
    saturation: NonNegative = 1.0
    hue: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.0
    gamma: Positive = 1.0
    sharpness: NonNegative = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(brightness=1.2, contrast=0.8, saturation=1.5, hue=0.1, gamma=0.9, sharpness=2.0), cls(contrast=2.0)]

    def channels_after(self, channels: int) -> int:
        return _colours(self, channels, needed=self.saturation != 1 or self.hue != 0)

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        pixels = adjusted(picture.pixels, self.brightness, self.contrast, self.saturation, self.hue)
        from lamina.data.images.tones import gamma_corrected, sharpened

        pixels = gamma_corrected(pixels, self.gamma) if self.gamma != 1 else pixels
        return picture.painted(sharpened(pixels, self.sharpness) if self.sharpness != 1 else pixels)


@register("color_jitter")
class Jitter(ImageStep):
    """Brightness, contrast, saturation and hue varied in training, in any order; each is left alone unless set.

    Attributes:
        brightness: How far from 1 the factor may be: one number, or how far below and how far above.
        contrast: As brightness.
        saturation: As brightness.
        hue: Most that colours move around the circle of hues, as a share of it; up to 0.5.
        probability: Of any change.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("brightness", "contrast", "saturation", "hue")
    brightness: Limits = 0.0
    contrast: Limits = 0.0
    saturation: Limits = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    probability: Share = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(0.4, 0.4, 0.4, 0.1), cls(contrast=(0.5, 0.1)), cls(brightness=0.3, probability=0.5)]

    def channels_after(self, channels: int) -> int:
        return _colours(self, channels, needed=self.saturation != 0 or self.hue != 0)

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or not draws.chance(self.probability):
            return picture
        factors = [draws.between(1 - low, 1 + high) for low, high in map(_both, (self.brightness, self.contrast, self.saturation))]
        hue = draws.between(-self.hue, self.hue)
        pixels = picture.pixels
        for turn in draws.order(4):
            first, second, third = (factors[place] if place == turn else 1.0 for place in range(3))
            pixels = adjusted(pixels, first, second, third, hue if turn == 3 else 0.0)
        return picture.painted(pixels)


@register("invert")
class Invert(ImageStep):
    """The negative."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import inverted

        return picture.painted(inverted(picture.pixels))


@register("posterize")
class Posterize(ImageStep):
    """The first bits of each value alone.

    Attributes:
        bits: How many.
    """

    positional: ClassVar[tuple[str, ...]] = ("bits",)
    bits: Annotated[int, Field(ge=1, le=8)] = 4

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(1)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import posterized

        return picture.painted(posterized(picture.pixels, self.bits))


@register("solarize")
class Solarize(ImageStep):
    """The negative of the light parts.

    Attributes:
        threshold: Values at or above it are inverted; from 0 to 255.
    """

    positional: ClassVar[tuple[str, ...]] = ("threshold",)
    threshold: Annotated[float, Field(ge=0, le=256)] = 128.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(0.0)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import solarized

        return picture.painted(solarized(picture.pixels, self.threshold))


@register("auto_contrast")
class Stretch(ImageStep):
    """Each channel stretched over the whole range.

    Attributes:
        cutoff: Share of the darkest and of the lightest pixels that don't count.
    """

    positional: ClassVar[tuple[str, ...]] = ("cutoff",)
    cutoff: Annotated[float, Field(ge=0, lt=0.5)] = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(0.02)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import stretched

        return picture.painted(stretched(picture.pixels, self.cutoff))


@register("equalize")
class Equalize(ImageStep):
    """Levels spread so that all are about equally frequent (histogram equalisation).

    Attributes:
        of: ``channels``: each for itself, which changes colours; ``brightness``: how bright pixels seem, colours stay.
    """

    positional: ClassVar[tuple[str, ...]] = ("of",)
    of: Literal["channels", "brightness"] = "channels"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("brightness")]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import equalized

        return picture.painted(equalized(picture.pixels, brightness=self.of == "brightness"))


@register("clahe")
class Clahe(ImageStep):
    """Each part of the picture equalised for itself, within limits (CLAHE, Zuiderveld 1994).

    Attributes:
        limit: How many times its fair share a level may count; 0: no limit.
        tiles: Parts down and across; one number is both.
    """

    positional: ClassVar[tuple[str, ...]] = ("limit", "tiles")
    limit: NonNegative = 4.0
    tiles: Size2 = 8

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(2.0, (2, 3))]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import locally_equalized

        down, across = spread(self.tiles, 2)
        return picture.painted(locally_equalized(picture.pixels, self.limit, (down, across)))


def adjusted(pixels: np.ndarray, brightness: float, contrast: float, saturation: float, hue: float) -> np.ndarray:
    """Changed in this order by what isn't neutral."""
    from lamina.data.images import tones

    pixels = pixels if brightness == 1 else tones.brightened(pixels, brightness)
    pixels = pixels if contrast == 1 else tones.contrasted(pixels, contrast)
    pixels = pixels if saturation == 1 else tones.saturated(pixels, saturation)
    return pixels if hue == 0 else tones.hue_turned(pixels, hue)


def _grey(pixels: np.ndarray, channels: int) -> np.ndarray:
    import numpy as np

    from lamina.data.images.tones import grey, whole_numbers

    return np.repeat(whole_numbers(grey(pixels), pixels.dtype)[..., None], channels, axis=2)


def _both(value: Any) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def _colours(step: ImageStep, channels: int, *, needed: bool) -> int:
    from lamina.data.images.step import misfit

    if needed and channels < 3:
        raise misfit(
            step,
            expected="pictures with red, green and blue",
            got=f"{channels} channel",
            cause="saturation and hue are of colours",
            fix="read the images in colour (channels: 3), or leave saturation and hue out",
        )
    return channels
