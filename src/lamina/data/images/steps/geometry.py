"""Steps that move pixels: mirrored, turned, shifted, sheared, seen from the side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lamina.data.images.step import Colour, Extent, ImageStep, Share, ends, paint_of
from lamina.network.layers.image import Amount, Pair
from lamina.spec import register, wrong_value

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture

Smooth = Literal["nearest", "bilinear", "bicubic"]
Axis = Literal["horizontal", "vertical", "both"]


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else float(value) if type(value) is int else value


Two = Annotated[tuple[float, float], BeforeValidator(_tuples)]
"""Two numbers."""
Corners = Annotated[tuple[Two, Two, Two, Two], BeforeValidator(_tuples)]
"""Four pairs of numbers."""


@register("flip")
class Flip(ImageStep):
    """In the mirror.

    Attributes:
        axis: ``horizontal`` exchanges left and right, ``vertical`` top and bottom.
    """

    positional: ClassVar[tuple[str, ...]] = ("axis",)
    axis: Axis = "horizontal"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("both")]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        return picture.flipped(horizontal=self.axis != "vertical", vertical=self.axis != "horizontal")


@register("random_flip")
class AnyFlip(ImageStep):
    """In the mirror, or not.

    Attributes:
        axis: ``horizontal`` exchanges left and right, ``vertical`` top and bottom; ``both``: each for itself.
        probability: Of each.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("axis",)
    axis: Axis = "horizontal"
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("both", probability=0.7), cls("vertical", probability=1.0)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        across = self.axis != "vertical" and draws.chance(self.probability)
        down = self.axis != "horizontal" and draws.chance(self.probability)
        return picture.flipped(horizontal=across, vertical=down) if across or down else picture


@register("turn")
class Turn(ImageStep):
    """Turned by quarters of a circle against the clock; no pixel changes.

    Attributes:
        quarters: How many.
    """

    positional: ClassVar[tuple[str, ...]] = ("quarters",)
    quarters: Annotated[int, Field(ge=1, le=3)] = 1

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(quarters) for quarters in (1, 2, 3)]

    def size_after(self, size: Extent) -> Extent:
        return size if self.quarters == 2 else size[::-1]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        return picture.turned(self.quarters)


class Moving(ImageStep):
    """What steps share that let pixels fall between pixels.

    Attributes:
        interpolation: Of the pixels; masks always take the nearest.
        fill: What stands where the picture does not reach.
        mask_fill: The class of such places in a mask.
    """

    interpolation: Smooth = "bilinear"
    fill: Colour = 0.0
    mask_fill: Annotated[int, Field(ge=0)] = 0

    def warp(self, picture: Picture, matrix: np.ndarray, size: tuple[int, int] | None = None) -> Picture:
        """The picture through a matrix that says where each point goes."""
        fill = paint_of(self.fill, picture)
        return picture.warped(matrix, size or picture.size, self.interpolation, fill, mask_fill=self.mask_fill)


@register("rotate")
class Rotate(Moving):
    """Turned around the middle.

    Attributes:
        degrees: Against the clock.
        expand: Make the picture large enough for all of it.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    positional: ClassVar[tuple[str, ...]] = ("degrees",)
    degrees: float
    expand: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(20.0), cls(-75.0, expand=True, fill=[10, 20, 30]), cls(180.0, interpolation="nearest")]

    def _expanded(self, size: tuple[int, int]) -> tuple[int, int]:
        angle = math.radians(self.degrees)
        sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
        # What is rounding alone must not become a pixel.
        return math.ceil(size[0] * cosine + size[1] * sine - 1e-9), math.ceil(size[1] * cosine + size[0] * sine - 1e-9)

    def size_after(self, size: Extent) -> Extent:
        height, width = size
        if not self.expand:
            return size
        return (None, None) if height is None or width is None else self._expanded((height, width))

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        size = self._expanded(picture.size) if self.expand else picture.size
        return self.warp(picture, turning(picture.size, size, degrees=self.degrees), size)


@register("random_rotation")
class AnyRotation(Moving):
    """Turned around the middle by any angle in training.

    Attributes:
        degrees: Most in both directions, or the two ends of where the angle is drawn from; against the clock.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("degrees",)
    degrees: Amount | Pair

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(15.0), cls((-90.0, 10.0), fill=255)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        angle = draws.between(*ends(self.degrees, mirrored=True))
        return self.warp(picture, turning(picture.size, picture.size, degrees=angle))


