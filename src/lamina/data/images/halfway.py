"""Pictures as arrays of one size and back, with what lies over them: so that what is the same in every epoch can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.images.picture import Picture
from lamina.data.images.step import ImageStep, outline
from lamina.data.images.things import Things

if TYPE_CHECKING:
    from lamina.data.images.photos import Photo

PIXELS, MASK, THINGS = "pixels", "mask", "things"
_NUMBERS = 7
"""Of a thing: four edges, class, whether it is difficult, its whole area."""


def fixed_size(
    steady: Sequence[ImageStep], all_steps: int, channels: int, size: tuple[int, int]
) -> tuple[int, tuple[int, int], int] | None:
    """How many steps bring all pictures to one size; that size, and the channels then. As many as can be.

    Args:
        steady: Those that do the same every time, before the first one that draws.
        all_steps: How many there are with those behind.
        channels: Of the files when they are read.
        size: Of the pictures after all steps.

    Returns:
        None, if they still have different sizes.
    """
    if len(steady) == all_steps:
        return all_steps, size, outline(steady, size, channels)[1]
    for count in range(len(steady), 0, -1):
        (height, width), deep = outline(steady[:count], (None, None), channels)
        if height is not None and width is not None:
            return count, (height, width), deep
    return None


def overlays(photos: Sequence[Photo], size: tuple[int, int]) -> dict[str, tuple[tuple[int, ...], type]]:
    """Shape and type of the arrays that hold what lies over the pictures."""
    found: dict[str, tuple[tuple[int, ...], type]] = {}
    if any(photo.mask is not None for photo in photos):
        found[MASK] = (size, np.int64)
    if any(photo.things is not None for photo in photos):
        found[THINGS] = ((max(1, max(len(photo.things or ()) for photo in photos)), _NUMBERS), np.float64)
    return found


def packed(picture: Picture, arrays: Mapping[str, np.ndarray], row: int) -> None:
    """Write what lies over a picture into a row of the arrays."""
    if MASK in arrays and picture.mask is not None:
        arrays[MASK][row] = picture.mask
    if THINGS in arrays:
        numbers = np.full(arrays[THINGS].shape[1:], np.nan)
        things = picture.things if picture.things is not None else Things.of([], [])
        numbers[: len(things)] = np.column_stack([things.boxes, things.kinds, things.difficult, things.full])
        arrays[THINGS][row] = numbers


def unpacked(arrays: Mapping[str, np.ndarray], row: int) -> Picture:
    """The picture of a row."""
    pixels = arrays[PIXELS][row].transpose(1, 2, 0)
    things = None
    if THINGS in arrays:
        numbers = arrays[THINGS][row]
        numbers = numbers[~np.isnan(numbers[:, 0])]
        things = Things(numbers[:, :4], numbers[:, 4].astype(np.int64), numbers[:, 5] > 0, numbers[:, 6])
    return Picture(pixels, arrays[MASK][row] if MASK in arrays else None, things)
