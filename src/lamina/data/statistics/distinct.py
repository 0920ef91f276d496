"""How many values differ, and how many two columns share: exactly, or from the smallest hashes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from lamina.data.statistics.hashing import Hashes

KEPT = 1 << 16
"""Hashes that are kept. Above, the count has a standard error of ``1 / sqrt(KEPT)``, 0.4 %."""


class Distinct:
    """The smallest hashes of the values of a column (K. Beyer and others, On synopses for distinct-value estimation, 2007).

    Which they are depends on the values alone: merged parts are the whole.

    Example:
        >>> from lamina.data.statistics.hashing import number_hashes
        >>> few = Distinct()
        >>> few.add(number_hashes(np.array([1, 2, 2, 3])))
        >>> few.count, few.exact
        (3, True)
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self._hashes = np.zeros(0, np.uint64)
        self._full = False

    def add(self, hashes: Hashes) -> None:
        """Add values by their hashes."""
        if self._full:
            hashes = hashes[hashes < self._hashes[-1]]
        if not len(hashes):
            return
        found = _ascending(np.concatenate([self._hashes, hashes.astype(np.uint64, copy=False)]))
        self._full = self._full or len(found) > self.kept
        self._hashes = found[: self.kept]

    def merge(self, other: Distinct) -> None:
        """Add all that another one holds."""
        found = _ascending(np.concatenate([self._hashes, other._hashes]))
        # What lies above the last hash of a full one was partly thrown away.
        for full in (self, other):
            if full._full:
                found = found[found <= full._hashes[-1]]
        self._full = self._full or other._full or len(found) > self.kept
        self._hashes = found[: self.kept]

    @property
    def exact(self) -> bool:
        """Whether the count is one, and no estimate."""
        return not self._full

    @property
    def error(self) -> float:
        """Standard error of the count, relative; 0 if it is exact."""
        return 0.0 if self.exact else float(1 / np.sqrt(max(1, len(self._hashes) - 2)))

    @property
    def count(self) -> int:
        """How many values differ."""
        return len(self._hashes) if self.exact else round((len(self._hashes) - 1) / self._reach())

    def _reach(self) -> float:
        """The share of all possible hashes up to the largest kept."""
        return (float(self._hashes[-1]) + 1) / 2.0**64

    def shared(self, other: Distinct) -> int:
        """How many values are in both; estimated as the count is."""
        limit = min((part._hashes[-1] for part in (self, other) if part._full), default=None)
        mine, theirs = (part._hashes if limit is None else part._hashes[part._hashes <= limit] for part in (self, other))
        both = len(np.intersect1d(mine, theirs, assume_unique=True))
        return both if limit is None else round(both / ((float(limit) + 1) / 2.0**64))

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        return {"kept": self.kept, "full": self._full, "hashes": base64.b64encode(self._hashes.astype("<u8").tobytes()).decode()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.kept, self._full = int(state["kept"]), bool(state["full"])
        self._hashes = np.frombuffer(base64.b64decode(state["hashes"]), "<u8").astype(np.uint64)
        return self


def _ascending(hashes: Hashes) -> Hashes:
    """Sorted, each once; by sorting, which for many different ones is faster than `numpy.unique`."""
    hashes.sort()
    first = np.ones(len(hashes), bool)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]
