"""What all streams of bytes share: they are read forward, piece by piece, and look again at their file when it ends."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

PIECE = 1 << 20


class Stream(io.RawIOBase):
    """Bytes that come in pieces of any size."""

    def __init__(self) -> None:
        super().__init__()
        self._pending: bytes | memoryview = b""

    @abstractmethod
    def piece(self) -> bytes:
        """The next bytes; nothing at the end."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not len(self._pending):
            self._pending = memoryview(self.piece())
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def readall(self) -> bytes:
        pieces = [bytes(self._pending)]
        self._pending = b""
        while piece := self.piece():
            pieces.append(piece)
        return b"".join(pieces)


class Watched(Stream):
    """An open file, read to its end and then looked at again.

    Args:
        source: The open file; closed together with this.
        verify: Raises if the file is another one than when it was opened.
        broken: Turns what the file raises into what the user is told.
    """

    def __init__(self, source: Any, verify: Callable[[], object], broken: Callable[[Exception], Exception]) -> None:
        super().__init__()
        self._source, self._verify, self._broken = source, verify, broken

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        # Without the copy that pieces cost.
        try:
            count: int = self._source.readinto(buffer)
        except Exception as error:  # see below
            raise self._broken(error) from error
        if not count and len(buffer):
            self._verify()
        return count

    def piece(self) -> bytes:
        try:
            found: bytes = self._source.read(PIECE)
        except Exception as error:  # OSError, zlib.error, BadZipFile: as many kinds as there are files
            raise self._broken(error) from error
        if not found:
            self._verify()
        return found
