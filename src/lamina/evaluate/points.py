"""A sample of points to draw that does not depend on order or split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lamina.evaluate.exact import Floats

LIMIT = 500
"""Points kept for each column."""


class PointSample:
    """Of each column, the distinct (prediction, target) pairs with the smallest hash.

    The hash depends on the values alone, so any order and any split keep the same points: the smallest of a union are among
    the smallest of its parts.

    Attributes:
        width: Number of columns.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._kept = [np.zeros((0, 2)) for _ in range(width)]

    def add(self, predictions: Floats, targets: Floats) -> None:
        """Look at ``[rows, columns]`` of pairs; columns beyond `width` are left alone."""
        for column in range(self.width):
            # Adding 0 turns -0.0 into 0.0, which is the same point.
            self._keep(column, np.stack([predictions[:, column], targets[:, column]], axis=1) + 0.0)

    def merge(self, other: PointSample) -> None:
        """Look at all that another sample kept."""
        for column, kept in enumerate(other._kept):
            self._keep(column, kept)

    def _keep(self, column: int, pairs: Floats) -> None:
        known = np.concatenate([self._kept[column], pairs])
        key = _hash(known)
        if len(known) > LIMIT:
            # Duplicates must go before the smallest are chosen, or a frequent pair would crowd out the others.
            limit = self._kept[column].shape[0] == LIMIT
            if limit:
                near = key <= key[:LIMIT].max()
                known, key = known[near], key[near]
        order = np.lexsort((known[:, 1], known[:, 0], key))
        known = known[order]
        fresh = np.ones(len(known), dtype=bool)
        fresh[1:] = (known[1:] != known[:-1]).any(axis=1)
        self._kept[column] = known[fresh][:LIMIT]

    def columns(self) -> Iterator[tuple[Floats, Floats]]:
        """Predictions and targets of each column's points."""
        for kept in self._kept:
            yield kept[:, 0], kept[:, 1]

    def state_dict(self) -> dict[str, Any]:
        """Plain data that `load_state_dict` reads back."""
        return {"kept": [kept.tolist() for kept in self._kept]}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state."""
        self._kept = [np.array(kept, dtype=np.float64).reshape(-1, 2) for kept in state["kept"]]
        self.width = len(self._kept)
        return self


def _hash(pairs: Floats) -> NDArray[np.uint64]:
    """Splitmix64 (Steele, Lea and Flood, 2014) over the bits of both numbers."""
    bits = np.ascontiguousarray(pairs).view(np.uint64)
    return _mix(_mix(bits[:, 0]) ^ (bits[:, 1] + np.uint64(0x9E3779B97F4A7C15)))


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
