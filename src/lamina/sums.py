"""Sums without rounding: the same bits for any order and any split into batches, shards or processes.

A float64 is a whole number times a power of two. Values are split into such numbers, added up by exponent (exactly: every
partial sum stays below 2^53), and folded into one Python integer, in units of ``2^-SCALE``. Adding integers is associative,
which adding floats is not, so merging is addition; only the final result is rounded, once and correctly.

Products are exact too: Dekker's two-product (T. J. Dekker, A floating-point technique for extending the available
precision, 1971), taken on mantissas in [0.5, 1) so that nothing over- or underflows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Term = tuple[Floats, Integers]
"""Values as ``mantissa * 2**exponent``."""

SCALE = 4096
"""Totals count units of ``2**-SCALE``, finer than any product of three float64 can be."""
UNIT = 1 << SCALE
"""One, in those units."""
_CHUNK = 1 << 13
"""Values binned at once: few enough that a bin of 27-bit parts stays far below 2^53, and that temporary arrays stay in cache
(three times as fast as 2^18)."""
_BLOCK, _SMALL_BLOCK = 1 << 14, 1 << 20
"""Values of a table added at once, floats and small integers: below 2^26 rows their sum on a grid is exact; fewer stay in cache."""
_GRID, _TURNS = 26, 4
"""Bits that a grid keeps of the largest value, and grids tried before what is left is added value by value."""
_LEAST_SCALE, _LEAST_SQUARE, _MOST_SCALE = -800, -400, 900
"""Binary exponents between which columns are added on grids; outside, value by value."""
_MOST_WHOLE = float(1 << 18)
"""Whole numbers up to this, of which a block has at most 2^14, are added as they are."""
_SPLITTER = float((1 << 27) + 1)
_POSITIVE, _NEGATIVE, _NAN = 0, 1, 2


class ExactSum:
    """One or several sums of float64 values, exact and mergeable.

    Values that are not finite are counted apart: a sum that met NaN, or both infinities, is NaN.

    Attributes:
        size: Number of sums, addressed 0 to ``size - 1``.

    Example:
        >>> total = ExactSum()
        >>> total.add([1e100, 1.0, -1e100])
        >>> total.value()
        1.0
    """

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self._totals: dict[int, int] = {}
        self._odd: dict[int, list[int]] = {}

    def add(self, values: ArrayLike, *, at: ArrayLike | None = None, weight: ArrayLike | None = None) -> None:
        """Add values; each goes to sum ``at`` (0 by default), multiplied exactly by its weight.

        Args:
            values: Any shape; read as float64.
            at: Indices of sums, of the same shape or broadcast to it.
            weight: Weights, of the same shape or broadcast to it.
        """
        factors = [values] if weight is None else [values, weight]
        self.add_product(factors, at=at)

    def add_product(self, factors: Sequence[ArrayLike], *, at: ArrayLike | None = None) -> None:
        """Add the exact products of two or three arrays, value by value.

        Raises:
            ValueError: For no factors or more than three.
        """
        if not 1 <= len(factors) <= 3:
            message = f"one to three factors, not {len(factors)}"
            raise ValueError(message)
        arrays = np.broadcast_arrays(*(np.asarray(factor, dtype=np.float64) for factor in factors))
        flat = [array.ravel() for array in arrays]
        places = None if at is None else np.broadcast_to(np.asarray(at, dtype=np.int64), arrays[0].shape).ravel()
        for start in range(0, flat[0].size, _CHUNK):
            part = slice(start, start + _CHUNK)
            self._add_chunk([array[part] for array in flat], None if places is None else places[part])

    def _add_chunk(self, factors: list[Floats], places: Integers | None) -> None:
        finite = np.isfinite(factors[0])
        for factor in factors[1:]:
            finite &= np.isfinite(factor)
        if not finite.all():
            self._add_odd([factor[~finite] for factor in factors], None if places is None else places[~finite])
            factors = [factor[finite] for factor in factors]
            places = None if places is None else places[finite]
        if factors[0].size:
            for mantissa, exponent in _terms(factors):
                self._fold(mantissa, exponent, places)

    def _fold(self, mantissa: Floats, exponent: Integers, places: Integers | None) -> None:
        """Add ``mantissa * 2**exponent``, where every mantissa is 0 or in [0.5, 1) in size."""
        scaled = mantissa * float(1 << 27)
        high = np.trunc(scaled)
        low = (scaled - high) * float(1 << 26)
        lowest = int(exponent.min())
        span = int(exponent.max()) - lowest + 1
        key = exponent - lowest
        first = 0
        if places is not None:
            first = int(places.min())
            key = key + (places - first) * span
        highs = np.bincount(key, weights=high)
        lows = np.bincount(key, weights=low)
        (used,) = np.nonzero((highs != 0) | (lows != 0))
        base = SCALE + lowest - 53
        totals = self._totals
        for k, h, w in zip(used.tolist(), highs[used].tolist(), lows[used].tolist(), strict=True):
            place, shift = divmod(k, span)
            place += first
            amount = (int(h) << 26) + int(w)
            # Subnormal numbers have trailing zeros in place of the bits that such a small unit would cut off.
            totals[place] = totals.get(place, 0) + (amount << (base + shift))

    def _add_odd(self, factors: list[Floats], places: Integers | None) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            product = np.prod(np.stack(factors), axis=0)
        where = np.zeros(product.size, dtype=np.int64) if places is None else places
        for place, value in zip(where.tolist(), product.tolist(), strict=True):
            counts = self._odd.setdefault(place, [0, 0, 0])
            # Infinity times zero is NaN; infinity times a number that overflows is infinity again.
            counts[_NAN if math.isnan(value) else _POSITIVE if value > 0 else _NEGATIVE] += 1

    def add_columns(self, rows: ArrayLike, *, power: int = 1) -> None:
        """Add a table column by column: column ``i`` goes to sum ``i``. As exact as `add`, and several times as fast.

        Columns are rounded to a grid on which their sum has no rounding (S. Rump, T. Ogita, S. Oishi, Accurate floating-point
        summation, 2008), then what rounding left over, until nothing is left.

        Args:
            rows: ``[rows, size]``.
            power: 1 for the values, 2 for their squares.

        Raises:
            ValueError: For another number of columns, or another power.
        """
        table = np.asarray(rows)
        if table.ndim != 2 or table.shape[1] != self.size or power not in (1, 2):
            message = f"[rows, {self.size}] to the power of 1 or 2, not {list(table.shape)} to the power of {power}"
            raise ValueError(message)
        small = table.dtype.kind in "bui" and table.dtype.itemsize <= 2
        step = max(1, (_SMALL_BLOCK if small else _BLOCK) // max(1, self.size))
        for start in range(0, len(table), step):
            part = table[start : start + step]
            if small:
                self._add_small(part, power)
            else:
                self._add_rows(part, power)

    def _add_small(self, part: NDArray[Any], power: int) -> None:
        wide = part.astype(np.int64)
        for place, amount in enumerate((wide if power == 1 else wide * wide).sum(axis=0).tolist()):
            if amount:
                self._totals[place] = self._totals.get(place, 0) + (amount << SCALE)

    def _add_rows(self, part: NDArray[Any], power: int) -> None:
        columns = part.T.astype(np.float64, order="C", copy=True)  # long inner loops, and scratch for what follows
        with np.errstate(invalid="ignore"):
            largest = np.abs(columns).max(axis=1)
            whole = (largest <= _MOST_WHOLE) & (columns == np.rint(columns)).all(axis=1)
        if whole.any():
            self._add_whole(columns[whole], np.flatnonzero(whole), power)
            self._add_rest(columns[~whole], np.flatnonzero(~whole), largest[~whole], power)
        else:
            self._add_rest(columns, np.arange(len(columns)), largest, power)

    def _add_whole(self, columns: Floats, places: Integers, power: int) -> None:
        """Add rows of small whole numbers: no partial sum of them, or of their squares, reaches 2^53."""
        sums = columns.sum(axis=1) if power == 1 else np.einsum("ij,ij->i", columns, columns)
        for place, amount in zip(places.tolist(), sums.tolist(), strict=True):
            if amount:
                self._totals[place] = self._totals.get(place, 0) + (int(amount) << SCALE)

    def _add_rest(self, columns: Floats, places: Integers, largest: Floats, power: int) -> None:
        if not len(columns):
            return
        least = _LEAST_SCALE if power == 1 else _LEAST_SQUARE
        regular = (largest < 2.0**_MOST_SCALE) & (largest > 2.0**least) | (largest == 0)
        if not regular.all():  # NaN, infinite or extreme somewhere in these columns
            where = np.flatnonzero(~regular)
            odd = columns[where]
            self.add_product([odd] * power, at=np.broadcast_to(places[where][:, None], odd.shape))
            columns[where], largest[where] = 0.0, 0.0
        exponent = np.frexp(largest)[1].astype(np.int64)
        if power == 1:
            self._fold_columns(columns, exponent, np.zeros_like(exponent), places)
            return
        scaled = columns * np.ldexp(1.0, -exponent)[:, None]
        tiny = (np.abs(scaled) < 2.0**-400) & (columns != 0)
        if tiny.any():
            at = np.nonzero(tiny)
            self.add_product([columns[at]] * 2, at=places[at[0]])
            scaled[at] = 0.0
        square = scaled * scaled
        high, low = _split(scaled)
        lost = high * high
        lost -= square
        high *= low
        high *= 2.0
        lost += high
        low *= low
        lost += low
        self._fold_columns(square, np.zeros_like(exponent), 2 * exponent, places)
        self._fold_columns(lost, np.full_like(exponent, -52), 2 * exponent, places)

    def _fold_columns(self, values: Floats, exponent: Integers, shift: Integers, places: Integers) -> None:
        """Add ``values * 2**shift``, all of them at most ``2**exponent``, row ``i`` to sum ``places[i]``; ``values`` are used up."""
        grid = np.empty_like(values)
        for turn in range(_TURNS):
            unit = exponent - _GRID * (turn + 1)
            # Whatever is added to this number is rounded to whole units.
            magnet = np.ldexp(1.5, 52 + unit)[:, None]
            np.add(values, magnet, out=grid)
            grid -= magnet
            values -= grid
            sums = np.ldexp(grid.sum(axis=1), -unit).tolist()
            for place, amount, power in zip(places.tolist(), sums, (SCALE + unit + shift).tolist(), strict=True):
                if amount:
                    self._totals[place] = self._totals.get(place, 0) + (int(amount) << power)
            if not values.any():
                return
        at = np.nonzero(values)
        for place, amount, power in zip(places[at[0]].tolist(), values[at].tolist(), shift[at[0]].tolist(), strict=True):
            top, bottom = amount.as_integer_ratio()
            self._totals[place] = self._totals.get(place, 0) + (top << (SCALE + power)) // bottom

    def merge(self, other: ExactSum) -> None:
        """Add all that another sum of the same size holds."""
        self.size = max(self.size, other.size)
        for place, total in other._totals.items():
            self._totals[place] = self._totals.get(place, 0) + total
        for place, odd in other._odd.items():
            self._odd[place] = [a + b for a, b in zip(self._odd.get(place, [0, 0, 0]), odd, strict=True)]

    def total(self, place: int = 0) -> int:
        """The finite part of a sum, exactly, in units of ``2**-SCALE``."""
        return self._totals.get(place, 0)

    def value(self, place: int = 0) -> float:
        """A sum, rounded once and correctly."""
        odd = self._odd.get(place)
        if odd is not None:
            if odd[_NAN] or (odd[_POSITIVE] and odd[_NEGATIVE]):
                return math.nan
            return math.inf if odd[_POSITIVE] else -math.inf
        return divide(self.total(place), UNIT)

    def values(self) -> Floats:
        """All sums, ``[size]``."""
        result = np.zeros(self.size)
        for place in self._totals.keys() | self._odd.keys():
            result[place] = self.value(place)
        return result

    def places(self) -> list[int]:
        """Sums that are not zero or not finite, in order."""
        return sorted({place for place, total in self._totals.items() if total} | set(self._odd))

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        return {
            "size": self.size,
            "totals": [[place, format(total, "x")] for place, total in sorted(self._totals.items()) if total],
            "odd": [[place, *odd] for place, odd in sorted(self._odd.items())],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.size = int(state["size"])
        self._totals = {int(place): int(total, 16) for place, total in state["totals"]}
        self._odd = {int(row[0]): [int(count) for count in row[1:]] for row in state["odd"]}
        return self


def divide(numerator: int, denominator: int) -> float:
    """Quotient of two integers of any size, correctly rounded; infinite where it is beyond float64.

    Example:
        >>> divide(1, 3) == 1 / 3
        True
    """
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if (numerator > 0) == (denominator > 0) else -math.inf


def exact_difference(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """``left - right`` as a rounded difference and what rounding lost (Knuth's two-sum)."""
    difference = left - right
    moved = difference - left
    lost = (left - (difference - moved)) - (right + moved)
    return difference, lost


def _terms(factors: list[Floats]) -> Iterable[Term]:
    """The product of the factors as an exact sum of terms."""
    terms: list[Term] = [_normal(factors[0])]
    for factor in factors[1:]:
        mantissa, exponent = _normal(factor)
        terms = [part for own, power in terms for part in _two_product(own, mantissa, power + exponent)]
    return terms


def _normal(values: Floats) -> Term:
    mantissa, exponent = np.frexp(values)
    return mantissa, exponent.astype(np.int64)


def _two_product(a: Floats, b: Floats, exponent: Integers) -> list[Term]:
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    result = []
    for part in (product, lost):
        mantissa, power = _normal(part)
        result.append((mantissa, exponent + power))
    return result


def _split(values: Floats) -> tuple[Floats, Floats]:
    """High and low half of the bits (Veltkamp)."""
    spread = values * _SPLITTER
    high = spread - (spread - values)
    return high, values - high
