"""Images of another size: resized, or cut."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.image import ImageLayer
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count

_TAPS = {"nearest": 0, "area": 4, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}
"""How many pixels each new one is made of, where the image grows."""


class Sized(ImageLayer):
    """What layers share that give images of a certain size.

    Attributes:
        height: Of the images that come out.
        width: Of the images that come out.
    """

    positional: ClassVar[tuple[str, ...]] = ("height", "width")
    height: Count
    width: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0].replace(height=self.height, width=self.width)

    def window(self, shape: Shape) -> tuple[int, int]:
        """Height and width of the largest part of an image that has the proportions of what comes out."""
        _, height, width = (size or 1 for size in shape.dims)
        return (
            max(1, min(height, width * self.height // self.width)),
            max(1, min(width, height * self.width // self.height)),
        )


@register("resizing")
class Resizing(Sized):
    """Images of another size, made of the pixels around each place; pixels are the middles of equally large cells.

    Input: ``[batch, channels, any, any]``. Output: ``[batch, channels, height, width]``. As Keras's ``Resizing``, and the same in
    training and at prediction.

    Attributes:
        height: Of the images that come out.
        width: Of the images that come out.
        interpolation: ``bilinear``, ``nearest``, ``bicubic`` (Keys, a = -0.75; -0.5 with ``antialias``), ``lanczos3``,
            ``lanczos5``, or ``area``: the mean of the cell that a new pixel covers.
        antialias: When images shrink, look at all pixels that a new one covers; not with ``nearest`` and ``area``.
        crop_to_aspect_ratio: First cut the largest part out of the middle that has the new proportions.
        pad_to_aspect_ratio: First add to the short side, evenly on both ends, what lacks to the new proportions.
        fill_value: What is added.

    Example:
        >>> from lamina.shapes import image
        >>> str(Resizing(32, 48).infer((image(3, 100, 80),)))
        '[batch, 3, 32, 48]'
    """

    interpolation: Literal["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"] = "bilinear"
    antialias: bool = False
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    fill_value: float = 0.0

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise wrong_value(
                expected="one of crop_to_aspect_ratio and pad_to_aspect_ratio",
                cause="an image is either cut or added to until it has the proportions",
                fix="remove one of the two",
            )
        if self.antialias and self.interpolation in ("nearest", "area"):
            raise wrong_value(
                expected=f"no antialias beside interpolation: {self.interpolation}",
                cause="nearest takes single pixels, and area looks at all of them anyway",
                fix="remove antialias, or choose bilinear or bicubic",
            )
        return self

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * _TAPS[self.interpolation] * elements(output)

    def frame(self, shape: Shape) -> tuple[int, int]:
        """Height and width of the smallest frame of the new proportions that holds an image whole."""
        _, height, width = (size or 1 for size in shape.dims)
        return max(height, width * self.height // self.width), max(width, height * self.width // self.height)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=7, width=5)
        return [
            (cls(4, 6), (shape,)),
            (cls(3, 2, interpolation="nearest"), (shape,)),
            (cls(9, 8, interpolation="bicubic"), (shape,)),
            (cls(3, 3, interpolation="bicubic", antialias=True), (shape,)),
            (cls(3, 2, interpolation="bilinear", antialias=True), (shape,)),
            (cls(3, 4, interpolation="area"), (shape,)),
            (cls(5, 6, interpolation="lanczos3"), (shape,)),
            (cls(3, 2, interpolation="lanczos5", antialias=True), (shape,)),
            (cls(4, 4, crop_to_aspect_ratio=True), (shape,)),
            (cls(4, 8, pad_to_aspect_ratio=True, fill_value=0.5), (shape,)),
        ]


@register("center_crop")
class CenterCrop(Sized):
    """The middle of images: ``[batch, channels, any, any]`` to ``[batch, channels, height, width]``.

    Where more is to be cut off below and to the right than above and to the left, it is one pixel. Of an image that is too small
    the largest part with the right proportions is taken and enlarged (bilinear), as in Keras.

    Attributes:
        height: Of what is kept.
        width: Of what is kept.

    Example:
        >>> from lamina.shapes import image
        >>> str(CenterCrop(24, 24).infer((image(3, 32, 30),)))
        '[batch, 3, 24, 24]'
    """

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=7, width=5)
        return [(cls(4, 2), (shape,)), (cls(7, 5), (shape,)), (cls(3, 6), (shape,)), (cls(9, 4), (shape,))]


@register("random_crop")
class RandomCrop(Sized):
    """A part of each image, in training from a random place, at prediction from the middle.

    Every place is equally likely, for each image by itself. Images that are too small are treated as by `CenterCrop`.

    Attributes:
        height: Of what is kept.
        width: Of what is kept.

    Example:
        >>> from lamina.shapes import image
        >>> str(RandomCrop(24, 24).infer((image(3, 32, 32),)))
        '[batch, 3, 24, 24]'
    """

    stochastic: ClassVar[bool] = True

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3, 2), (Image(channels=2, height=9, width=8),)), (cls(4, 4), (Image(channels=1, height=8, width=4),))]
