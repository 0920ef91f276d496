"""Steps that give a picture another size: made smaller or larger, cut, bordered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.images.step import Colour, Extent, ImageStep, Interpolation, Pair, Place, Share, misfit, paint_of
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size2, listed, spread

if TYPE_CHECKING:
    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture

Sides = listed(Annotated[int, Field(ge=0)])


@register("resize")
class Resize(ImageStep):
    """Another size.

    Attributes:
        size: Height and width; one number is both, or, for ``short_side`` and ``long_side``, the length of that side.
        mode: ``stretch``: to exactly this size, proportions change. ``cover``: proportions stay, what stands out is cut off on both sides.
            ``fit``: proportions stay, the rest is filled up on both sides. ``short_side``, ``long_side``: proportions stay, so that this
            side has the given length; the other one follows, and pictures still differ in it.
        interpolation: How values between pixels are found; ``box`` is the mean of those that are merged. Masks take the nearest.
        fill: What the rest is filled up with (``fit``).
    """

    positional: ClassVar[tuple[str, ...]] = ("size", "mode")
    size: Size2
    mode: Literal["stretch", "cover", "fit", "short_side", "long_side"] = "stretch"
    interpolation: Interpolation = "bilinear"
    fill: Colour = 0.0

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if self.mode in ("short_side", "long_side") and not isinstance(self.size, int):
            raise wrong_value(
                expected="one number, the length of that side",
                cause=f"{self.mode} sets one side, and the other one follows",
                fix="write size: 256, or mode: cover for a height and a width",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        modes: list[Any] = [cls((20, 30), mode=mode) for mode in ("stretch", "cover", "fit")]
        return [*modes, cls(24, mode="short_side", interpolation="bicubic"), cls(24, mode="long_side", interpolation="nearest")]

    def size_after(self, size: Extent) -> Extent:
        if self.mode in ("short_side", "long_side"):
            height, width = size
            return (None, None) if height is None or width is None else self._side((height, width))
        height, width = spread(self.size, 2)
        return height, width

    def _side(self, size: tuple[int, int]) -> tuple[int, int]:
        scale = self.size / (min if self.mode == "short_side" else max)(size)  # type: ignore[operator]
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def least(self, size: tuple[int, int], draws: Draws | None) -> tuple[float, float]:
        height, width = self._side(size) if self.mode in ("short_side", "long_side") else spread(self.size, 2)
        scale = (min if self.mode == "fit" else max)(height / size[0], width / size[1])
        return size[0] * scale, size[1] * scale

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if self.mode in ("short_side", "long_side"):
            return picture.resized(self._side(picture.size), self.interpolation)
        height, width = spread(self.size, 2)
        own_height, own_width = picture.size
        if self.mode == "stretch":
            return picture.resized((height, width), self.interpolation)
        if self.mode == "cover":
            scale = max(height / own_height, width / own_width)
            part = min(own_height, max(1, round(height / scale))), min(own_width, max(1, round(width / scale)))
            return middle(picture, part).resized((height, width), self.interpolation)
        scale = min(height / own_height, width / own_width)
        inner = min(height, max(1, round(own_height * scale))), min(width, max(1, round(own_width * scale)))
        return around(picture.resized(inner, self.interpolation), (height, width), self.fill)


@register("crop")
class Crop(ImageStep):
    """A part of the picture.

    Attributes:
        size: Height and width of the part.
        at: Where its upper left corner lies, from the top and from the left; None: the middle.
    """

    positional: ClassVar[tuple[str, ...]] = ("size", "at")
    size: Size2
    at: Place | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls((20, 30)), cls(16, at=(2, 3))]

    def size_after(self, size: Extent) -> Extent:
        height, width = spread(self.size, 2)
        top, left = self.at or (0, 0)
        fits(self, size, (top + height, left + width))
        return height, width

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        height, width = spread(self.size, 2)
        self.size_after(picture.size)
        return middle(picture, (height, width)) if self.at is None else picture.cropped(*self.at, height, width)


@register("crop_or_pad")
class CropOrPad(ImageStep):
    """Cut or bordered around the middle, so that no pixel changes (DataVec's BoxImageTransform).

    Attributes:
        size: Height and width.
        fill: Of the border.
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    size: Size2
    fill: Colour = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls((20, 90)), cls(24, fill=[1, 2, 3])]

    def size_after(self, size: Extent) -> Extent:
        height, width = spread(self.size, 2)
        return height, width

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        height, width = spread(self.size, 2)
        return around(middle(picture, (min(height, picture.size[0]), min(width, picture.size[1]))), (height, width), self.fill)


