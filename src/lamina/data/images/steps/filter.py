"""Steps that look at neighbours, or destroy something: blurred, noisy, with holes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.data.images.step import Colour, ImageStep, Share, paint_of
from lamina.network.layers.image import Amount, Pair, Part, ends
from lamina.spec import register
from lamina.spec.fields import Count, Size2, spread

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture


@register("blur")
class Blur(ImageStep):
    """Under a Gaussian; mirrored at the edges.

    Attributes:
        deviation: In pixels.
    """

    positional: ClassVar[tuple[str, ...]] = ("deviation",)
    deviation: Annotated[float, Field(gt=0, le=100)]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(1.5)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import blurred

        return picture.painted(blurred(picture.pixels, self.deviation))


@register("random_blur")
class AnyBlur(ImageStep):
    """Under a Gaussian of any width, in training.

    Attributes:
        deviation: Smallest and largest, in pixels.
        probability: Of any blur.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("deviation",)
    deviation: Amount = (0.1, 2.0)
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(3.0, probability=1.0)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import blurred

        if draws is None or not draws.chance(self.probability):
            return picture
        return picture.painted(blurred(picture.pixels, draws.between(*ends(self.deviation))))


@register("noise")
class Noise(ImageStep):
    """Noise in training.

    Attributes:
        kind: ``gaussian``: added to each value; ``speckle``: each value times ``1 + noise``; ``salt_and_pepper``: some pixels white, as
            many black.
        amount: Deviation as a share of the range (``gaussian``), of the value (``speckle``), or share of the pixels
            (``salt_and_pepper``); one number is where it is drawn from 0 up to, two are the ends.
        probability: Of any noise.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("kind", "amount")
    kind: Literal["gaussian", "speckle", "salt_and_pepper"] = "gaussian"
    amount: Part = 0.05
    probability: Share = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("speckle", (0.1, 0.2)), cls("salt_and_pepper", 0.1, probability=0.5)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        import numpy as np

        from lamina.data.images.tones import opaque, whole_numbers

        if draws is None or not draws.chance(self.probability):
            return picture
        amount, top, source = draws.between(*ends(self.amount)), picture.highest, draws

        def noisy(pixels: np.ndarray) -> np.ndarray:
            if self.kind == "salt_and_pepper":
                marks = source.numbers(pixels.shape[:2])[..., None]
                return np.where(marks < amount / 2, 0, np.where(marks < amount, top, pixels)).astype(pixels.dtype)
            noise = source.normals(pixels.shape) * amount
            return whole_numbers(pixels + noise * top if self.kind == "gaussian" else pixels * (1 + noise), pixels.dtype)

        return picture.painted(opaque(noisy)(picture.pixels))


@register("random_compression")
class AnyCompression(ImageStep):
    """Stored as a JPEG and read again, in training: with the traces that photos from the web have.

    Attributes:
        quality: Lowest and highest, from 1 to 100.
        probability: Of any compression.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("quality",)
    quality: Pair = (30.0, 95.0)
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls((10.0, 20.0), probability=1.0)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        from lamina.data.images.tones import opaque

        if draws is None or not draws.chance(self.probability):
            return picture
        quality = min(100, max(1, round(draws.between(*self.quality))))
        return picture.painted(opaque(lambda pixels: _compressed(pixels, quality))(picture.pixels))


def _compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    import io

    import numpy as np
    from PIL import Image

    # A JPEG has eight bits.
    small = pixels if pixels.dtype == np.uint8 else (pixels // 257).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(small[..., 0] if small.shape[2] == 1 else np.ascontiguousarray(small)).save(file, "JPEG", quality=quality)
    found = np.array(Image.open(file)).reshape(small.shape)
    return found if pixels.dtype == np.uint8 else found.astype(np.uint16) * np.uint16(257)


@register("cutout")
class Cutout(ImageStep):
    """Squares or boxes of one size painted over, in training (DeVries and Taylor 2017); their middles lie anywhere in the picture.

    Masks, boxes and points stay: what is hidden is still there.

    Attributes:
        size: Height and width of each.
        count: How many.
        fill: What they are painted with.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("size", "count")
    size: Size2
    count: Count = 1
    fill: Colour = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(8), cls((4, 10), 3, fill=[255, 0, 0])]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        pixels, (height, width) = picture.pixels.copy(), spread(self.size, 2)
        for _ in range(self.count):
            top, left = draws.below(pixels.shape[0]) - height // 2, draws.below(pixels.shape[1]) - width // 2
            _paint(pixels, (top, left, height, width), paint_of(self.fill, picture))
        return picture.painted(pixels)


@register("random_erasing")
class Erase(ImageStep):
    """A box of any size painted over, in training (Zhong et al. 2017). Masks, boxes and points stay.

    Attributes:
        area: Smallest and largest share of the picture.
        ratio: Smallest and largest height for a width of 1; low and wide ones are equally likely.
        fill: What it is painted with: a colour, or ``noise``.
        probability: Of any box.
    """

    varies: ClassVar[bool] = True
    area: Part = (0.02, 1 / 3)
    ratio: Pair = (0.3, 3.3)
    fill: Literal["noise"] | Colour = "noise"
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(area=(0.1, 0.2), fill=0.0, probability=1.0)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or not draws.chance(self.probability):
            return picture
        height, width = picture.size
        for _ in range(10):
            room, ratio = height * width * draws.between(*ends(self.area)), draws.log_between(*self.ratio)
            own_height, own_width = round(math.sqrt(room * ratio)), round(math.sqrt(room / ratio))
            if 0 < own_height <= height and 0 < own_width <= width:
                pixels = picture.pixels.copy()
                region = draws.below(height - own_height + 1), draws.below(width - own_width + 1), own_height, own_width
                import numpy as np

                noise = draws.numbers((own_height, own_width, picture.channels)) * picture.highest
                _paint(pixels, region, np.rint(noise) if isinstance(self.fill, str) else paint_of(self.fill, picture))
                return picture.painted(pixels)
        return picture


def _paint(pixels: np.ndarray, region: tuple[int, int, int, int], fill: np.ndarray) -> None:
    """A box, as far as it lies within the picture; opacity too, for what is painted can be seen."""
    start, left, height, width = region
    part = pixels[max(0, start) : max(0, start + height), max(0, left) : max(0, left + width)]
    part[...] = fill
