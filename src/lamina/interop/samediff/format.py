"""SameDiff's graphs: FlatBuffers files, whatever they are called (``.fb``, ``.zip`` ...)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamina.errors import InteropError
from lamina.interop.format import Format

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options


class SameDiff(Format):
    """Graphs that ``SameDiff.save`` and ``asFlatFile`` wrote, from 1.0.0-beta3 on."""

    name: ClassVar[str] = "samediff"
    title: ClassVar[str] = "SameDiff"

    def recognises(self, given: Given) -> bool:
        head = given.head
        # A FlatBuffers file without an identifier: the first offset leads to a table nearby, whose layout stands before it.
        place = int.from_bytes(head[:4], "little")
        if len(head) < 32 or not 8 <= place <= 256 or head[4:8].isalnum():
            return False
        from lamina.interop.flatbuffers import Table

        try:
            root = Table.root(head, str(given.path))
        except InteropError:
            return False
        # Variables, operations and outputs are always written, an identifier never.
        return root.has(1) and root.has(2) and root.has(3) and not root.has(0)

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.samediff.reader import read

        return read(given, options)
