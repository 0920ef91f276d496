"""HDF5 files, bounded: data alone, of sizes that the file can honestly hold, and nothing from outside of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import InteropError
from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"\x89HDF\r\n\x1a\n"
FREE_BYTES = 64 * 1024 * 1024
"""What a data set may hold in any case ..."""
MOST_GROWTH = 24
"""... and how much more for each byte of the file."""
MOST_MEMBERS = 100_000
MOST_ATTRIBUTE = 64 * 1024 * 1024
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
"""Filters that are undone; others would load code."""
FAULTS = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError, UnicodeError)


def library(where: str) -> Any:
    """The module h5py.

    Raises:
        InteropError: IO020, if it isn't installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise InteropError(
            "IO020",
            where=where,
            expected="the package h5py, which reads and writes HDF5",
            got="an installation without it",
            cause="Keras keeps weights in HDF5, and h5py is an optional package",
            fix="pip install 'lamina[keras]'",
        ) from error
    return h5py


@dataclass(frozen=True)
class Stored:
    """An array in a file, not yet read.

    Attributes:
        name: What it is called there.
        shape: Its sizes.
        file: The file.
        path: Where it stands in it.
    """

    name: str
    shape: tuple[int, ...]
    file: Hdf5
    path: str

    def read(self) -> np.ndarray:
        """The numbers."""
        return self.file.array(self.path)


class Hdf5:
    """An HDF5 file.

    Args:
        source: The path, or the bytes.
        where: How messages call it.

    Raises:
        InteropError: IO002, if it is damaged; IO020, without h5py.
    """

    def __init__(self, source: Path | bytes, where: str) -> None:
        self.where = where
        self.size = len(source) if isinstance(source, bytes) else source.stat().st_size
        self._sizes: dict[str, int] = {}
        h5py = library(where)
        self._h5py = h5py
        with self._guard(""):
            self._file = h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r")

    @contextmanager
    def _guard(self, path: str) -> Iterator[None]:
        try:
            yield
        except InteropError:
            raise
        except FAULTS as error:
            raise damaged(
                where=f"{self.where}, {path}" if path else self.where,
                expected="a whole HDF5 file",
                got=(str(error) or type(error).__name__)[:200],
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._guard(""):
            self._file.close()

    def at(self, path: str) -> Any:
        """A group or data set, found along links that stay within the file.

        Raises:
            InteropError: IO002, if it isn't there; IO021, if a link leads elsewhere.
        """
        found = self._file
        with self._guard(path):
            for part in [part for part in path.split("/") if part]:
                link = found.get(part, getlink=True) if isinstance(found, self._h5py.Group) else None
                if link is None:
                    raise damaged(where=f"{self.where}, {path}", expected=f"a member {part!r}", got="none")
                if not isinstance(link, self._h5py.HardLink):
                    raise self._outside(path, f"a {type(link).__name__} to {getattr(link, 'path', '')!r}"[:200])
                found = found[part]
        return found

    def _outside(self, path: str, got: str) -> InteropError:
        return InteropError(
            "IO021",
            where=f"{self.where}, {path}",
            expected="data within the file itself",
            got=got,
            cause="HDF5 files can refer to other files and places; Keras writes no such thing, and nothing of the kind is followed",
            fix="get the model from someone you trust, or save it again with Keras",
        )

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        try:
            self.at(path)
        except InteropError as error:
            if error.problems[0].code == "IO021":
                raise
            return False
        return True

    def is_group(self, path: str) -> bool:
        """Whether a group stands there."""
        return isinstance(self.at(path), self._h5py.Group)

    def names(self, path: str = "") -> list[str]:
        """Names of the members of a group.

        Raises:
            InteropError: IO003, if there are too many.
        """
        group = self.at(path)
        with self._guard(path):
            if not isinstance(group, self._h5py.Group):
                return []
            if len(group) > MOST_MEMBERS:
                raise too_large(where=f"{self.where}, {path}", expected=f"at most {MOST_MEMBERS:,} members", got=f"{len(group):,}")
            return [str(name) for name in group]

    def attribute(self, path: str, name: str) -> Any:
        """An attribute as a text, a list of texts, or numbers; None if there is none."""
        found = self.at(path)
        with self._guard(f"{path}@{name}"):
            if name not in found.attrs:
                return None
            held = found.attrs.get_id(name)
            if 0 in held.shape:
                return []  # The library can't say how large nothing is.
            size = held.get_storage_size()
            if size > min(MOST_ATTRIBUTE, self.size + FREE_BYTES):
                raise too_large(where=f"{self.where}, {path}@{name}", expected="an attribute within the file", got=f"{size:,} bytes")
            return _plain(found.attrs[name])

    def texts(self, path: str, name: str) -> list[str] | None:
        """A list of texts; Keras cuts long ones into ``name0``, ``name1`` ..."""
        whole = self.attribute(path, name)
        if whole is None:
            parts: list[Any] = []
            while (part := self.attribute(path, f"{name}{len(parts)}")) is not None and len(parts) < MOST_MEMBERS:
                parts.append(part)
            if not parts:
                return None
            whole = [text for part in parts for text in (part if isinstance(part, list) else [part])]
        return [str(text) for text in (whole if isinstance(whole, list) else [whole])]

    def stored(self, path: str, name: str = "") -> Stored:
        """An array, its declared size compared with the file.

        Raises:
            InteropError: IO002, IO003 or IO021.
        """
        found = self.at(path)
        with self._guard(path):
            if not isinstance(found, self._h5py.Dataset):
                raise damaged(where=f"{self.where}, {path}", expected="an array", got=type(found).__name__)
            self._check(found, path)
            return Stored(name or path.rpartition("/")[2], tuple(int(size) for size in found.shape or ()), self, path)

    def _check(self, found: Any, path: str) -> None:
        where = f"{self.where}, {path}"
        if found.is_virtual or found.external:
            raise self._outside(path, "an array whose numbers stand in other files")
        if found.dtype.kind not in "fiub" or found.dtype.itemsize > 8:
            raise damaged(where=where, expected="numbers of at most 8 bytes", got=str(found.dtype)[:80])
        room = FREE_BYTES + MOST_GROWTH * self.size
        sizes = [found.dtype.itemsize, found.dtype.itemsize]
        for size in found.shape or ():
            sizes[0] *= int(size)
        for size in found.chunks or ():
            sizes[1] *= int(size)
        if max(sizes) > room:
            raise too_large(where=where, expected=f"at most {room:,} bytes in a file of {self.size:,}", got=f"{max(sizes):,} bytes")
        self._sizes[path] = sizes[0]
        if sum(self._sizes.values()) > room:
            raise too_large(where=where, expected=f"at most {room:,} bytes in all, in a file of {self.size:,}", got="more")
        properties = found.id.get_create_plist()
        kinds = [properties.get_filter(place)[0] for place in range(min(properties.get_nfilters(), 32))]
        unknown = [kind for kind in kinds if kind not in FILTERS]
        if unknown:
            raise damaged(where=where, expected=f"numbers packed by {', '.join(FILTERS.values())}, or plain", got=f"filter {unknown[0]}")

    def array(self, path: str) -> np.ndarray:
        """The numbers of an array that was checked."""
        import numpy as np

        found = self.at(path)
        with self._guard(path):
            self._check(found, path)
            array = found[()]
            return np.asarray(array)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "tolist"):
        value = value.tolist()
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return [_plain(item) for item in value] if isinstance(value, list) else value
    return value
