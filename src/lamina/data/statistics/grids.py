"""Counts of values on a grid that grows coarser when it holds too many: what it holds depends on the values alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from lamina.sums import Floats, Integers


class Grid:
    """Distinct buckets of values and how many values fell into each.

    Buckets of one level are parts of the buckets of the next, and the level is the finest at which there are no more than
    ``limit`` of them. So the grid of a whole is the grid of its merged parts, however they were made and ordered.

    Attributes:
        limit: Most buckets.
        level: How coarse it is; at `FINEST` every value has a bucket of its own.
        edges: Where buckets begin, ascending.
        counts: Values in each.
    """

    FINEST: ClassVar[int]
    COARSEST: ClassVar[int]

    def __init__(self, limit: int, edges: Floats | None = None, counts: Integers | None = None) -> None:
        self.limit = limit
        self.level = self.FINEST
        self.edges = np.zeros(0) if edges is None else edges
        self.counts = np.zeros(0, np.int64) if counts is None else counts

    def floor(self, values: Floats, level: int) -> Floats:
        """The edge of each value's bucket."""
        raise NotImplementedError

    def bounds(self, edges: Floats) -> tuple[Floats, Floats]:
        """Between which numbers the values of buckets lie."""
        raise NotImplementedError

    def add(self, values: Floats, counts: Integers) -> None:
        """Add distinct values, ascending, and how often each is there."""
        self.edges = np.concatenate([self.edges, self.floor(values, self.level)])
        self.counts = np.concatenate([self.counts, counts])
        order = np.argsort(self.edges, kind="stable")
        self.edges, self.counts = _joined(self.edges[order], self.counts[order])
        self._shrink()

    def merge(self, other: Grid) -> None:
        """Add all that another grid of the same kind and limit holds."""
        if other.level > self.level:
            self.level = other.level
            self.edges, self.counts = _joined(self.floor(self.edges, self.level), self.counts)
        self.add(other.edges, other.counts)

    def _shrink(self) -> None:
        if len(self.edges) <= self.limit:
            return
        low, high = self.level, self.COARSEST  # too fine, and coarse enough
        while high - low > 1:
            middle = (low + high) // 2
            if _distinct(self.floor(self.edges, middle)) <= self.limit:
                high = middle
            else:
                low = middle
        self.level = high
        self.edges, self.counts = _joined(self.floor(self.edges, high), self.counts)

    @property
    def exact(self) -> bool:
        """Whether every bucket holds one value only."""
        return self.level == self.FINEST

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        packed = {"edges": self.edges.astype("<f8"), "counts": self.counts.astype("<i8")}
        return {"level": self.level, **{name: base64.b64encode(part.tobytes()).decode() for name, part in packed.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.level = int(state["level"])
        self.edges = np.frombuffer(base64.b64decode(state["edges"]), "<f8").astype(np.float64)
        self.counts = np.frombuffer(base64.b64decode(state["counts"]), "<i8").astype(np.int64)
        return self


class EvenGrid(Grid):
    """Buckets of equal width, a power of two: fine for what lies together, however far from zero."""

    FINEST = -1075
    COARSEST = 1020

    def floor(self, values: Floats, level: int) -> Floats:
        if level <= -1074:
            return values
        with np.errstate(over="ignore"):
            scaled = np.ldexp(values, -level)
            near = np.ldexp(np.where((scaled == 0) & (values < 0), -1.0, np.floor(scaled)), level)  # too small to be scaled down
        # A number with no bits below the level stays as it is; scaled up it could overflow.
        return np.where(np.abs(values) >= np.ldexp(1.0, min(level + 53, 1023)), values, near) if level + 53 <= 1023 else near

    def bounds(self, edges: Floats) -> tuple[Floats, Floats]:
        return (edges, edges) if self.exact else (edges, edges + np.ldexp(1.0, self.level))


class RelativeGrid(Grid):
    """Buckets that grow with the value, so many to each doubling: fine for what spans many powers of ten."""

    FINEST = 0
    COARSEST = 62

    def floor(self, values: Floats, level: int) -> Floats:
        if level <= 0:
            return values
        bits = np.ascontiguousarray(values).view(np.int64) & ~np.int64((1 << level) - 1)
        return bits.view(np.float64) + 0.0  # no minus zero

    def bounds(self, edges: Floats) -> tuple[Floats, Floats]:
        if self.exact:
            return edges, edges
        outer = (np.abs(edges).view(np.int64) + np.int64(1 << self.level)).view(np.float64)
        outer = np.where(np.isfinite(outer), outer, np.finfo(np.float64).max)
        low = np.where(edges > 0, edges, -outer)
        return low, np.where(edges < 0, edges, outer)


def _distinct(ascending: Floats) -> int:
    return 1 + int(np.count_nonzero(ascending[1:] != ascending[:-1])) if ascending.size else 0


def _joined(ascending: Floats, counts: Integers) -> tuple[Floats, Integers]:
    """Equal neighbours as one."""
    if not ascending.size:
        return ascending, counts
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    return ascending[starts], np.add.reduceat(counts, starts)
