"""ONNX: protocol buffers that begin with a version and hold a graph, whatever the file is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamina.interop.format import Format

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options


class Onnx(Format):
    """Models of ONNX, from operator set 7 on."""

    name: ClassVar[str] = "onnx"
    title: ClassVar[str] = "ONNX"

    def recognises(self, given: Given) -> bool:
        head = given.head
        # The version of the format comes first, and is small; the graph is a message of its own.
        if given.is_zip or len(head) < 8 or head[0] != 0x08 or not 1 <= head[1] < 64:
            return False
        return looks_like_a_model(head)

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.onnx.reader import read

        return read(given, options)


_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Fields of a model and how each is written."""


def looks_like_a_model(head: bytes) -> bool:
    """Whether the beginning of a file is that of a model: only fields that one has, and a graph or operator sets among them."""
    place, telling = 0, False
    while place < len(head):
        tag, place = _varint(head, place)
        number, wire = tag >> 3, tag & 7
        if _FIELDS.get(number) != wire:
            return False
        if wire == 0:
            value, place = _varint(head, place)
            if number == 1 and not 1 <= value < 64:
                return False
            continue
        size, place = _varint(head, place)
        telling = telling or number == 8 or (number == 7 and head[place : place + 1] in (b"\x0a", b"\x12", b"\x2a", b"\x5a", b"\x62"))
        place += size
    return telling


def _varint(data: bytes, place: int) -> tuple[int, int]:
    result = shift = 0
    while place < len(data) and shift < 64:
        byte = data[place]
        place += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, place
        shift += 7
    return result, place + 1
