"""Quantiles in one pass: exact while a column has few distinct values, and then to a known error of the rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from lamina.data.statistics.grids import EvenGrid, Grid, RelativeGrid
from lamina.sums import Floats, Integers

LIMIT = 1 << 17
"""Distinct values of a column up to which its quantiles are exact."""


class Ranks:
    """The distribution of one column: how many values lie where.

    Up to ``limit`` distinct values all of them are kept and everything is exact. Above, values are counted in buckets on two
    grids, one even and one that grows with the value, and the finer at the place asked for answers; `error` says how far a
    rank can be off. Either way the answer depends on the values alone, not on their order or how they were split.

    Attributes:
        limit: Distinct values, and then buckets, that are kept.
        count: Values.
        low: The smallest.
        high: The largest.

    Example:
        >>> ranks = Ranks()
        >>> ranks.add(np.arange(11.0))
        >>> ranks.quantiles([0.5, 0.95]).tolist(), ranks.error
        ([5.0, 9.5], 0.0)
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = max(limit, 64)
        self.count = 0
        self.low, self.high = math.inf, -math.inf
        self._even: Grid = EvenGrid(self.limit)
        self._relative: Grid | None = None  # while all is exact, one grid is enough
        self._waiting: list[Floats] = []
        self._room = self.limit

    def add(self, values: ArrayLike) -> None:
        """Add finite numbers of any shape."""
        flat = np.asarray(values).ravel()
        if not flat.size:
            return
        self.count += flat.size
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        for start in range(0, flat.size, self.limit):
            part = flat[start : start + self.limit].astype(np.float64) + 0.0  # a copy, and no minus zero
            self._waiting.append(part)
            self._room -= part.size
            if self._room <= 0:
                self._sort()

    def _sort(self) -> None:
        if self._waiting:
            values, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
            self._waiting, self._room = [], self.limit
            self._count(values, counts.astype(np.int64))

    def _count(self, values: Floats, counts: Integers) -> None:
        if self._relative is not None:
            self._relative.add(values, counts)
        elif len(self._even.edges) + len(values) > self.limit:
            # Perhaps too many: both grids then start from what is still exact.
            both = RelativeGrid(self.limit, self._even.edges, self._even.counts)
            both.add(values, counts)
            self._relative = None if both.exact else both
        self._even.add(values, counts)

    def merge(self, other: Ranks) -> None:
        """Add all that another one of the same limit holds."""
        self._sort()
        other._sort()
        self.count += other.count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        if other._relative is None:
            self._count(other._even.edges, other._even.counts)
            return
        if self._relative is None:
            self._relative = RelativeGrid(self.limit, self._even.edges, self._even.counts)
        self._relative.merge(other._relative)
        self._even.merge(other._even)

    # -- answers --------------------------------------------------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether every distinct value is known."""
        self._sort()
        return self._relative is None

    @property
    def distinct(self) -> int | None:
        """How many values differ; None where there are more than ``limit``."""
        return len(self._even.edges) if self.exact else None

    @property
    def error(self) -> float:
        """The largest error of a rank, as a share of all values: 0 while exact."""
        if self.exact or self._relative is None:
            return 0.0
        return min(int(grid.counts.max()) for grid in (self._even, self._relative)) / self.count

    def pairs(self) -> tuple[Floats, Integers]:
        """Values, ascending, and how often each is there; beyond ``limit`` distinct values, the middles of buckets."""
        if self.exact or self._relative is None:
            return self._even.edges, self._even.counts
        grid = min(self._even, self._relative, key=lambda grid: int(grid.counts.max()))
        low, high = (np.clip(end, self.low, self.high) for end in grid.bounds(grid.edges))
        return low + (high - low) / 2, grid.counts

    def quantiles(self, shares: ArrayLike) -> Floats:
        """The values below which these shares of all lie; linear between neighbours, as NumPy's default.

        Args:
            shares: From 0 to 1, one axis.
        """
        wanted = np.asarray(shares, dtype=np.float64)
        if not self.count:
            return np.full(wanted.shape, math.nan)
        place = (self.count - 1) * wanted
        below = np.floor(place)
        rest = place - below
        first = self._at(below.astype(np.int64))
        second = self._at(np.minimum(below.astype(np.int64) + 1, self.count - 1))
        # As numpy.quantile: from the nearer end, so that nothing overshoots.
        step = second - first
        return np.where(rest >= 0.5, second - step * (1 - rest), first + step * rest)

    def _at(self, ranks: Integers) -> Floats:
        """Values of these ranks, counted from 0."""
        if self.exact or self._relative is None:
            return self._even.edges[np.searchsorted(np.cumsum(self._even.counts), ranks, side="right")]
        answers = [self._estimate(grid, ranks) for grid in (self._even, self._relative)]
        (even, held_even), (relative, held_relative) = answers
        return np.where(held_even <= held_relative, even, relative)

    def _estimate(self, grid: Grid, ranks: Integers) -> tuple[Floats, Integers]:
        """Values of ranks, and how many values are in the bucket of each."""
        ends = np.cumsum(grid.counts)
        place = np.searchsorted(ends, ranks, side="right")
        low, high = (np.clip(end, self.low, self.high) for end in grid.bounds(grid.edges[place]))
        inside = (ranks - (ends[place] - grid.counts[place]) + 0.5) / grid.counts[place]
        found = low + (high - low) * inside
        found = np.where(ranks == 0, self.low, np.where(ranks == self.count - 1, self.high, found))
        return found, grid.counts[place]

    def below(self, points: ArrayLike) -> Floats:
        """How many values are at most each point: whole numbers while exact, else fractions of the buckets met."""
        given = np.asarray(points, dtype=np.float64)
        self._sort()
        if self._relative is None:
            ends = np.concatenate([[0], np.cumsum(self._even.counts)])
            return ends[np.searchsorted(self._even.edges, given, side="right")].astype(np.float64)
        grid = min(self._even, self._relative, key=lambda grid: int(grid.counts.max()))
        low, high = (np.clip(end, self.low, self.high) for end in grid.bounds(grid.edges))
        ends = np.concatenate([[0.0], np.cumsum(grid.counts)])
        place = np.clip(np.searchsorted(low, given, side="right") - 1, 0, len(low) - 1)
        width = high[place] - low[place]
        share = np.clip(np.divide(given - low[place], width, out=np.ones_like(given), where=width > 0), 0.0, 1.0)
        inside = ends[place] + share * grid.counts[place]
        return np.where(given < self.low, 0.0, np.where(given >= self.high, float(self.count), inside))

    # -- keeping --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        self._sort()
        return {
            "limit": self.limit,
            "count": self.count,
            "range": [self.low.hex(), self.high.hex()],
            "even": self._even.state_dict(),
            "relative": None if self._relative is None else self._relative.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.limit, self.count = int(state["limit"]), int(state["count"])
        self.low, self.high = (float.fromhex(end) for end in state["range"])
        self._waiting, self._room = [], self.limit
        self._even = EvenGrid(self.limit).load_state_dict(state["even"])
        self._relative = None if state["relative"] is None else RelativeGrid(self.limit).load_state_dict(state["relative"])
        return self


def limit_for(width: int) -> int:
    """Distinct values to keep of each of so many columns, so that memory stays bounded.

    Example:
        >>> limit_for(1), limit_for(1000)
        (131072, 8388)
    """
    return max(1024, min(LIMIT, (1 << 23) // max(1, width)))
