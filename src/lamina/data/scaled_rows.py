"""Rows of a large table as a network takes them: numbers scaled in a matrix of their own, categories as the places of their ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamina.data.arrays import check_finite
from lamina.data.encoded import EncodedRows
from lamina.data.lazy import Address, LazyArray

if TYPE_CHECKING:
    from lamina.data.lazy import Samples
    from lamina.data.normalizers.fitted import Fitted

_BLOCK = 1 << 13
"""Rows computed at once, so that what is between stays in cache."""


class ScaledRows(LazyArray):
    """Samples ``[rows, places]`` of a table with categories, put together when they are asked for.

    A one among dozens of zeros takes four bytes here, not as many numbers as there are categories; a batch is made about as
    fast as it would be copied out of the whole matrix.

    Args:
        numbers: Of every row, scaled, ``[rows, numbers]``.
        columns: Their places in a row.
        ones: Places of the ones, ``[rows, categories]``, int32; -1 for nowhere.
        absent: What stands in each place where no one is, ``[places]``.
        present: What stands for the one, ``[places]``.

    Example:
        >>> numbers, ones = np.array([[0.5], [0.25]]), np.array([[2], [-1]], dtype=np.int32)
        >>> ScaledRows(numbers, np.array([0]), ones, np.zeros(3), np.ones(3))[:].tolist()
        [[0.5, 0.0, 1.0], [0.25, 0.0, 0.0]]
    """

    steady, draws = True, False

    def __init__(self, numbers: np.ndarray, columns: np.ndarray, ones: np.ndarray, absent: np.ndarray, present: np.ndarray) -> None:
        self._numbers, self._ones = numbers, ones
        self._absent, self._present = absent, present
        self._runs = _runs(columns)
        self._plain = bool((present == 1).all())
        self._gaps = bool((ones < 0).any())
        self.dtype = numbers.dtype
        self.shape = (len(numbers), len(absent))

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        width = self.shape[1]
        made = np.empty((len(indices), width), self.dtype)
        made[:] = self._absent
        numbers = np.take(self._numbers, indices, axis=0)
        for start, stop, place in self._runs:
            made[:, place : place + stop - start] = numbers[:, start:stop]
        ones = np.take(self._ones, indices, axis=0)
        flat = ones + np.arange(0, made.size, width)[:, None]
        if self._gaps:
            there = ones >= 0
            ones, flat = ones[there], flat[there]
        made.reshape(-1)[flat] = 1 if self._plain else self._present[ones]
        return made


def scaled_rows(rows: EncodedRows, fitted: Fitted | None, dtype: str, where: str, names: tuple[str, ...] | None = None) -> Samples:
    """Rows, none of whose numbers is missing, scaled and in the type of the network; a matrix, if all of them are numbers.

    Args:
        rows: ``[rows, places]``.
        fitted: How they are scaled.
        dtype: Of the result; scaled is in float64.
        where: For messages.
        names: Of the places, for messages.

    Raises:
        DataError: DA001, for a number that isn't finite; what ``fitted`` raises.
    """
    columns, hot = rows.apart()
    numbers = np.empty((len(rows), len(columns)), dtype)
    ends = np.zeros((2, rows.shape[1]))
    ends[1, hot] = 1.0
    if len(columns):
        only = rows.numbers(columns)
        alone = None if fitted is None else fitted.at(columns)
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            if fitted is None:
                numbers[part] = only[part]
            elif alone is not None:
                numbers[part] = alone.apply(only[part])
            else:
                numbers[part] = fitted.apply(rows[part])[:, columns]
        check_finite(numbers, where, None if names is None else tuple(names[place] for place in columns.tolist()))
        # With numbers that can be scaled: of some, zero has no logarithm.
        ends[:, columns] = only[:1]
    if not len(hot):
        return numbers
    absent, present = (ends if fitted is None else fitted.apply(ends)).astype(dtype)
    return ScaledRows(numbers, columns, rows.ones(), absent, present)


def _runs(columns: np.ndarray) -> list[tuple[int, int, int]]:
    """Neighbours among places: from which number to which, and the place of the first."""
    if not len(columns):
        return []
    cuts = [0, *(np.flatnonzero(np.diff(columns) != 1) + 1).tolist(), len(columns)]
    return [(start, stop, int(columns[start])) for start, stop in zip(cuts, cuts[1:], strict=False)]