@register("affine")
class Affine(Moving):
    """Turned, scaled, sheared and shifted, in this order around the middle.

    Attributes:
        degrees: Turned by, against the clock.
        scale: Larger by this factor.
        shear: Degrees by which vertical lines lean to the right, and horizontal ones downwards.
        shift: To the right and downwards, in shares of width and height.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    degrees: float = 0.0
    scale: Annotated[float, Field(gt=0)] = 1.0
    shear: Two = (0.0, 0.0)
    shift: Two = (0.0, 0.0)

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(degrees=10.0, scale=1.2, shear=(5.0, 0.0), shift=(0.1, -0.05))]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        size = picture.size
        return self.warp(picture, turning(size, size, degrees=self.degrees, scale=self.scale, shear=self.shear, shift=self.shift))


@register("random_affine")
class AnyAffine(Moving):
    """Turned, scaled, sheared and shifted by any amount in training; each is left alone unless set.

    Attributes:
        degrees: Most that it is turned in both directions, or two ends.
        scale: Smallest and largest factor; half is as likely as double.
        shear: Most degrees that vertical lines lean in both directions, or two ends.
        shift: Most shift in both directions and along both axes, as a share of width and height.
        probability: Of anything of this.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    varies: ClassVar[bool] = True
    degrees: Amount | Pair = 0.0
    scale: Pair = (1.0, 1.0)
    shear: Amount | Pair = 0.0
    shift: Share = 0.0
    probability: Share = 1.0

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.scale[0] <= 0:
            raise wrong_value(expected="scale: two numbers above 0", cause="nothing would be left", fix="write scale: [0.8, 1.25]")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(degrees=20.0, scale=(0.8, 1.25), shear=(-5.0, 5.0), shift=0.1), cls(shift=0.2, probability=0.5)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or not draws.chance(self.probability):
            return picture
        size = picture.size
        matrix = turning(
            size,
            size,
            degrees=draws.between(*ends(self.degrees, mirrored=True)),
            scale=draws.log_between(*self.scale),
            shear=(draws.between(*ends(self.shear, mirrored=True)), 0.0),
            shift=(draws.between(-self.shift, self.shift), draws.between(-self.shift, self.shift)),
        )
        return self.warp(picture, matrix)


@register("random_perspective")
class AnyPerspective(Moving):
    """As seen from another side, in training: each corner moves inwards by any amount.

    Attributes:
        distortion: Most that a corner moves, as a share of half the width and height.
        probability: Of any movement.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("distortion",)
    distortion: Share = 0.5
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(0.3, probability=1.0), cls()]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or not draws.chance(self.probability):
            return picture
        height, width = picture.size
        inwards = [(draws.between(0, self.distortion * width / 2), draws.between(0, self.distortion * height / 2)) for _ in range(4)]
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        return self.warp(picture, corners_moved(picture.size, [(x * dx, y * dy) for (x, y), (dx, dy) in zip(inwards, signs, strict=True)]))


@register("warp")
class Warp(Moving):
    """Bent so that the corners stand elsewhere (DataVec's WarpImageTransform).

    Attributes:
        corners: By how many pixels upper left, upper right, lower right and lower left corner move, to the right and downwards.
        vary: In training each number is drawn, between its negative and itself; a model that is judged or asked gets pictures as they are.
        interpolation: See `Moving`.
        fill: See `Moving`.
        mask_fill: See `Moving`.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("corners",)
    corners: Corners
    vary: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([[2, 1], [0, 0], [-3, -2], [1, -1]]), cls([[5, 5]] * 4, vary=True)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        moves: Any = self.corners
        if self.vary:
            if draws is None:
                return picture
            moves = [(draws.between(-x, x), draws.between(-y, y)) for x, y in self.corners]
        return self.warp(picture, corners_moved(picture.size, moves))


def turning(
    size: tuple[int, int],
    after: tuple[int, int],
    *,
    degrees: float = 0.0,
    scale: float = 1.0,
    shear: tuple[float, float] = (0.0, 0.0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """The matrix that turns, scales, shears and shifts around the middle.

    Args:
        size: Height and width before.
        after: Height and width afterwards; the middle stays the middle.
        degrees: Against the clock.
        scale: Factor.
        shear: Degrees, see `Affine`.
        shift: Shares of width and height.
    """
    import numpy as np

    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    # Rows count downwards: against the clock is towards smaller ones.
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    lean = np.array([[1, -math.tan(math.radians(shear[0])), 0], [math.tan(math.radians(shear[1])), 1, 0], [0, 0, 1]])
    there = np.array([[1, 0, after[1] / 2 + shift[0] * size[1]], [0, 1, after[0] / 2 + shift[1] * size[0]], [0, 0, 1]])
    back = np.array([[1, 0, -size[1] / 2], [0, 1, -size[0] / 2], [0, 0, 1]])
    found: np.ndarray = there @ lean @ np.diag([scale, scale, 1.0]) @ turn @ back
    return found


def corners_moved(size: tuple[int, int], moves: Any) -> np.ndarray:
    """The matrix that moves the corners (upper left, upper right, lower right, lower left) by so many pixels.

    Example:
        >>> corners_moved((10, 20), [(1, 2)] * 4).round(6).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]]
    """
    import numpy as np

    height, width = size
    start = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    end = start + np.asarray(moves, dtype=np.float64)
    rows = []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    numbers = np.linalg.solve(np.array(rows), end.reshape(-1))
    return np.append(numbers, 1.0).reshape(3, 3) + 0.0
