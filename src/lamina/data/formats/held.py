"""Arrays in files, by name: what they are is known, and their values are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.lazy import Address, LazyArray
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.lazy import Samples

IN_MEMORY_BYTES = 256 << 20
"""Up to this size arrays that can't be mapped into memory are read as a whole."""


class Held:
    """An array in a file.

    Args:
        where: The file and the array in it, for messages.
        shape: As the file says; checked against its size.
        dtype: As the file says; any byte order.
        rows: Reads some rows: takes the number of the first, and that behind the last.
        samples: The whole as an array or a mapped file, if that is possible; by default rows are read when they are asked for.
    """

    def __init__(
        self,
        where: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        rows: Callable[[int, int], np.ndarray],
        samples: Callable[[], Samples] | None = None,
    ) -> None:
        self.where, self.shape, self.dtype = where, shape, dtype
        self._rows, self._samples = rows, samples

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows ``start`` to ``stop`` (not with it), in the byte order of this machine."""
        return native(self._rows(start, stop))

    def samples(self) -> Samples:
        """The whole: in memory if it is small, else still in its file."""
        if self._samples is not None:
            return self._samples()
        if self.nbytes <= IN_MEMORY_BYTES:
            return self.rows(0, self.shape[0])
        return HeldRows(self)


class HeldRows(LazyArray):
    """The rows of an array in a file, read when they are asked for; neighbours are read at once.

    Args:
        held: The array.
    """

    steady = True

    def __init__(self, held: Held) -> None:
        self.held = held
        self.shape, self.dtype = held.shape, held.dtype.newbyteorder("=")

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        places = np.asarray(indices, dtype=np.int64)
        taken = np.empty((len(places), *self.shape[1:]), self.dtype)
        if not len(places):
            return taken
        if not 0 <= places.min() <= places.max() < len(self):
            message = f"there are {len(self)} samples, but one of the numbers {places.min()} to {places.max()} was asked for"
            raise IndexError(message)
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        cuts = [0, *(np.flatnonzero(np.diff(ordered) > 1) + 1).tolist(), len(ordered)]
        for begin, end in zip(cuts, cuts[1:], strict=False):
            first = int(ordered[begin])
            block = self.held.rows(first, int(ordered[end - 1]) + 1)
            taken[order[begin:end]] = block[ordered[begin:end] - first]
        return taken


def native(array: np.ndarray) -> np.ndarray:
    """The same values in the byte order of this machine."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def refuse_kind(where: str, dtype: object, *, cause: str = "", fix: str = "") -> DataError:
    """DA062, for arrays of what is no number, truth, text or time."""
    return DataError(
        "DA062",
        where=where,
        expected="an array of numbers, true/false, text or times, or a structured one of these",
        got=str(dtype),
        cause=cause or "neither tables nor networks have a place for such values",
        fix=fix or "store numbers or text instead",
    )
