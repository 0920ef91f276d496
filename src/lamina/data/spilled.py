"""Rows of a table in files of their own: numbers and the places of ones, one row behind the other."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.caching.cache import unkeepable
from lamina.data.encoded import Part, encoded
from lamina.data.lazy import Address, LazyArray
from lamina.data.stored import Stored

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from typing import BinaryIO

PREFIX, LOCK = "table-", "in-use"
NUMBER: np.dtype[Any] = np.dtype(np.float64)
PLACE: np.dtype[Any] = np.dtype(np.int32)


class Spill:
    """A folder for the rows of one table; gone with the last array that reads from it, or with the process.

    Args:
        folder: In which it is made.
        limit: Bytes that its files may take; None: what is free.

    Attributes:
        path: The folder.
        remove: Removes it at once.

    Raises:
        DataError: DA188, if the folder can't be made.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.limit = limit
        self._count = self._bytes = 0
        with self.writing():
            folder.mkdir(parents=True, exist_ok=True)
            _tidy(folder)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
            lock = _locked(self.path)
        self.remove = weakref.finalize(self, _removed, self.path, lock)

    def file(self, ending: str) -> Path:
        """A name that is not taken yet."""
        self._count += 1
        return self.path / f"{self._count}{ending}"

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Where something is written: what the system says about it, for the user."""
        try:
            yield
        except OSError as error:
            raise unkeepable(
                got=f"{error.strerror or error}",
                cause="the disk is full, or the folder can't be written to",
                fix="free some space, or name another folder: cache: {type: disk, path: FOLDER}",
            ) from error

    def wrote(self, size: int) -> None:
        """Count what was written.

        Raises:
            DataError: DA188, beyond the limit.
        """
        self._bytes += size
        if self.limit is not None and self._bytes > self.limit:
            raise unkeepable(
                got=f"more than {self.limit:,} bytes of rows",
                cause="numbers take eight bytes each and categories four, beside the rows as they were read",
                fix="raise limit, or leave it out",
            )


class RowWriter:
    """Writes the encoded columns of one input, block by block.

    Args:
        spill: Where.
        dims: Axes of a sample.
    """

    def __init__(self, spill: Spill, dims: tuple[int, ...]) -> None:
        self._spill, self._dims = spill, dims
        self._paths = spill.file(".numbers"), spill.file(".places")
        self._files: list[BinaryIO] = [path.open("wb") for path in self._paths]
        self._layout: list[tuple[int, bool]] = []
        self._rows = 0

    def write(self, parts: Sequence[Part]) -> None:
        """Add rows: their columns, as `lamina.data.encoded.EncodedRows` takes them."""
        self._layout = [(width, hot) for _, width, hot in parts]
        rows = len(parts[0][0])
        numbers = [values.reshape(rows, width) for values, width, hot in parts if not hot]
        places = [values[:, None] for values, _, hot in parts if hot]
        for file, columns, dtype in zip(self._files, (numbers, places), (NUMBER, PLACE), strict=True):
            if columns:
                block = np.ascontiguousarray(np.concatenate(columns, axis=1), dtype)
                with self._spill.writing():
                    file.write(block.data)
                self._spill.wrote(block.nbytes)
        self._rows += rows

    def close(self) -> None:
        """Write no more."""
        with self._spill.writing():
            for file in self._files:
                file.close()

    def rows(self) -> SpilledRows:
        """What was written."""
        self.close()
        widths = sum(width for width, hot in self._layout if not hot), sum(hot for _, hot in self._layout)
        arrays = [
            Stored(np.memmap(path, dtype, "r", shape=(self._rows, width))) if self._rows and width else None
            for path, dtype, width in zip(self._paths, (NUMBER, PLACE), widths, strict=True)
        ]
        return SpilledRows(self._spill, arrays[0], arrays[1], self._layout, (self._rows, *self._dims))


class SpilledRows(LazyArray):
    """Samples ``[rows, ...]`` of encoded columns in files, float64; only what is asked for is read.

    Args:
        spill: The folder of the files, which lives as long as this.
        numbers: ``[rows, numbers]``, if there are any.
        places: ``[rows, categories]``, if there are any.
        layout: For each column how many places of a row it takes, and whether they are places of a one.
        shape: Samples first.
    """

    steady, draws = True, False

    def __init__(
        self, spill: Spill, numbers: Stored | None, places: Stored | None, layout: Sequence[tuple[int, bool]], shape: tuple[int, ...]
    ) -> None:
        self._spill, self._numbers, self._places, self._layout = spill, numbers, places, tuple(layout)
        self.shape, self.dtype = shape, NUMBER

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        found = [None if stored is None else stored.take(indices) for stored in (self._numbers, self._places)]
        parts: list[Part] = []
        starts = [0, 0]
        for width, hot in self._layout:
            values, own = found[hot], 1 if hot else width
            if values is not None:
                chosen = values[:, starts[hot] : starts[hot] + own]
                parts.append((chosen[:, 0] if hot else chosen, width, hot))
            starts[hot] += own
        return encoded(parts, self.shape[1:], slice(None)) if parts else np.zeros((len(indices), *self.shape[1:]))

    def place(self, number: int) -> np.ndarray:
        """One place of every row, float64."""
        return np.concatenate([block.reshape(len(block), -1)[:, number] for _, block in self.blocks()])


def _locked(folder: Path) -> BinaryIO | None:
    """A file that is locked as long as this process lives, however it ends; it has its name only when it is locked."""
    if fcntl is None:
        return None
    file = (folder / "locking").open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    (folder / "locking").rename(folder / LOCK)
    return file


def _removed(folder: Path, lock: BinaryIO | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        lock.close()


def _tidy(folder: Path) -> None:
    """Remove what processes left that were killed."""
    if fcntl is None:
        return
    for path in folder.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
