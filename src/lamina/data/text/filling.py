"""Rows of tokens of different lengths as one array: cut off where they are too long, filled up where they are too short."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lamina.data.text.texts import check_room
from lamina.errors import LaminaWarning, Problem

if TYPE_CHECKING:
    import numpy as np

Side = Literal["end", "start", "middle"]
"""Where what is too much is cut off."""


def shortened(row: Sequence[int], most: int, side: Side) -> list[int]:
    """A row of at most ``most`` tokens.

    Example:
        >>> [shortened([1, 2, 3, 4, 5], 3, side) for side in ("end", "start", "middle")]
        [[1, 2, 3], [3, 4, 5], [1, 2, 5]]
    """
    if len(row) <= most:
        return list(row)
    if side == "end":
        return list(row[:most])
    head = 0 if side == "start" else (most + 1) // 2
    return [*row[:head], *row[len(row) - (most - head) :]]


def filled(rows: Sequence[Sequence[int]], length: int | None, filler: int, *, longest_is: str = "the longest text") -> np.ndarray:
    """Rows as one array of int64, filled up at the end.

    Args:
        rows: Tokens; none longer than ``length``.
        length: Of each row then; None: the longest.
        filler: The token to fill up with.
        longest_is: For messages.

    Raises:
        DataError: DA162, if that would take too much memory.

    Example:
        >>> filled([[5, 6], [7]], None, 0).tolist()
        [[5, 6], [7, 0]]
    """
    width = max((len(row) for row in rows), default=1) if length is None else length
    check_room(
        len(rows),
        width,
        what="tokens",
        width_is=f"each row is as long as {longest_is}" if length is None else "each row has the length that was asked for",
        fix="write length: 256 (or whatever most texts have), leave out the few that are very long, or read fewer texts",
    )
    import numpy as np

    array = np.full((len(rows), width), filler, dtype=np.int64)
    for number, row in enumerate(rows):
        array[number, : len(row)] = row
    return array


def tell_of_cutting(rows: Sequence[Sequence[int]], most: int, length: int, side: Side) -> None:
    """Warn that rows are longer than they may be.

    Raises:
        LaminaWarning: DA161.
    """
    long, longest = sum(len(row) > most for row in rows), max(map(len, rows))
    lost = sum(max(0, len(row) - most) for row in rows)
    found = Problem(
        "DA161",
        where=f"{len(rows):,} texts, length {length}",
        expected=f"at most {most:,} tokens" + (f", and {length - most} that are added" if length > most else ""),
        got=f"{long:,} texts with more, the longest {longest:,}: {lost:,} tokens are cut off, at the {side}",
        cause="length is shorter than these texts; said once, for the first of them",
        fix=f"write length: {longest + length - most} to keep everything, or say what to lose: cut_off: start (or middle, end)",
    )
    warnings.warn(str(found), LaminaWarning, stacklevel=5)
