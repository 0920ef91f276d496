"""Sparse rows that become dense when they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.data.lazy import Address, LazyArray


class SparseRows(LazyArray):
    """The rows of a sparse matrix, dense batch by batch.

    Args:
        starts: Where the values of each row begin, and where the last one's end.
        columns: Of each value.
        values: Beside them.
        width: Columns there are.

    Example:
        >>> rows = SparseRows(np.array([0, 2, 2]), np.array([0, 3]), np.array([1.5, 2.0]), width=4)
        >>> rows[:].tolist()
        [[1.5, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]
    """

    steady = True

    def __init__(self, starts: np.ndarray, columns: np.ndarray, values: np.ndarray, width: int) -> None:
        self.starts, self.columns, self.values = starts.astype(np.int64), columns, values
        self.shape, self.dtype = (len(starts) - 1, width), values.dtype

    @classmethod
    def of(cls, matrix: Any) -> SparseRows:
        """The rows of a matrix of SciPy."""
        rows = matrix.tocsr()
        rows.sum_duplicates()
        return cls(rows.indptr, rows.indices, rows.data, rows.shape[1])

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        places = np.asarray(indices, dtype=np.int64)
        dense = np.zeros((len(places), self.shape[1]), self.dtype)
        counts = self.starts[places + 1] - self.starts[places]
        rows = np.repeat(np.arange(len(places)), counts)
        # The number of each value within its row, from where the row begins.
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        found = np.repeat(self.starts[places], counts) + within
        dense[rows, self.columns[found]] = self.values[found]
        return dense
