"""What a network is to find in a picture, as arrays: a grid for YOLO's loss, or a list of boxes; and the class of each pixel."""

from __future__ import annotations

import numpy as np

from lamina.data.images.picture import Picture
from lamina.data.images.things import Things
from lamina.errors import DataError


def grid_target(things: Things, size: tuple[int, int], grid: tuple[int, int], classes: int) -> np.ndarray:
    """The target of one picture for the loss `yolo`: ``[4 + classes, height, width]`` of the grid.

    In the cell in which the middle of a thing lies stand its edges ``left, top, right, bottom`` in cells and its class as one-hot. Of
    two things whose middles lie in one cell the later one stays, since a cell has room for one.

    Args:
        things: The boxes, in pixels.
        size: Height and width of the picture.
        grid: Height and width of the grid.
        classes: How many there are.

    Example:
        >>> found = grid_target(Things.of([[0, 0, 20, 30]], [1]), (40, 40), (4, 4), 2)
        >>> found[:, 1, 1].tolist()
        [0.0, 0.0, 2.0, 3.0, 0.0, 1.0]
    """
    target = np.zeros((4 + classes, *grid), dtype=np.float32)
    cells = things.boxes * np.array([grid[1] / size[1], grid[0] / size[0]] * 2)
    for (left, top, right, bottom), kind in zip(cells.tolist(), things.kinds.tolist(), strict=True):
        # A middle on the very edge belongs to the last cell.
        column, row = min(int((left + right) / 2), grid[1] - 1), min(int((top + bottom) / 2), grid[0] - 1)
        target[:, row, column] = 0
        target[:4, row, column] = left, top, right, bottom
        target[4 + kind, row, column] = 1
    return target


def list_target(things: Things, size: tuple[int, int], most: int) -> np.ndarray:
    """Boxes as rows ``left, top, right, bottom, class``, edges in shares of the picture; rows without a thing are all -1.

    Args:
        things: The boxes, in pixels; of more than ``most`` the largest stay.
        size: Height and width of the picture.
        most: Rows.

    Example:
        >>> list_target(Things.of([[0, 0, 20, 30]], [1]), (40, 40), 2).tolist()
        [[0.0, 0.0, 0.5, 0.75, 1.0], [-1.0, -1.0, -1.0, -1.0, -1.0]]
    """
    target = np.full((most, 5), -1, dtype=np.float32)
    if len(things) > most:
        things = things.take(np.sort(np.argsort(-things.full, kind="stable")[:most]))
    target[: len(things), :4] = things.boxes / np.array([size[1], size[0]] * 2)
    target[: len(things), 4] = things.kinds
    return target


def visible(picture: Picture, least: float) -> Things:
    """The things of a picture of which enough is left."""
    return (picture.things if picture.things is not None else Things.of([], [])).visible(least)


def classes_of(values: np.ndarray, codes: np.ndarray, numbers: np.ndarray, name: str, other: int | None) -> np.ndarray:
    """The class of each pixel of a mask.

    Args:
        values: Grey values or numbers of a palette ``[height, width]``, or colours ``[height, width, 3]``.
        codes: What stands for each class, ascending: such a value, or ``red * 65536 + green * 256 + blue``.
        numbers: The class of each code.
        name: For messages.
        other: Class of all other values; None: they are an error.

    Raises:
        DataError: DA139, for a value that is no class.
    """
    flat = values.astype(np.int64)
    if values.ndim == 3:
        flat = (flat[..., 0] << 16) + (flat[..., 1] << 8) + flat[..., 2]
    places = np.minimum(np.searchsorted(codes, flat), len(codes) - 1)
    known = codes[places] == flat
    if not known.all() and other is None:
        row, column = (int(axis[0]) for axis in np.nonzero(~known))
        value = values[row, column].tolist()
        raise DataError(
            "DA139",
            where=f"{name}, row {row}, column {column}",
            expected="a value that classes lists",
            got=f"{value} ({int((~known).sum())} pixels of such values)",
            cause="a class is missing, the mask was stored with loss (jpg), or its edges were smoothed when it was made smaller",
            fix="add the class, or write other: NAME for the class of all other values",
        )
    found: np.ndarray = np.where(known, numbers[places], other if other is not None else 0)
    return found
