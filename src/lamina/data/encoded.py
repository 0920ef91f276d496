"""Rows of a large table as an array that is never whole: each column is checked once, and rows are put together block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.data.lazy import Address, LazyArray

LARGE_BYTES = 32 * 1024 * 1024
"""Arrays above this size are put together when they are asked for."""

Part = tuple[np.ndarray, int, bool]
"""Values of a column, how many places of a row they take, and whether they are places of a one in these (-1, -2: nowhere)."""


class EncodedRows(LazyArray):
    """Samples ``[rows, ...]`` of encoded columns.

    Args:
        parts: The columns, checked, in order.
        dims: Axes of a sample.
        rows: Which rows; None: all.
    """

    def __init__(self, parts: Sequence[Part], dims: tuple[int, ...], rows: np.ndarray | None = None) -> None:
        self._parts = tuple(parts)
        self._dims = dims
        self._rows = rows
        self.dtype = np.dtype(np.float64)
        self.shape = (len(parts[0][0]) if rows is None else len(rows), *dims)

    def __getitem__(self, key: slice | np.ndarray | Sequence[int]) -> np.ndarray:
        return encoded(self._parts, self._dims, key) if isinstance(key, slice) and self._rows is None else super().__getitem__(key)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        places = indices if self._rows is None else self._rows[indices]
        return encoded(self._parts, self._dims, places)

    def place(self, number: int) -> np.ndarray:
        """One place of every row, float64."""
        for values, width, hot in self._parts:
            if number < width:
                own = values if self._rows is None else values[self._rows]
                found: np.ndarray = (own == number).astype(np.float64) if hot else own.reshape(len(own), width)[:, number]
                return found
            number -= width
        raise IndexError(number)

    def select(self, indices: np.ndarray) -> EncodedRows:
        return EncodedRows(self._parts, self._dims, indices if self._rows is None else self._rows[indices])

    def filled(self, fill: np.ndarray) -> EncodedRows:
        """The same rows with a number for what is missing in each place."""
        parts, start = [], 0
        for values, width, hot in self._parts:
            wide = fill[start] if values.ndim == 1 else fill[start : start + width]
            parts.append((values if hot or not np.isnan(values).any() else np.where(np.isnan(values), wide, values), width, hot))
            start += width
        return EncodedRows(parts, self._dims, self._rows)

    def numbers(self, places: np.ndarray) -> EncodedRows:
        """Some places of every row, all of which hold numbers, ``[rows, places]``, without a look at the others."""
        parts: list[Part] = []
        starts = np.cumsum([0, *(width for _, width, _ in self._parts)])
        owners = np.searchsorted(starts, places, side="right") - 1
        for place, owner in zip(places.tolist(), owners.tolist(), strict=True):
            values, width, _ = self._parts[owner]
            parts.append((values.reshape(len(values), width)[:, place - starts[owner]], 1, False))
        return EncodedRows(parts, (len(parts),), self._rows)

    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Which places of a row hold numbers, and which the ones of categories."""
        hot = np.repeat([hot for _, _, hot in self._parts], [width for _, width, _ in self._parts])
        return np.flatnonzero(~hot), np.flatnonzero(hot)

    def ones(self) -> np.ndarray:
        """Where in a row the one of each category stands, ``[rows, categories]``, int32; -1 for nowhere."""
        found, start = [], 0
        for values, width, hot in self._parts:
            if hot:
                own = values if self._rows is None else values[self._rows]
                found.append(np.where(own < 0, np.int32(-1), (own + start).astype(np.int32)))
            start += width
        return np.stack(found, axis=1) if found else np.zeros((len(self), 0), np.int32)


def encoded(parts: Sequence[Part], dims: tuple[int, ...], rows: np.ndarray | slice) -> np.ndarray:
    """Some rows, put together; float64."""
    chosen = [values[rows] for values, _, _ in parts]
    made = np.zeros((len(chosen[0]), sum(width for _, width, _ in parts)))
    start = 0
    for values, (_, width, hot) in zip(chosen, parts, strict=True):
        if hot:
            there = np.flatnonzero(values >= 0)
            made[there, start + values[there]] = 1.0
        else:
            made[:, start : start + width] = values.reshape(len(values), width)
        start += width
    return made.reshape(-1, *dims)
