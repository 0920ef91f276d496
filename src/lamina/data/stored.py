"""Arrays in files, larger than memory: the samples asked for are read, and nothing else."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.lazy import Address, LazyArray

MAPPED_BYTES = 128 * 1024 * 1024
"""Up to this size a file may be in this process's memory as a whole, page by page as it is touched: that is faster for small samples."""


class Stored(LazyArray):
    """An array in a file that is mapped into memory (``np.load(path, mmap_mode="r")``, ``np.memmap``).

    Of large ones samples are read from the file, not touched in the map: what is touched counts as memory of this process until the
    system takes it back, and with it what lies around, up to 2 MiB for each sample.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "x.npy"
        >>> np.save(path, np.arange(6.0).reshape(3, 2))
        >>> Stored(np.load(path, mmap_mode="r"))[1:].tolist()
        [[2.0, 3.0], [4.0, 5.0]]
    """

    steady, draws = True, False

    def __init__(self, array: np.memmap[Any, Any]) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self._row = self.nbytes // max(1, len(self))
        self._file: tuple[int, int] | None = None
        if self.nbytes > MAPPED_BYTES and array.flags.c_contiguous:
            self._file = _opened(array)
        if self._file is not None:
            weakref.finalize(self, os.close, self._file[0])

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        if self._file is None:
            return np.array(np.asarray(self.array)[indices])
        places = np.asarray(indices, dtype=np.int64)
        if len(places) and not 0 <= places.min() <= places.max() < len(self):
            message = f"there are {len(self)} samples, but one of the numbers {places.min()} to {places.max()} was asked for"
            raise IndexError(message)
        taken = np.empty((len(places), *self.shape[1:]), self.dtype)
        if not taken.nbytes:
            return taken
        buffer, row, (file, offset) = taken.reshape(-1).view(np.uint8).data, self._row, self._file
        # Samples that follow each other in the file are read at once.
        cuts = [0, *(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]
        firsts = (places[cuts[:-1]] * row + offset).tolist()
        for begin, end, first in zip(cuts, cuts[1:], firsts, strict=False):
            _fill(file, buffer[begin * row : end * row], first)
        return taken


def _fill(file: int, buffer: memoryview, offset: int) -> None:
    done = 0
    while done < len(buffer):
        found = os.preadv(file, [buffer[done:]], offset + done)
        if found == 0:
            message = f"the file ends at byte {offset + done}; it was longer when it was opened"
            raise OSError(message)
        done += found


def _opened(array: np.memmap[Any, Any]) -> tuple[int, int] | None:
    """The file behind an array, opened once more, and where the array begins in it; None where that can't be relied upon."""
    # What was changed in a private copy ("c") stands in no file.
    if array.filename is None or array.mode == "c" or not hasattr(os, "preadv"):
        return None
    address = array.__array_interface__["data"][0]
    mapped: Any = vars(array)["_mmap"]
    base = np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
    try:
        file = os.open(array.filename, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    if os.fstat(file).st_ino == _mapped_inode(base):
        return file, start + address - base
    os.close(file)
    return None


def _mapped_inode(address: int) -> int | None:
    """Which file is mapped here: another one may stand under its name by now."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        ends, _, _, _, inode, *_ = line.split()
        low, high = (int(end, 16) for end in ends.split("-"))
        if low <= address < high:
            return int(inode)
    return None


def stored(array: Any) -> Stored | None:
    """An array that lies in a mapped file as a lazy array; None for any other."""
    return Stored(array) if isinstance(array, np.memmap) and getattr(array, "_mmap", None) is not None else None
