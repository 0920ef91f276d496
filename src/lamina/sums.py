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

    def add_units(self, amount: int, place: int = 0) -> None:
        """Add a whole number of units of ``2**-SCALE``."""
        if amount:
            self._totals[place] = self._totals.get(place, 0) + amount

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
