"""Rounds through the samples of each class, by place."""

from __future__ import annotations

import numpy as np

from lamina.data.orders import Order, shuffled


class ByRounds(Order):
    """Class after class; in each, round after round through its samples.

    Args:
        members: All samples, class after class.
        counts: Samples of each class.
        wanted: Places of each class.
        seed: Of the random part that the last round takes.
        epoch: For which it is.
    """

    def __init__(self, members: np.ndarray, counts: np.ndarray, wanted: np.ndarray, seed: int, epoch: int) -> None:
        self.size = int(wanted.sum())
        self.repeats = bool((wanted > counts).any())
        self._members, self._counts = members, counts
        self._begins, self._ends = np.cumsum(counts) - counts, np.cumsum(wanted)
        self._starts, self._full = self._ends - wanted, wanted // np.maximum(counts, 1)
        self._seed, self._epoch = seed, epoch
        self._parts: dict[int, Order] = {}

    def at(self, places: np.ndarray) -> np.ndarray:
        owners, turns, inside = self._located(places)
        last = turns == self._full[owners]
        for owner in np.unique(owners[last]).tolist():
            rows = np.flatnonzero(last & (owners == owner))
            inside[rows] = self._part(owner).at(inside[rows])
        found: np.ndarray = self._members[self._begins[owners] + inside]
        return found

    def turns(self, places: np.ndarray) -> np.ndarray:
        return self._located(places)[1]

    def _located(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each place the class, the round, and the place in it."""
        places = np.asarray(places, dtype=np.int64)
        owners = np.searchsorted(self._ends, places, side="right")
        turns, inside = np.divmod(places - self._starts[owners], self._counts[owners])
        return owners, turns, inside

    def _part(self, owner: int) -> Order:
        if owner not in self._parts:
            self._parts[owner] = shuffled(int(self._counts[owner]), self._seed, "rounds", self._epoch, owner)
        return self._parts[owner]
