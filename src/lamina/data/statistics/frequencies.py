"""How often each value is there: all of them, or the frequent ones to a known error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

KEPT = 1 << 15
"""Different values that are counted."""


class Frequencies:
    """Counts of texts.

    Up to ``kept`` different ones all are counted exactly. Above, those that are rarest are given up, and the counts of the
    others are too small by at most `error` (P. Agarwal and others, Mergeable summaries, 2012): each that is there more often
    is still among them.

    Attributes:
        kept: Different texts that are counted.
        total: Of all counts.
        error: By how much a count may be too small; 0 while all are exact.

    Example:
        >>> words = Frequencies()
        >>> words.add(["a", "b"], [3, 1])
        >>> words.add(["a"], [1])
        >>> words.most(1)
        [('a', 4)]
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self.total = 0
        self.error = 0
        self._counts: dict[str, int] = {}

    def add(self, values: Sequence[str], counts: Sequence[int]) -> None:
        """Add different values and how often each is there."""
        own = self._counts
        for value, count in zip(values, counts, strict=True):
            own[value] = own.get(value, 0) + count
        self.total += sum(counts)
        self._shrink()

    def merge(self, other: Frequencies) -> None:
        """Add all that another one holds."""
        for value, count in other._counts.items():
            self._counts[value] = self._counts.get(value, 0) + count
        self.total += other.total
        self.error += other.error
        self._shrink()

    def _shrink(self) -> None:
        if len(self._counts) <= self.kept:
            return
        # To half of what is kept, so that this is rare.
        less = sorted(self._counts.values(), reverse=True)[self.kept // 2]
        self._counts = {value: count - less for value, count in self._counts.items() if count > less}
        self.error += less

    @property
    def exact(self) -> bool:
        """Whether all values are there, with their counts."""
        return self.error == 0

    def most(self, count: int | None = None) -> list[tuple[str, int]]:
        """The most frequent values and their counts; equally frequent ones in the order of the alphabet."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return ordered if count is None else ordered[:count]

    def __getitem__(self, value: str) -> int:
        return self._counts.get(value, 0)

    def __len__(self) -> int:
        return len(self._counts)

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        return {"kept": self.kept, "total": self.total, "error": self.error, "counts": dict(sorted(self._counts.items()))}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.kept, self.total, self.error = int(state["kept"]), int(state["total"]), int(state["error"])
        self._counts = {str(value): int(count) for value, count in state["counts"].items()}
        return self