class Sided(ImageStep):
    """Base of steps that do something at the edges.

    Attributes:
        sides: Pixels at the top, right, bottom and left; one number for all, two for top and bottom, and left and right.
    """

    positional: ClassVar[tuple[str, ...]] = ("sides",)
    sides: Sides  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _as_sides(self) -> Self:
        if len(self.sides) not in (1, 2, 4):
            raise wrong_value(
                expected="1, 2 or 4 numbers", cause="a picture has four sides", fix="write sides: [TOP, RIGHT, BOTTOM, LEFT], or [ALL]"
            )
        return self

    @property
    def four(self) -> tuple[int, int, int, int]:
        """Top, right, bottom, left."""
        top, right, bottom, left = {1: self.sides * 4, 2: self.sides * 2, 4: self.sides}[len(self.sides)]
        return top, right, bottom, left


@register("pad")
class Border(Sided):
    """A border.

    Attributes:
        sides: Pixels at the top, right, bottom and left; one number for all, two for top and bottom, and left and right.
        mode: ``constant``: of one colour; ``edge``: the last pixels go on; ``reflect``: as in a mirror.
        fill: The colour.
    """

    mode: Literal["constant", "edge", "reflect"] = "constant"
    fill: Colour = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([1, 2, 3, 4], fill=128), cls([2], mode="edge"), cls([3, 2], mode="reflect")]

    def size_after(self, size: Extent) -> Extent:
        top, right, bottom, left = self.four
        height, width = size
        return None if height is None else height + top + bottom, None if width is None else width + left + right

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        return picture.padded(self.four, paint_of(self.fill, picture), mode=self.mode)


@register("trim")
class Trim(Sided):
    """Without its outermost pixels.

    Attributes:
        sides: How many are cut off at the top, right, bottom and left; one number for all, two for top and bottom, and left and right.
    """

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([1, 2, 3, 4]), cls([5])]

    def size_after(self, size: Extent) -> Extent:
        top, right, bottom, left = self.four
        fits(self, size, (top + bottom + 1, left + right + 1))
        height, width = size
        return None if height is None else height - top - bottom, None if width is None else width - left - right

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        top, _, _, left = self.four
        height, width = self.size_after(picture.size)
        return picture.cropped(top, left, height or 0, width or 0)


