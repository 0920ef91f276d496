"""One file to read, wherever it lies."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from lamina.data.storage.cache import kept
from lamina.data.storage.compression import Decompressed, check_size, compression_of, plain_name
from lamina.data.storage.options import Storage
from lamina.data.storage.problems import changed, unreadable
from lamina.data.storage.stream import Watched
from lamina.errors import DataError

_BUFFER = 1 << 18


class Origin(Protocol):
    """Where the bytes of a file come from."""

    def state(self) -> tuple[object, ...]:
        """What is another when the file is; asked anew each time. Its size comes first."""

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        """The bytes from the start; an error at the end, if the file no longer is what it was in ``state``."""

    def path(self) -> Path | None:
        """A local file with exactly these bytes, if there is one."""


class DataFile:
    """A file that is local, remote, or a member of an archive, and possibly compressed: the same to whoever reads it.

    Streams are read forward only, hold little memory, give the unpacked content, and end with an error, never early: if a remote
    connection stays broken, a compressed file is cut off or out of bounds, or the file changes while it is read. What is
    small, such as an image, is best taken with `read`; a library that needs a path gets one from `local`.

    Attributes:
        name: What messages call it; without credentials.
        relative: Where it lies below the folder, pattern or archive that it was found by: ``cats/1.jpg``.
        storage: How it is reached and bounded.

    Example:
        >>> import tempfile, pathlib, gzip
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "rows.csv.gz").write_bytes(gzip.compress(b"a,b"))
        >>> from lamina.data.storage import open_file
        >>> file = open_file("rows.csv.gz", base=folder)
        >>> file.suffix, file.read()
        ('.csv', b'a,b')
    """

    def __init__(self, name: str, relative: PurePosixPath, origin: Origin, storage: Storage) -> None:
        self.name, self.relative, self.storage = name, relative, storage
        self._origin = origin
        self._compression = compression_of(relative.name)
        self._state: tuple[object, ...] | None = None

    def __repr__(self) -> str:
        return f"DataFile({self.name!r})"

    @property
    def suffix(self) -> str:
        """Ending of the content, in small letters: ``.csv`` of ``rows.CSV.gz``."""
        return PurePosixPath(plain_name(self.relative.name)).suffix.lower()

    @property
    def size(self) -> int | None:
        """Bytes of the content; None where only reading tells, as for compressed files."""
        size = self._known()[0]
        return size if self._compression is None and isinstance(size, int) else None

    @property
    def stored_size(self) -> int | None:
        """Bytes as the file is stored; None where the server doesn't say."""
        size = self._known()[0]
        return size if isinstance(size, int) else None

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits, others as soon as the file is another: of its name, size, time of change or checksum."""
        return hashlib.blake2b(repr((self.name, *self._known())).encode(), digest_size=16).hexdigest()

    def open(self) -> BinaryIO:
        """The content, from the start; close it.

        Raises:
            DataError: If it can't be read, is damaged, out of bounds, or changed; here, or while it is read.
        """
        stream = self._origin.stream(self._known())
        if self._compression is not None:
            stream = Decompressed(stream, self._compression, self.name, self.storage)  # type: ignore[assignment]
        return io.BufferedReader(stream, _BUFFER)  # type: ignore[type-var]

    def read(self) -> bytes:
        """All of the content.

        Raises:
            DataError: As `open`; DA046 if it is larger than ``storage.max_size``.
        """
        if self.size is not None:
            check_size(self.name, self.size, self.storage)
        with self.open() as stream:
            return stream.read()

    def text(self) -> str:
        """The whole content as text in UTF-8, without a mark at its beginning.

        Raises:
            DataError: DA031, naming the line of the first byte that is none; others as `read`.
        """
        data = self.read()
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(
                "DA031",
                where=f"{self.name}:{line}",
                expected="text in UTF-8",
                got=f"the byte {data[error.start]:#04x} at {error.start}",
                cause="the file is in another encoding, or is no text",
                fix="save it as text in UTF-8",
            ) from error

    def local(self) -> Path:
        """A local file with the content: the file itself if that is what it is, else a copy in the cache.

        Raises:
            DataError: As `open`; DA049 if the cache can't take it.
        """
        path = self._origin.path() if self._compression is None else None
        if path is not None:
            self._known()
            return path
        return kept(plain_name(self.relative.name), self.fingerprint, self.name, self.open)

    def verify(self) -> None:
        """See that the file still is what it was when it was first looked at.

        Raises:
            DataError: DA043.
        """
        now = self._origin.state()
        if now != self._known():
            raise changed(self.name, _shown(self._known()), _shown(now))

    def _known(self) -> tuple[object, ...]:
        if self._state is None:
            self._state = self._origin.state()
        return self._state


class LocalOrigin:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def state(self) -> tuple[object, ...]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return found.st_size, found.st_mtime_ns, found.st_ino

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        def verify() -> None:
            now = self.state()
            if now != state:
                raise changed(str(self._path), _shown(state), _shown(now))

        verify()
        try:
            source = self._path.open("rb", buffering=0)
        except OSError as error:
            raise unreadable(self._path, error) from error
        return Watched(source, verify, lambda error: unreadable(self._path, error))  # type: ignore[arg-type,return-value]

    def path(self) -> Path | None:
        return self._path


def _shown(state: tuple[object, ...]) -> str:
    size, *rest = state
    return f"{size:,} bytes, {' '.join(map(str, rest))}" if isinstance(size, int) else " ".join(map(str, state))
