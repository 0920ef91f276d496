"""What a step of an image's preparation is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from lamina.errors import DataError
from lamina.network.layers.image import Amount, Limits, Pair, Part, Share, Signed, ends
from lamina.spec import Description, registry

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]
"""``box`` is the mean of the pixels that are merged; the others' names are as everywhere. All but ``nearest`` merge all pixels of a
region when they make a picture smaller."""
Extent = tuple[int | None, int | None]
"""Height and width, as far as they are known before a picture is seen."""

_MODULES = {
    "choice": "sometimes one_of some_of pipeline",
    "colour": "grayscale random_grayscale convert_color adjust color_jitter invert posterize solarize auto_contrast equalize clahe",
    "filter": "blur random_blur noise random_compression cutout random_erasing",
    "geometry": "flip random_flip turn rotate random_rotation affine random_affine random_perspective warp",
    "joined": "largest_blob_crop mosaic",
    "policy": "rand_augment trivial_augment auto_augment",
    "size": "resize crop crop_or_pad pad random_crop random_resized_crop crop_share trim",
}
"""Which module describes which steps: it is loaded when one of them is named."""
registry.announce(
    "image_step", {word: f"lamina.data.images.steps.{module}" for module, words in _MODULES.items() for word in words.split()}
)


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_LEVEL = {"type": "number", "minimum": 0, "maximum": 255}
Colour = Annotated[
    Annotated[float, Field(ge=0, le=255)] | tuple[Annotated[float, Field(ge=0, le=255)], ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [_LEVEL, {"type": "array", "items": _LEVEL}]}),
]
"""From 0 to 255: one number for all channels, or one for each."""

Place = Annotated[
    tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]],
    BeforeValidator(_listed),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}),
]
"""Two whole numbers: from the top, from the left."""


class ImageStep(Description, family="image_step"):
    """Base of all steps between a decoded picture and an input.

    A step changes a `lamina.data.images.picture.Picture`: its pixels, and with them mask, boxes and points. What it draws comes from
    `lamina.data.images.draws.Draws`, which are a function of (seed, epoch, sample, step). Without draws, when a model is judged or asked,
    it does the same to every picture: a step that cuts out a part anywhere cuts it out of the middle, one that only varies leaves the
    picture as it is.

    Class attributes:
        varies: Whether it draws.
        colours: Whether it needs red, green and blue.
    """

    varies: ClassVar[bool] = False
    colours: ClassVar[bool] = False

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        """The changed picture; the given one stays as it is.

        Args:
            picture: The picture.
            draws: Its random numbers; None for a model that is judged or asked.
        """
        raise NotImplementedError(type(self).__name__)

    def size_after(self, size: Extent) -> Extent:
        """Height and width after it; None where they depend on the picture.

        Raises:
            DataError: DA138, if a picture of this size can't be changed so.
        """
        return size

    def channels_after(self, channels: int) -> int:
        """Channels after it.

        Raises:
            DataError: DA138, if it can do nothing with so many.
        """
        fill = getattr(self, "fill", None)
        if isinstance(fill, tuple) and len(fill) not in (1, channels) and (len(fill), channels) != (3, 4):
            raise misfit(
                self,
                expected=f"fill: one number, or one for each of {channels} channels",
                got=f"{len(fill)} numbers",
                cause="the pictures have other channels when they reach it",
                fix="write fill: 0, or as many numbers as there are channels",
            )
        if self.colours and channels < 3:
            raise misfit(
                self,
                expected="pictures with red, green and blue",
                got=f"{channels} channel{'s' if channels != 1 else ''}",
                cause="it works on colours",
                fix=f"read the images in colour (channels: 3), or remove {self.type_name}",
            )
        return channels

    def least(self, size: tuple[int, int], draws: Draws | None) -> tuple[float, float] | None:
        """Least height and width of the whole picture that it needs, so that a decoder may make it smaller; None for all pixels."""
        return None

    @property
    def joins(self) -> bool:
        """Whether it joins several pictures, so that a label of one is none of the whole."""
        return False

    @property
    def stays_in_place(self) -> bool:
        """Whether size and channels are always those it was given."""
        try:
            return self.size_after((50, 70)) == (50, 70) and self.channels_after(3) == 3
        except DataError:
            return False


def misfit(step: ImageStep, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """A step that can't stand where it stands."""
    return DataError("DA138", where=f"the step {step.type_name}", expected=expected, got=got, cause=cause, fix=fix)


def paint_of(fill: Any, picture: Picture) -> np.ndarray:
    """What a setting from 0 to 255 means for the pixels of a picture: a value for each channel; three colours are opaque."""
    import numpy as np

    values = np.asarray(fill, dtype=np.float64).reshape(-1)
    if len(values) == 3 and picture.channels == 4:
        values = np.append(values, 255.0)
    found: np.ndarray = np.broadcast_to(np.rint(values * (picture.highest / 255)), (picture.channels,)).astype(picture.pixels.dtype)
    return found


MOST_PIXELS = 1 << 26
"""Pixels that a step may make of a picture."""


def outline(steps: Sequence[ImageStep], size: Extent, channels: int) -> tuple[Extent, int]:
    """Size and channels after several steps.

    Raises:
        DataError: DA138.
    """
    for step in steps:
        size, channels = step.size_after(size), step.channels_after(channels)
        height, width = size
        if height is not None and width is not None and height * width > MOST_PIXELS:
            raise too_large(height, width, f"the step {step.type_name}")
    return size, channels


def too_large(height: int, width: int, where: str = "a step that changes the size") -> DataError:
    """DA138: a step that makes pictures which don't go into memory."""
    return DataError(
        "DA138",
        where=where,
        expected=f"pictures of at most {MOST_PIXELS:,} pixels",
        got=f"{height:,} by {width:,}",
        cause="each picture of a batch is in memory as a whole",
        fix="write a smaller size; networks take some hundred pixels in height and width",
    )


def run(steps: Sequence[ImageStep], picture: Picture, draws: Draws | None, first: int = 0) -> Picture:
    """A picture after several steps, each with draws of its own.

    Args:
        steps: In their order.
        picture: The picture.
        draws: Of the sample.
        first: Number of the first step among all steps of the sample.
    """
    for place, step in enumerate(steps, first):
        picture = step.apply(picture, None if draws is None else draws.child(place))
    return picture


__all__ = [
    "Amount",
    "Colour",
    "Extent",
    "ImageStep",
    "Interpolation",
    "Limits",
    "Pair",
    "Part",
    "Place",
    "Share",
    "Signed",
    "ends",
    "misfit",
    "outline",
    "run",
]