@register("random_crop")
class AnyCrop(ImageStep):
    """A part of the picture from anywhere; from the middle, when a model is judged or asked.

    Attributes:
        size: Height and width of the part.
        padding: Pixels of border that are put around the picture first, in training only.
        fill: Of the border.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("size", "padding")
    size: Size2
    padding: Annotated[int, Field(ge=0)] = 0
    fill: Colour = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls((20, 30)), cls(24, padding=4)]

    def size_after(self, size: Extent) -> Extent:
        height, width = spread(self.size, 2)
        fits(self, size, (height, width))
        return height, width

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        height, width = spread(self.size, 2)
        self.size_after(picture.size)
        if draws is None:
            return middle(picture, (height, width))
        if self.padding:
            picture = picture.padded([self.padding] * 4, paint_of(self.fill, picture))
        top, left = draws.below(picture.size[0] - height + 1), draws.below(picture.size[1] - width + 1)
        return picture.cropped(top, left, height, width)


@register("random_resized_crop")
class AnyPart(ImageStep):
    """A part of any size from anywhere, brought to one size (Szegedy et al. 2015), as networks for ImageNet are trained.

    When a model is judged or asked, it is the middle: as large as it can be with the proportions of ``size``, then ``middle`` of that.

    Attributes:
        size: Height and width.
        area: Smallest and largest share of the picture's area.
        ratio: Smallest and largest width for a height of 1; narrow and wide ones are equally likely.
        middle: Share of each side that is looked at when a model is judged or asked; 0.875 is 224 of 256.
        interpolation: How values between pixels are found; ``box`` is the mean of those that are merged. Masks take the nearest.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("size",)
    size: Size2
    area: Pair = (0.08, 1.0)
    ratio: Pair = (0.75, 4 / 3)
    middle: Annotated[float, Field(gt=0, le=1)] = 0.875
    interpolation: Interpolation = "bilinear"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, (low, high), most in (("area", self.area, 1.0), ("ratio", self.ratio, math.inf)):
            if not 0 < low <= high <= most:
                raise wrong_value(
                    expected=f"{name}: two numbers above 0{' up to 1' if most == 1 else ''}, the lower one first",
                    cause=f"[{low:g}, {high:g}] is no such range",
                    fix="write area: [0.08, 1.0] and ratio: [0.75, 1.3333]",
                )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls((20, 30)), cls(24, area=[0.5, 1.0], ratio=[1.0, 1.0], middle=1.0, interpolation="bicubic")]

    def size_after(self, size: Extent) -> Extent:
        height, width = spread(self.size, 2)
        return height, width

    def region(self, size: tuple[int, int], draws: Draws | None) -> tuple[int, int, int, int]:
        """Top, left, height and width of the part."""
        height, width = size
        if draws is not None:
            for _ in range(10):
                room = height * width * draws.between(*self.area)
                ratio = draws.log_between(*self.ratio)
                part_width, part_height = round(math.sqrt(room * ratio)), round(math.sqrt(room / ratio))
                if 0 < part_width <= width and 0 < part_height <= height:
                    return draws.below(height - part_height + 1), draws.below(width - part_width + 1), part_height, part_width
        wanted_height, wanted_width = spread(self.size, 2)
        scale = min(height / wanted_height, width / wanted_width) * (self.middle if draws is None else 1.0)
        part_height = min(height, max(1, round(wanted_height * scale)))
        part_width = min(width, max(1, round(wanted_width * scale)))
        return (height - part_height) // 2, (width - part_width) // 2, part_height, part_width

    def least(self, size: tuple[int, int], draws: Draws | None) -> tuple[float, float]:
        _, _, height, width = self.region(size, draws)
        wanted = spread(self.size, 2)
        # A fresh stream of draws gives the same region again in `apply`.
        scale = max(wanted[0] / height, wanted[1] / width)
        return size[0] * scale, size[1] * scale

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        height, width = spread(self.size, 2)
        return picture.cropped(*self.region(picture.size, draws)).resized((height, width), self.interpolation)


@register("crop_share")
class CropShare(ImageStep):
    """A part of the picture that is given in shares of it.

    Attributes:
        left: Left edge, from 0 to 1.
        top: Upper edge.
        right: Right edge.
        bottom: Lower edge.
    """

    left: Share = 0.0
    top: Share = 0.0
    right: Share = 1.0
    bottom: Share = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.left >= self.right or self.top >= self.bottom:
            raise wrong_value(expected="left below right, top below bottom", cause="the part is empty", fix="exchange the edges")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(left=0.25, bottom=0.5)]

    def _edges(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        height, width = size
        top, left = min(height - 1, round(self.top * height)), min(width - 1, round(self.left * width))
        return top, left, max(1, round(self.bottom * height) - top), max(1, round(self.right * width) - left)

    def size_after(self, size: Extent) -> Extent:
        height, width = size
        return (None, None) if height is None or width is None else self._edges((height, width))[2:]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        return picture.cropped(*self._edges(picture.size))


def middle(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture; of a rest that is odd, one pixel more is cut at the bottom and on the right."""
    return picture.cropped((picture.size[0] - size[0]) // 2, (picture.size[1] - size[1]) // 2, *size)


def around(picture: Picture, size: tuple[int, int], fill: Any) -> Picture:
    """A border around a picture; of a rest that is odd, one pixel more at the bottom and on the right."""
    rest_height, rest_width = size[0] - picture.size[0], size[1] - picture.size[1]
    if not rest_height and not rest_width:
        return picture
    top, left = rest_height // 2, rest_width // 2
    return picture.padded((top, rest_width - left, rest_height - top, left), paint_of(fill, picture))


def fits(step: ImageStep, size: Extent, wanted: tuple[int, int]) -> None:
    """See that a part lies within a picture.

    Raises:
        DataError: DA138.
    """
    if any(own is not None and own < need for own, need in zip(size, wanted, strict=True)):
        raise misfit(
            step,
            expected=f"a picture of at least {wanted[0]} by {wanted[1]} (height by width)",
            got=" by ".join("?" if side is None else str(side) for side in size),
            cause="the part does not lie within the picture",
            fix="resize before (mode: short_side), write crop_or_pad, which fills up, or a smaller part",
        )
