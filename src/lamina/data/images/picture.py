"""A picture on its way: pixels, and what lies over them (mask, boxes, points), changed together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.images.resampling import resized, warped
from lamina.data.images.step import Interpolation
from lamina.data.images.things import Things, move_points

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels and what lies over them. Arrays are never changed in place, since they may belong to somebody else.

    Attributes:
        pixels: ``[height, width, channels]``, uint8 or uint16.
        mask: A class for each pixel, ``[height, width]``, whole numbers.
        things: Boxes.
        points: ``[points, 2]``: x and y in pixels, float64; NaN for a point that is not in the picture.
    """

    pixels: np.ndarray
    mask: np.ndarray | None = None
    things: Things | None = None
    points: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def channels(self) -> int:
        """1, 3 or 4."""
        return int(self.pixels.shape[2])

    @property
    def highest(self) -> int:
        """The largest value that a pixel can have."""
        return int(np.iinfo(self.pixels.dtype).max)

    def painted(self, pixels: np.ndarray) -> Picture:
        """The same with other pixels of the same size."""
        return replace(self, pixels=pixels)

    def moved(self, matrix: Any, pixels: np.ndarray, mask: np.ndarray | None) -> Picture:
        """Other pixels and mask, with boxes and points moved by a 3 by 3 matrix."""
        if self.things is None and self.points is None:
            return Picture(pixels, mask)
        matrix, size = np.asarray(matrix, dtype=np.float64), (pixels.shape[0], pixels.shape[1])
        points = None if self.points is None else _inside(move_points(matrix, self.points), size)
        return Picture(pixels, mask, None if self.things is None else self.things.moved(matrix, size), points)

    def cropped(self, top: int, left: int, height: int, width: int) -> Picture:
        """A part of it, which must lie within."""
        there = (slice(top, top + height), slice(left, left + width))
        mask = None if self.mask is None else self.mask[there]
        return self.moved([[1, 0, -left], [0, 1, -top], [0, 0, 1]], self.pixels[there], mask)

    def resized(self, size: tuple[int, int], interpolation: Interpolation = "bilinear") -> Picture:
        """At another size; the mask takes the nearest pixel's class."""
        height, width = self.size
        if size == (height, width):
            return self
        mask = None if self.mask is None else resized(self.mask, size, "nearest")
        matrix = [[size[1] / width, 0, 0], [0, size[0] / height, 0], [0, 0, 1]]
        return self.moved(matrix, resized(self.pixels, size, interpolation), mask)

    def warped(self, matrix: Any, size: tuple[int, int], interpolation: Interpolation, fill: Any, *, mask_fill: int = 0) -> Picture:
        """Seen through a 3 by 3 matrix, which says where each point goes."""
        mask = None if self.mask is None else warped(self.mask, matrix, size, "nearest", mask_fill)
        return self.moved(matrix, warped(self.pixels, matrix, size, interpolation, fill), mask)

    def padded(self, sides: Sequence[int], fill: Any, *, mode: str = "constant", mask_fill: int = 0) -> Picture:
        """With a border: pixels at the top, right, bottom, left.

        Args:
            sides: How many at the top, right, bottom, left.
            fill: Value of the border for each channel, as pixels have them.
            mode: ``constant``, ``edge`` or ``reflect``.
            mask_fill: Class of the border where it is constant.
        """
        top, right, bottom, left = sides
        widths = ((top, bottom), (left, right))
        if mode == "constant":
            height, width = self.size
            pixels = np.empty((height + top + bottom, width + left + right, self.channels), self.pixels.dtype)
            pixels[...] = fill
            pixels[top : top + height, left : left + width] = self.pixels
            mask = None if self.mask is None else np.pad(self.mask, widths, constant_values=mask_fill)
        else:
            kind: Any = mode
            pixels = np.pad(self.pixels, (*widths, (0, 0)), mode=kind)
            mask = None if self.mask is None else np.pad(self.mask, widths, mode=kind)
        return self.moved([[1, 0, left], [0, 1, top], [0, 0, 1]], pixels, mask)

    def flipped(self, *, horizontal: bool = False, vertical: bool = False) -> Picture:
        """In the mirror: left and right exchanged, top and bottom exchanged."""
        ways = (slice(None, None, -1 if vertical else None), slice(None, None, -1 if horizontal else None))
        height, width = self.size
        matrix = [
            [-1 if horizontal else 1, 0, width if horizontal else 0],
            [0, -1 if vertical else 1, height if vertical else 0],
            [0, 0, 1],
        ]
        return self.moved(matrix, self.pixels[ways], None if self.mask is None else self.mask[ways])

    def turned(self, quarters: int) -> Picture:
        """Turned by quarters of a circle, against the clock; no pixel is changed."""
        height, width = self.size
        matrices = {
            0: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            1: [[0, 1, 0], [-1, 0, width], [0, 0, 1]],
            2: [[-1, 0, width], [0, -1, height], [0, 0, 1]],
            3: [[0, -1, height], [1, 0, 0], [0, 0, 1]],
        }
        mask = None if self.mask is None else np.rot90(self.mask, quarters)
        return self.moved(matrices[quarters % 4], np.rot90(self.pixels, quarters), mask)


def _inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Points that have left the picture are none."""
    height, width = size
    with np.errstate(invalid="ignore"):
        out = (points < 0).any(axis=-1) | (points[..., 0] > width) | (points[..., 1] > height)
    return np.where(out[..., None], np.nan, points)
