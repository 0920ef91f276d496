"""Reading binary files from front to back: every length is compared with what is there before anything is allocated."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np


class Cursor:
    r"""Some bytes, and how far they have been read.

    Args:
        data: The bytes.
        where: What they are, for messages: a path, and a member of an archive.
        big: Whether numbers have their largest byte first, as Java writes them.

    Example:
        >>> cursor = Cursor(b"\x00\x00\x00\x07abc", "a file", big=True)
        >>> cursor.int32(), cursor.bytes(3), cursor.left
        (7, b'abc', 0)
    """

    def __init__(self, data: bytes | memoryview, where: str, *, big: bool = False) -> None:
        self.data = memoryview(data)
        self.where = where
        self.place = 0
        self._order = ">" if big else "<"

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self.data) - self.place

    def view(self, count: int, what: str = "bytes") -> memoryview:
        """The next bytes, without a copy.

        Raises:
            InteropError: IO002, if there are not as many.
        """
        if not 0 <= count <= self.left:
            raise damaged(where=f"{self.where}, byte {self.place}", expected=f"{count:,} {what}", got=f"{self.left:,} bytes to the end")
        found = self.data[self.place : self.place + count]
        self.place += count
        return found

    def bytes(self, count: int, what: str = "bytes") -> bytes:
        """The next bytes."""
        return bytes(self.view(count, what))

    def uint8(self) -> int:
        """The next byte."""
        return self.view(1)[0]

    def uint16(self) -> int:
        """Two bytes."""
        return self._number("H", 2)

    def int32(self) -> int:
        """Four bytes."""
        return self._number("i", 4)

    def int64(self) -> int:
        """Eight bytes."""
        return self._number("q", 8)

    def float64(self) -> float:
        """Eight bytes."""
        found: float = struct.unpack(f"{self._order}d", self.view(8))[0]
        return found

    def _number(self, letter: str, size: int) -> int:
        found: int = struct.unpack(f"{self._order}{letter}", self.view(size))[0]
        return found

    def text(self, most: int = 4096) -> str:
        """Characters after their length in two bytes, as Java's ``writeUTF`` writes them.

        Raises:
            InteropError: IO002, if it is no text; IO003, if it is longer than ``most`` bytes.
        """
        place, count = self.place, self.uint16()
        if count > most:
            raise too_large(where=f"{self.where}, byte {place}", expected=f"a word of at most {most} bytes", got=f"{count:,} bytes")
        raw = self.bytes(count, "bytes of text")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise damaged(where=f"{self.where}, byte {place}", expected="a word", got=repr(raw[:40])) from error

    def numbers(self, count: int, dtype: str) -> np.ndarray:
        """``count`` numbers of a NumPy type that names its byte order; a view of the bytes.

        Raises:
            InteropError: IO002, if there are not as many.
        """
        import numpy as np

        kind = np.dtype(dtype)
        if not 0 <= count <= self.left // kind.itemsize:
            raise damaged(
                where=f"{self.where}, byte {self.place}",
                expected=f"{count:,} numbers of {kind.itemsize} bytes",
                got=f"{self.left:,} bytes to the end",
            )
        return np.frombuffer(self.view(count * kind.itemsize), dtype=kind)
