"""The parts of a variable of MATLAB 5 to 7.2 as arrays; none of the sizes in it is believed before it is compared with what is there.

SciPy reads these files too, but its compiled reader trusts them: a byte that was changed can end the process. It is the oracle of
the tests instead.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.scanning import damaged, too_much

if TYPE_CHECKING:
    from lamina.errors import DataError

EXPECTED = "a whole MATLAB file (version 4 to 7.3)"
MATRIX, COMPRESSED = 14, 15
CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 16: "function", 17: "object"}
NUMBERS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""What each class of numbers is for NumPy."""
OPAQUE = 17
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2", 18: "u4"}
"""What data can be stored as; the last three are text."""
_COMPLEX, _LOGICAL = 0x800, 0x200
MOST_DEPTH = 32
SLACK = 1024
"""Letters that may be declared without a byte for each: MATLAB writes short empty texts like that."""


@dataclass(frozen=True)
class Cells:
    """A cell array.

    Attributes:
        items: What the cells hold, the first axis fastest.
        shape: Of the array.
    """

    items: list[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Struct:
    """A struct, or an array of them.

    Attributes:
        fields: Names.
        items: Fields by name of each struct.
    """

    fields: tuple[str, ...]
    items: list[dict[str, Any]]


@dataclass(frozen=True)
class Unreadable:
    """What only MATLAB can read.

    Attributes:
        kind: ``function``, ``object`` or ``unknown``.
    """

    kind: str


class Parts:
    """Goes through the parts of a variable.

    Args:
        content: The variable without its tag.
        order: Of bytes, ``<`` or ``>``.
        where: For messages.
    """

    def __init__(self, content: memoryview | bytes, order: str, where: str) -> None:
        self._content, self._order, self._where = content, order, where

    def element(self, place: int) -> tuple[int, int, int, int]:
        """Type, first byte, bytes, and where the next one begins.

        Raises:
            DataError: DA060, if it leads out of the variable.
        """
        if place + 8 > len(self._content):
            raise self._odd(place, "a tag")
        kind, size = struct.unpack(f"{self._order}II", self._content[place : place + 8])
        if kind >> 16:  # Short elements hold their values in the tag.
            kind, size, start, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
            if size > 4:
                raise self._odd(place, "a short element of at most 4 bytes")
        else:
            start, after = place + 8, place + 8 + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > len(self._content):
            raise self._odd(place, f"an element of {size:,} bytes")
        return kind, start, size, after

    def _odd(self, place: int, expected: str) -> DataError:
        return damaged(f"{self._where}, byte {place:,}", expected, f"the end of the variable at byte {len(self._content):,}")

    def _array(self, start: int, size: int, kind: str) -> np.ndarray:
        dtype = np.dtype(f"{self._order}{kind}")
        return np.frombuffer(self._content, dtype, size // dtype.itemsize, start)

    def matrix(self, depth: int = 0) -> Any:
        """An array of numbers, truths or texts, a sparse matrix of SciPy, `Cells`, `Struct` or `Unreadable`.

        Raises:
            DataError: DA060 or DA064, naming the byte.
        """
        if depth > MOST_DEPTH:
            raise damaged(self._where, f"at most {MOST_DEPTH} cells and structs in each other", "more")
        _, start, size, place = self.element(0)
        if size < 4:
            raise self._odd(start, "flags")
        flags = int(self._array(start, 4, "u4")[0])
        kind = flags & 0xFF
        name = "number" if kind in NUMBERS else CLASSES.get(kind, "unknown")
        if name in ("function", "object", "unknown"):
            return Unreadable(name)
        _, start, size, place = self.element(place)
        shape = tuple(self._array(start, size, "i4").tolist())
        if len(shape) < 2 or len(shape) > 32 or min(shape) < 0:
            raise damaged(self._where, "2 to 32 axes", f"the shape {shape[:40]}")
        count = int(np.prod(shape, dtype=object))
        *_, place = self.element(place)
        if name == "number":
            return self._numbers(place, count, shape, NUMBERS[kind], flags)
        if name == "char":
            return self._texts(place, count, shape)
        if name == "sparse":
            return self._sparse(place, shape, flags)
        if name == "cell":
            items = self._items(place, count, depth)
            return Cells(items, shape)
        return self._struct(place, count, depth)

    def _stored(self, place: int, *, each: str | None = None) -> tuple[np.ndarray, int]:
        kind, start, size, after = self.element(place)
        known = each or _STORED.get(kind)
        if known is None:
            spot = f"{self._where}, byte {start:,}"
            raise damaged(spot, "values", f"an element of the type {kind}")
        return self._array(start, size, known), after

    def _numbers(self, place: int, count: int, shape: tuple[int, ...], kind: str, flags: int) -> np.ndarray:
        values, place = self._stored(place)
        self._check(values, count)
        array = values[:count].astype(np.dtype(kind))
        if flags & _COMPLEX:
            imaginary, _ = self._stored(place)
            self._check(imaginary, count)
            array = array + 1j * imaginary[:count].astype(np.dtype(kind))
        elif flags & _LOGICAL:
            array = array != 0
        return array.reshape(shape, order="F")

    def _check(self, values: np.ndarray, count: int) -> None:
        if count > len(values):
            raise too_much(self._where, f"at most {len(values):,} values, which are there", f"{count:,}", "get the file once more")

    def _texts(self, place: int, count: int, shape: tuple[int, ...]) -> np.ndarray:
        """Rows of letters as texts."""
        kind, start, size, _ = self.element(place)
        if kind in (1, 2, 16):
            text = bytes(self._content[start : start + size]).decode("utf-8" if kind == 16 else "latin-1", errors="replace")
            letters = np.frombuffer(text.encode("utf-16-le"), "<u2")
        else:
            letters = self._stored(place)[0].astype("<u2")
        if count > len(letters):
            if count > len(letters) + SLACK:
                raise too_much(self._where, f"at most {len(letters):,} letters, which are there", f"{count:,}", "get the file once more")
            letters = np.concatenate([letters, np.full(count - len(letters), ord(" "), "<u2")])
        rows = letters[:count].reshape(shape, order="F").reshape(-1, shape[-1]) if count else np.zeros((0, 0), "<u2")
        texts = [np.ascontiguousarray(row).tobytes().decode("utf-16-le", errors="replace") for row in rows]
        return np.asarray(texts, dtype=str).reshape(shape[:-1] if count else (0,))

    def _sparse(self, place: int, shape: tuple[int, ...], flags: int) -> Any:
        """Rows, columns, values; the columns' list says how many values there are."""
        from scipy.sparse import csc_array

        if len(shape) != 2:
            raise damaged(self._where, "a sparse matrix of two axes", f"{len(shape)}")
        rows, place = self._stored(place, each="i4")
        ends, place = self._stored(place, each="i4")
        if len(ends) != shape[1] + 1 or ends[0] != 0 or (np.diff(ends) < 0).any() or ends[-1] > len(rows):
            raise damaged(self._where, f"a rising list of {shape[1] + 1:,} places up to {len(rows):,}", f"{len(ends):,} others")
        count = int(ends[-1])
        rows = rows[:count]
        if count and not 0 <= rows.min() <= rows.max() < shape[0]:
            raise damaged(self._where, f"rows from 0 to {shape[0] - 1}", f"{rows.min()} to {rows.max()}")
        # MATLAB says that truths are doubles, and writes a byte for each.
        values, place = self._stored(place, each="u1" if flags & _LOGICAL else None)
        self._check(values, count)
        array = values[:count].astype(bool if flags & _LOGICAL else np.float64)
        if flags & _COMPLEX:
            imaginary, _ = self._stored(place)
            self._check(imaginary, count)
            array = array + 1j * imaginary[:count].astype(np.float64)
        return csc_array((array, rows.astype(np.int32), ends.astype(np.int32)), shape=shape).tocsr()

    def _items(self, place: int, count: int, depth: int) -> list[Any]:
        most = max(len(self._content) - place, 0) // 8
        if count > most:
            raise too_much(self._where, f"at most {most:,} cells or fields, which are there", f"{count:,}", "get the file once more")
        items: list[Any] = []
        for _ in range(count):
            kind, start, size, after = self.element(place)
            if kind != MATRIX:
                spot = f"{self._where}, byte {place:,}"
                raise damaged(spot, "a matrix in a cell or field", f"an element of the type {kind}")
            inner = Parts(memoryview(self._content)[start : start + size], self._order, self._where)
            items.append(inner.matrix(depth + 1) if size else np.zeros((0, 0)))
            place = after
        return items

    def _struct(self, place: int, count: int, depth: int) -> Struct:
        _, start, size, place = self.element(place)
        lengths = self._array(start, size, "i4")
        _, start, size, place = self.element(place)
        if not len(lengths) or lengths[0] <= 0:
            raise damaged(self._where, "a struct with names of fields", f"names of the lengths {lengths[:4].tolist()}")
        each = int(lengths[0])
        raw = bytes(self._content[start : start + size])
        names = tuple(raw[first : first + each].split(b"\0")[0].decode("latin-1") for first in range(0, size - each + 1, each))
        if not names and count > SLACK:
            raise too_much(self._where, f"at most {SLACK:,} structs without fields", f"{count:,}", "get the file once more")
        items = iter(self._items(place, count * len(names), depth))
        return Struct(names, [dict(zip(names, items, strict=False)) for _ in range(count)])
