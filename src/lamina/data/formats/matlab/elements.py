"""What MATLAB files of versions 4 to 7.2 are made of: variables are found, and unpacked within bounds."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.data.formats.matlab.values import CLASSES, COMPRESSED, EXPECTED, MATRIX, NUMBERS, OPAQUE, Parts
from lamina.data.formats.scanning import damaged, too_much
from lamina.data.storage.compression import check_ratio, check_size

if TYPE_CHECKING:
    from lamina.data.storage import DataFile
    from lamina.errors import DataError

HEADER = 128


@dataclass(frozen=True)
class Element:
    """A variable in a file of version 5 to 7.2.

    Attributes:
        name: Of the variable.
        kind: Its class: ``number``, ``char``, ``cell``, ``struct``, ``sparse``, ``function``, ``object`` or ``unknown``.
        start: Where its tag begins.
        size: Bytes after the tag.
        packed: Whether these are compressed.
    """

    name: str
    kind: str
    start: int
    size: int
    packed: bool


class Elements:
    """The variables of a file of version 5 to 7.2.

    Args:
        file: The file.
        content: It, mapped into memory.
    """

    def __init__(self, file: DataFile, content: mmap.mmap) -> None:
        self._file, self._content = file, content
        self._order = "<" if content[126:128] == b"IM" else ">"
        if content[126:128] not in (b"IM", b"MI"):
            raise damaged(file.name, EXPECTED, f"a header that ends in {content[126:128]!r}")
        self.found = {element.name: element for element in self._elements()}

    def _elements(self) -> Iterator[Element]:
        place, end = HEADER, len(self._content)
        while place < end:
            if place + 8 > end:
                raise self._cut(place, "a tag of 8 bytes")
            kind, size = struct.unpack(f"{self._order}II", self._content[place : place + 8])
            if place + 8 + size > end:
                raise self._cut(place, f"an element of {size:,} bytes")
            if kind not in (MATRIX, COMPRESSED):
                spot = f"{self._file.name}, byte {place:,}"
                raise damaged(spot, EXPECTED, f"an element of the type {kind}")
            name, own = self._name(Element("", "", place, size, kind == COMPRESSED))
            # Variables without a name hold what functions and objects need.
            if name:
                yield Element(name, own, place, size, kind == COMPRESSED)
            place += 8 + size

    def _name(self, element: Element) -> tuple[str, str]:
        head = self._unpacked(element, most=8192)[8:] if element.packed else self._content[element.start + 8 : element.start + 8 + 8192]
        where = f"{self._file.name}, byte {element.start:,}"
        if not head:
            return "", ""
        walk = Parts(head, self._order, where)
        _, start, size, place = walk.element(0)
        number = head[start if self._order == "<" else start + 3] if size >= 4 else 0
        if number != OPAQUE:  # which has no axes
            *_, place = walk.element(place)
        _, start, size, _ = walk.element(place)
        name = bytes(head[start : start + size]).rstrip(b"\0").decode("latin-1")
        return name, CLASSES.get(number, "number" if number in NUMBERS else "unknown")

    def _cut(self, place: int, expected: str) -> DataError:
        return damaged(f"{self._file.name}, byte {place:,}", expected, f"the end of the file at byte {len(self._content):,}")

    def _unpacked(self, element: Element, most: int | None = None) -> bytes:
        """An element with its tag; compressed ones unpacked, as far as is asked for."""
        start, stop = element.start + 8, element.start + 8 + element.size
        if not element.packed:
            return self._content[element.start : stop]
        where = f"{self._file.name}, variable {element.name!r}" if element.name else self._file.name
        decoder, made, total = zlib.decompressobj(), [], 0
        pieces = iter(range(start, stop, 1 << 16))
        rest = b""
        try:
            while not decoder.eof and (most is None or total < most):
                if not rest:
                    place = next(pieces, None)
                    if place is None:
                        raise damaged(where, EXPECTED, "compressed data that end too early")
                    rest = self._content[place : min(place + (1 << 16), stop)]
                made.append(decoder.decompress(rest, 1 << 20))
                rest = decoder.unconsumed_tail
                total += len(made[-1])
                check_size(where, total, self._file.storage)
                check_ratio(where, element.size, total, self._file.storage)
        except zlib.error as error:
            raise damaged(where, EXPECTED, error) from error
        return b"".join(made)

    def value(self, name: str) -> Any:
        """What a variable holds; see `lamina.data.formats.matlab.values.Parts.matrix`.

        Raises:
            DataError: DA060, if it is damaged; DA064, if it declares more than it holds; DA046 if it unpacks to too much.
        """
        element = self.found[name]
        where = f"{self._file.name}, variable {name!r}"
        whole = self._unpacked(element)
        if len(whole) < 8:
            raise damaged(where, EXPECTED, "an empty element")
        kind, size = struct.unpack(f"{self._order}II", whole[:8])
        if kind != MATRIX or size > len(whole) - 8:
            raise damaged(where, EXPECTED, f"an element of the type {kind} with {size:,} bytes where {len(whole) - 8:,} are")
        return Parts(memoryview(whole)[8 : 8 + size], self._order, where).matrix()


def version_4(content: mmap.mmap | bytes, where: str) -> list[str] | None:
    """Names of the variables of a file of version 4; None, if it is none.

    Raises:
        DataError: DA064 or DA060, if it is one and declares more than it holds.
    """
    place = 0
    names: list[str] = []
    while place < len(content):
        if place + 20 > len(content):
            return None if not names else _cut_4(where, place)
        order = "<" if 0 <= struct.unpack("<i", content[place : place + 4])[0] < 5000 else ">"
        kind, rows, columns, imaginary, length = struct.unpack(f"{order}5i", content[place : place + 20])
        machine, reserved, precision, matrix = kind // 1000, kind // 100 % 10, kind // 10 % 10, kind % 10
        sizes = (8, 4, 4, 2, 2, 1)
        good = 0 <= kind < 5000 and machine in (0, 1) and reserved == 0 and precision < len(sizes) and matrix in (0, 1, 2)
        if not good or rows < 0 or columns < 0 or imaginary not in (0, 1) or not 0 < length <= 1024:
            return None if not names else _cut_4(where, place)
        name = bytes(content[place + 20 : place + 20 + length]).rstrip(b"\0").decode("latin-1")
        size = rows * columns * sizes[precision] * (1 + imaginary)
        if place + 20 + length + size > len(content):
            if not names and not name.isidentifier():
                return None
            spot, there = f"{where}, variable {name!r}", max(len(content) - place - 20 - length, 0)
            got = f"{rows:,} x {columns:,} values, {size:,} bytes"
            raise too_much(spot, f"at most {there:,} bytes, which are there", got, "get the file once more")
        names.append(name)
        place += 20 + length + size
    return names or None


def _cut_4(where: str, place: int) -> list[str]:
    spot = f"{where}, byte {place:,}"
    raise damaged(spot, EXPECTED, "what is no variable of version 4")
