"""Means and deviations from exact sums, and the ends of the range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lamina.data.statistics.column_sums import add_moments
from lamina.sums import UNIT, ExactSum, Floats, divide


class Moments:
    """Count, sum and sum of squares of each column: exact, so that merged parts are the whole to the last bit.

    Attributes:
        width: Number of columns.
        count: Rows.

    Example:
        >>> numbers = Moments(1)
        >>> numbers.add(np.array([[1.0], [2.0], [6.0]]))
        >>> numbers.mean().tolist(), numbers.variance().round(3).tolist()
        ([3.0], [4.667])
    """

    def __init__(self, width: int = 1) -> None:
        self.width = width
        self.count = 0
        self._sum, self._squares = ExactSum(width), ExactSum(width)

    def add(self, rows: np.ndarray) -> None:
        """Add ``[rows, width]`` finite numbers."""
        self.count += len(rows)
        add_moments(self._sum, self._squares, rows)

    def merge(self, other: Moments) -> None:
        """Add all that another one of the same width holds."""
        self.count += other.count
        self._sum.merge(other._sum)
        self._squares.merge(other._squares)

    def total(self) -> Floats:
        """Sums, ``[width]``, correctly rounded."""
        return self._sum.values()

    def mean(self) -> Floats:
        """Means, ``[width]``, correctly rounded; NaN without rows."""
        return np.array([divide(self._sum.total(i), self.count * UNIT) if self.count else math.nan for i in range(self.width)])

    def _fractions(self, *, corrected: bool) -> list[tuple[int, int]]:
        """Variances as whole numbers over each other; none without rows."""
        n = self.count
        below = n - 1 if corrected else n
        if below <= 0:
            return []
        tops = [n * self._squares.total(i) * UNIT - self._sum.total(i) ** 2 for i in range(self.width)]
        return [(top, n * below * UNIT * UNIT) for top in tops]

    def variance(self, *, corrected: bool = False) -> Floats:
        """Variances of the population, ``[width]``, correctly rounded; NaN without rows.

        Args:
            corrected: Divide by one less than the rows, as for a sample; NaN where there is only one.
        """
        found = self._fractions(corrected=corrected)
        return np.array([divide(*pair) for pair in found]) if found else np.full(self.width, math.nan)

    def deviation(self, *, corrected: bool = False) -> Floats:
        """Standard deviations, ``[width]``; 0 where they are only what rounding makes of a constant."""
        found = self._fractions(corrected=corrected)
        spread = np.array([_root(*pair) for pair in found]) if found else np.full(self.width, math.nan)
        centre = np.abs(self.mean())
        return np.where(spread <= 10 * np.finfo(np.float64).eps * centre, 0.0, spread)

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        return {"width": self.width, "count": self.count, "sum": self._sum.state_dict(), "squares": self._squares.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.width, self.count = int(state["width"]), int(state["count"])
        self._sum = ExactSum(self.width).load_state_dict(state["sum"])
        self._squares = ExactSum(self.width).load_state_dict(state["squares"])
        return self


class Extremes:
    """The smallest and the largest number of each column.

    Attributes:
        width: Number of columns.
        low: Smallest, ``[width]``; infinity without rows.
        high: Largest, ``[width]``; minus infinity without rows.
        low_count: How many numbers are the smallest, ``[width]``.
    """

    def __init__(self, width: int = 1) -> None:
        self.width = width
        self.low, self.high = np.full(width, math.inf), np.full(width, -math.inf)
        self.low_count = np.zeros(width, np.int64)

    def add(self, rows: np.ndarray) -> None:
        """Add ``[rows, width]`` numbers."""
        if len(rows):
            low = rows.min(axis=0)
            self._count(low, (rows == low).sum(axis=0))
            self.low = np.minimum(self.low, low)
            self.high = np.maximum(self.high, rows.max(axis=0))

    def _count(self, low: np.ndarray, count: np.ndarray) -> None:
        self.low_count = np.where(low < self.low, count, np.where(low == self.low, self.low_count + count, self.low_count))

    def merge(self, other: Extremes) -> None:
        """Add all that another one of the same width holds."""
        self._count(other.low, other.low_count)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        ends = {"low": [value.hex() for value in self.low.tolist()], "high": [value.hex() for value in self.high.tolist()]}
        return {**ends, "low_count": self.low_count.tolist()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.low, self.high = (np.array([float.fromhex(value) for value in state[end]]) for end in ("low", "high"))
        self.low_count = np.array(state["low_count"], np.int64)
        self.width = len(self.low)
        return self


def _root(top: int, bottom: int) -> float:
    """The square root of a quotient, also where the quotient is beyond float64."""
    shift = max(0, top.bit_length() - bottom.bit_length() - 1000) // 2 if top else 0
    if top and bottom.bit_length() - top.bit_length() > 1000:
        shift = -((bottom.bit_length() - top.bit_length() - 1000) // 2 + 1)
    scaled = divide(top, bottom << (2 * shift)) if shift >= 0 else divide(top << (-2 * shift), bottom)
    return math.ldexp(math.sqrt(scaled), shift)
