"""FlatBuffers without a schema: tables by number of field, every offset compared with the file before it is followed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lamina.interop.problems import damaged

if TYPE_CHECKING:
    import numpy as np

MOST_ITEMS = 1_000_000


class Table:
    """A table: its fields by number, each absent or somewhere in the file.

    Args:
        data: The whole file.
        place: Where the table begins.
        where: What the file is, for messages.

    Raises:
        InteropError: IO002, if there can be no table.
    """

    def __init__(self, data: memoryview, place: int, where: str) -> None:
        self.data, self.place, self.where = data, place, where
        start = place - self._number("<i", place)
        size = self._number("<H", start)
        if size < 4 or size % 2 or start + size > len(data):
            raise self._damaged(start, "a table")
        self._fields = struct.unpack_from(f"<{size // 2 - 2}H", data, start + 4)

    @classmethod
    def root(cls, data: bytes | memoryview, where: str) -> Table:
        """The table that a file begins with.

        Raises:
            InteropError: IO002, if there is none.
        """
        view = memoryview(data)
        if len(view) < 8:
            raise damaged(where=where, expected="a FlatBuffers file", got=f"{len(view)} bytes")
        return cls(view, struct.unpack_from("<I", view, 0)[0], where)

    def has(self, field: int) -> bool:
        """Whether a field is there."""
        return field < len(self._fields) and self._fields[field] != 0

    def integer(self, field: int, kind: str = "<i", default: int = 0) -> int:
        """A whole number; ``kind`` is struct's name of its type."""
        return self._number(kind, self.place + self._fields[field]) if self.has(field) else default

    def table(self, field: int) -> Table | None:
        """A table within."""
        return Table(self.data, self._target(field), self.where) if self.has(field) else None

    def text(self, field: int) -> str:
        """A word; empty if there is none."""
        return self._text(self._target(field)) if self.has(field) else ""

    def raw(self, field: int) -> memoryview:
        """The bytes of a vector of them."""
        if not self.has(field):
            return self.data[:0]
        start, count = self._vector(self._target(field), 1)
        return self.data[start : start + count]

    def numbers(self, field: int, kind: str) -> np.ndarray:
        """A vector of numbers of a NumPy type."""
        import numpy as np

        dtype = np.dtype(kind)
        if not self.has(field):
            return np.zeros(0, dtype=dtype)
        start, count = self._vector(self._target(field), dtype.itemsize)
        return np.frombuffer(self.data[start : start + count * dtype.itemsize], dtype=dtype)

    def texts(self, field: int) -> list[str]:
        """A vector of words."""
        return [self._text(place) for place in self._places(field)]

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        return [Table(self.data, place, self.where) for place in self._places(field)]

    def _places(self, field: int) -> list[int]:
        if not self.has(field):
            return []
        start, count = self._vector(self._target(field), 4)
        if count > MOST_ITEMS:
            raise self._damaged(start, f"at most {MOST_ITEMS:,} items")
        return [place + self._number("<I", place) for place in range(start, start + 4 * count, 4)]

    def _target(self, field: int) -> int:
        place: int = self.place + self._fields[field]
        return place + self._number("<I", place)

    def _vector(self, place: int, size: int) -> tuple[int, int]:
        count = self._number("<I", place)
        if place + 4 + count * size > len(self.data):
            raise self._damaged(place, f"{count:,} items of {size} bytes")
        return place + 4, count

    def _text(self, place: int) -> str:
        start, count = self._vector(place, 1)
        try:
            return bytes(self.data[start : start + count]).decode()
        except UnicodeDecodeError as error:
            raise self._damaged(place, "a word") from error

    def _number(self, kind: str, place: int) -> int:
        size = struct.calcsize(kind)
        if not 0 <= place <= len(self.data) - size:
            raise self._damaged(place, "a number")
        found: int = struct.unpack_from(kind, self.data, place)[0]
        return found

    def _damaged(self, place: int, expected: str) -> Exception:
        return damaged(where=f"{self.where}, byte {place:,}", expected=expected, got=f"none in {len(self.data):,} bytes")
