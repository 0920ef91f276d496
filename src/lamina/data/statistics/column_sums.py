"""Sums and sums of squares of the columns of a table, exact, both in one pass.

Numbers are cut into whole ones of few bits on grids that all numbers of a column share (S. Rump, T. Ogita, S. Oishi, Accurate
floating-point summation, 2008). Products of such parts, and their sums over many rows, have no rounding in float64: a product of small
matrices gives all of them at once, in whatever order it adds. What is left beyond the finest grid is added value by value.
"""

from __future__ import annotations

import math

import numpy as np

from lamina.sums import SCALE, ExactSum, Floats, Integers

_BITS, _PARTS = 18, 4
"""Bits of a part, and parts of a number: together they hold all bits of any number above a 2^19th of the largest of its column."""
_MOST_ROWS, _MOST_SMALL = 1 << 16, 1 << 20
"""Rows for one grid: with 2^18 for the largest part, a sum of products stays below 2^53; and rows of small integers at once."""
_CUT = 1 << 12
"""Rows cut at once: what is in between stays in cache."""
_LEAST, _MOST = -400, 450
"""Binary exponents of the largest number between which neither a square of the finest part nor a sum of the largest is out of range."""
_MOST_WHOLE = float(1 << 18)
"""Whole numbers up to this need no grids: their squares add up exactly."""


def add_moments(total: ExactSum, squares: ExactSum, rows: np.ndarray) -> None:
    """Add a table to the sum and to the sum of squares of each of its columns: as exact as `ExactSum.add`, and many times as fast.

    Args:
        total: Sum ``i`` is that of column ``i``.
        squares: The same for squares.
        rows: ``[rows, columns]``.

    Example:
        >>> total, squares = ExactSum(2), ExactSum(2)
        >>> add_moments(total, squares, np.array([[0.5, 3.0], [0.25, 4.0]]))
        >>> total.values().tolist(), squares.values().tolist()
        ([0.75, 7.0], [0.3125, 25.0])
    """
    small = rows.dtype.kind in "bui" and rows.dtype.itemsize <= 2
    step = _MOST_SMALL if small else _MOST_ROWS
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        if small:
            _add_whole(total, squares, part.astype(np.int64), np.arange(part.shape[1]))
        else:
            _add_part(total, squares, part.astype(np.float64, copy=False))


def _add_part(total: ExactSum, squares: ExactSum, part: Floats) -> None:
    """Add so many rows that sums on a grid are exact."""
    with np.errstate(invalid="ignore"):
        largest = np.maximum(part.max(axis=0), -part.min(axis=0))
    regular = (largest > 2.0**_LEAST) & (largest < 2.0**_MOST) | (largest == 0)
    whole = regular & (largest <= _MOST_WHOLE) & (part[:64] == np.rint(part[:64])).all(axis=0)
    if whole.any():
        columns = part[:, whole]
        whole[whole] = (columns == np.rint(columns)).all(axis=0)
    for chosen, add in ((~regular, _add_singly), (whole, _add_whole), (regular & ~whole, _add_cut)):
        places = np.flatnonzero(chosen)
        if len(places):
            add(total, squares, part if len(places) == part.shape[1] else part[:, places], places)


def _add_singly(total: ExactSum, squares: ExactSum, part: Floats, places: Integers) -> None:
    """Add columns with a number that isn't finite, or an extreme one."""
    at = np.broadcast_to(places, part.shape)
    total.add(part, at=at)
    squares.add_product([part, part], at=at)


def _add_whole(total: ExactSum, squares: ExactSum, part: np.ndarray, places: Integers) -> None:
    """Add columns of small whole numbers: no partial sum of them, or of their squares, is out of range."""
    for place, amount, square in zip(places.tolist(), part.sum(axis=0).tolist(), np.einsum("ij,ij->j", part, part).tolist(), strict=True):
        total.add_units(int(amount) << SCALE, place)
        squares.add_units(int(square) << SCALE, place)


def _add_cut(total: ExactSum, squares: ExactSum, part: Floats, places: Integers) -> None:
    """Add columns cut into parts on grids."""
    exponent = np.frexp(np.maximum(part.max(axis=0), -part.min(axis=0)))[1].astype(np.int64)
    units = exponent[:, None] - _BITS * np.arange(1, _PARTS + 1)
    # Whatever is added to such a number is rounded to whole units.
    magnets = np.ldexp(1.5, 52 + units)[:, :, None]
    gram = np.zeros((len(places), _PARTS + 1, _PARTS + 1))
    scratch = np.ones((len(places), _PARTS + 1, min(_CUT, len(part))))
    for start in range(0, len(part), _CUT):
        columns = part[start : start + _CUT].T
        rest, cut = columns.copy(order="C"), scratch[:, :, : columns.shape[1]]
        for k in range(_PARTS):
            grid = cut[:, k]
            np.add(rest, magnets[:, k], out=grid)
            grid -= magnets[:, k]
            rest -= grid
        if rest.any():
            rows, at = np.nonzero(rest)
            cut[rows, :_PARTS, at] = 0.0
            values = columns[rows, at]
            total.add(values, at=places[rows])
            squares.add_product([values, values], at=places[rows])
        gram += np.matmul(cut, cut.transpose(0, 2, 1))
    for place, own, found in zip(places.tolist(), units.tolist(), gram, strict=True):
        total.add_units(sum(_units(found[k, -1], own[k]) for k in range(_PARTS)), place)
        pairs = ((k, m) for k in range(_PARTS) for m in range(_PARTS))
        squares.add_units(sum(_units(found[k, m], own[k] + own[m]) for k, m in pairs), place)


def _units(amount: float, exponent: int) -> int:
    """A whole multiple of ``2**exponent`` in units of an exact sum."""
    return int(math.ldexp(amount, -exponent)) << (SCALE + exponent)
