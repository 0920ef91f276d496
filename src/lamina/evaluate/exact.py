"""Exact sums (`lamina.sums`), and tables of exact counts made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from lamina.errors import EvaluationError
from lamina.sums import SCALE, UNIT, ExactSum, Floats, Integers, divide, exact_difference

__all__ = ["SCALE", "UNIT", "Counts", "ExactSum", "Floats", "Integers", "divide", "exact_difference"]


class Counts:
    """A table of counts by index: whole numbers, and exact sums where samples are weighted.

    Up to a million cells are held densely; larger tables hold only the cells that were met.

    Attributes:
        size: Number of cells.
    """

    DENSE_CELLS = 1 << 20

    def __init__(self, size: int) -> None:
        self.size = size
        self._dense = np.zeros(size, dtype=np.int64) if size <= self.DENSE_CELLS else None
        self._sparse: dict[int, int] = {}
        self._weighted = ExactSum(size)

    def add(self, at: Integers, weight: Floats | None = None) -> None:
        """Count indices; with weights, each counts as much as it weighs."""
        if weight is not None:
            self._weighted.add(weight, at=at)
        elif self._dense is not None:
            self._dense += np.bincount(at, minlength=self.size)
        else:
            cells, found = np.unique(at, return_counts=True)
            self._add_sparse(cells.tolist(), found.tolist())

    def _add_sparse(self, cells: Iterable[int], found: Iterable[int]) -> None:
        for cell, count in zip(cells, found, strict=True):
            self._sparse[cell] = self._sparse.get(cell, 0) + count

    def merge(self, other: Counts) -> None:
        """Add all that another table of the same size holds.

        Raises:
            EvaluationError: EV005, if the sizes differ.
        """
        if other.size != self.size:
            raise EvaluationError(
                "EV005",
                where="merging counts",
                expected=f"a table of {self.size} cells",
                got=f"one of {other.size}",
                cause="the two were started for different numbers of classes, columns or bins",
                fix="start both from the same evaluation and the same target",
            )
        if self._dense is not None and other._dense is not None:
            self._dense += other._dense
        self._add_sparse(other._sparse.keys(), other._sparse.values())
        self._weighted.merge(other._weighted)

    def cells(self) -> tuple[Integers, Floats]:
        """Indices of the cells that aren't zero, in order, and their counts."""
        heavy = self._weighted.places()
        if self._dense is not None:
            values = self._dense.astype(np.float64)
            for place in heavy:
                values[place] = divide(int(self._dense[place]) * UNIT + self._weighted.total(place), UNIT)
            (index,) = np.nonzero(values)
            return index.astype(np.int64), values[index]
        places = sorted({cell for cell, count in self._sparse.items() if count} | set(heavy))
        counts = [divide(self._sparse.get(p, 0) * UNIT + self._weighted.total(p), UNIT) for p in places]
        return np.array(places, dtype=np.int64), np.array(counts, dtype=np.float64)

    def values(self) -> Floats:
        """All counts, ``[size]``."""
        result = np.zeros(self.size)
        index, found = self.cells()
        result[index] = found
        return result

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        if self._dense is not None:
            (index,) = np.nonzero(self._dense)
            cells = [[int(i), int(self._dense[i])] for i in index]
        else:
            cells = [[cell, count] for cell, count in sorted(self._sparse.items()) if count]
        return {"size": self.size, "cells": cells, "weighted": self._weighted.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        fresh = Counts(int(state["size"]))
        self.size, self._dense, self._sparse = fresh.size, fresh._dense, {}
        for cell, count in state["cells"]:
            if self._dense is not None:
                self._dense[int(cell)] = int(count)
            else:
                self._sparse[int(cell)] = int(count)
        self._weighted = ExactSum(self.size).load_state_dict(state["weighted"])
        return self
