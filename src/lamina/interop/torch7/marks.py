"""The two ways in which Torch7 writes: bytes, and words between blanks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lamina.interop.cursor import Cursor
from lamina.interop.problems import damaged

if TYPE_CHECKING:
    import numpy as np

_WORD = re.compile(rb"[ \t\r\n]*([^ \t\r\n]+)\n?")
_LINE = re.compile(rb"[ \t\r\n]*([^\r\n]+)\n?")
MOST_WORD = 400


class Binary:
    r"""Bytes, smallest first.

    Args:
        data: The file.
        where: What it is, for messages.
        long: Bytes of a ``long``: 8, or 4 on 32-bit machines.

    Example:
        >>> Binary(b"\x02\x00\x00\x00", "a file").whole()
        2
    """

    def __init__(self, data: bytes | memoryview, where: str, long: int = 8) -> None:
        self._cursor = Cursor(data, where)
        self._long = long
        self.where = where

    @property
    def place(self) -> int:
        """How far it was read."""
        return self._cursor.place

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return self._cursor.left

    def whole(self) -> int:
        """A whole number."""
        return self._cursor.int32()

    def long(self) -> int:
        """A larger one."""
        return self._cursor.int64() if self._long == 8 else self._cursor.int32()

    def double(self) -> float:
        """A number."""
        return self._cursor.float64()

    def chars(self, count: int) -> bytes:
        """Characters."""
        return self._cursor.bytes(count, "characters")

    def numbers(self, count: int, dtype: str) -> np.ndarray:
        """Numbers of one type."""
        if dtype == "<i8" and self._long == 4:
            return self._cursor.numbers(count, "<i4").astype("<i8")
        return self._cursor.numbers(count, dtype)


class Ascii:
    r"""Words between blanks; of what is written with how many digits doesn't matter.

    Args:
        data: The file.
        where: What it is, for messages.

    Example:
        >>> marks = Ascii(b"4\n1\n3\nV 1\n", "a file")
        >>> marks.whole(), marks.whole(), marks.chars(marks.whole())
        (4, 1, b'V 1')
    """

    def __init__(self, data: bytes | memoryview, where: str) -> None:
        self._data = memoryview(data)
        self.where = where
        self.place = 0

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._data) - self.place

    def _word(self, what: str) -> str:
        found = _WORD.match(self._data, self.place, self.place + MOST_WORD)
        if found is None:
            raise damaged(where=f"{self.where}, byte {self.place}", expected=what, got=f"{self.left:,} bytes to the end")
        self.place = found.end()
        return found[1].decode("ascii", "replace")

    def whole(self) -> int:
        """A whole number."""
        place, word = self.place, self._word("a whole number")
        try:
            return int(word)
        except ValueError as error:
            raise damaged(where=f"{self.where}, byte {place}", expected="a whole number", got=repr(word[:40])) from error

    def long(self) -> int:
        """A larger one, written alike."""
        return self.whole()

    def double(self) -> float:
        """A number."""
        place, word = self.place, self._word("a number")
        try:
            return float(word)
        except ValueError as error:
            raise damaged(where=f"{self.where}, byte {place}", expected="a number", got=repr(word[:40])) from error

    def chars(self, count: int) -> bytes:
        """Characters, and the end of their line."""
        if not 0 <= count <= self.left:
            raise damaged(where=f"{self.where}, byte {self.place}", expected=f"{count:,} characters", got=f"{self.left:,} bytes to the end")
        found = bytes(self._data[self.place : self.place + count])
        self.place += count
        if count and self.left and self._data[self.place] == ord("\n"):
            self.place += 1
        return found

    def numbers(self, count: int, dtype: str) -> np.ndarray:
        """Numbers of one type: bytes as they are, all others as words on one line, or on several."""
        import numpy as np

        if dtype in ("u1", "i1"):
            return np.frombuffer(self.chars(count), dtype)
        # Each number takes two bytes at least.
        if not 0 <= count <= (self.left + 1) // 2 + 1:
            raise damaged(where=f"{self.where}, byte {self.place}", expected=f"{count:,} numbers", got=f"{self.left:,} bytes to the end")
        words: list[bytes] = []
        place = self.place
        while len(words) < count:
            line = _LINE.match(self._data, self.place)
            if line is None:
                break
            words += line[1].split()
            self.place = line.end()
        if len(words) != count:
            raise damaged(where=f"{self.where}, byte {place}", expected=f"{count:,} numbers", got=f"{len(words):,} words")
        try:
            found = np.array([int(word) for word in words], "O") if dtype.startswith("<i") else np.array(words, "f8")
            return found.astype(dtype)
        except (ValueError, OverflowError) as error:
            got = "words of which some are none"
            raise damaged(where=f"{self.where}, byte {place}", expected=f"{count:,} numbers", got=got) from error
