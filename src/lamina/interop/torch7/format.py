"""Torch7's files: ``.t7``, ``.net``, ``.th`` and others, binary and ASCII."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from lamina.interop.format import Format

if TYPE_CHECKING:
    from lamina.interop.given import Given
    from lamina.interop.imported import Imported, Options

_CLASS = re.compile(rb"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
_ASCII = re.compile(rb"(4\r?\n\d+\r?\n\d+\r?\n(V \d+\r?\n\d+\r?\n)?[A-Za-z_]\w*(\.\w+)+\r?\n|3\r?\n\d+\r?\n\d+\r?\n[12]\r?\n[-\w.+]+\r?\n)")


class Torch7(Format):
    """What ``torch.save`` of Torch7 wrote: modules of nn, cudnn, nngraph and rnn, alone or in tables."""

    name: ClassVar[str] = "torch7"
    title: ClassVar[str] = "Torch7"

    def recognises(self, given: Given) -> bool:
        head = given.head
        return _ASCII.match(head) is not None or _binary(head)

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.torch7.importing import read

        return read(given, options)


def _binary(head: bytes) -> bool:
    """Whether bytes begin with an object of a class, or with a table."""
    number = [int.from_bytes(head[place : place + 4], "little") for place in range(0, 20, 4)]
    if len(head) < 20 or not 0 < number[1] < 1 << 20:
        return False
    if number[0] == 4:
        if number[2] == 3 and head[12:14] == b"V ":
            size = int.from_bytes(head[15:19], "little")
            return 0 < size <= 256 and _CLASS.match(head[19 : 19 + size]) is not None
        return 0 < number[2] <= 256 and _CLASS.match(head[12 : 12 + number[2]]) is not None
    if number[0] != 3 or not 0 < number[2] < 1 << 24:
        return False
    if number[3] == 2:
        return 0 < number[4] <= 256 and head[20 : 20 + number[4]].isascii() and head[20 : 20 + number[4]].decode().isprintable()
    # A number, which is whole: the first entry of a list.
    return number[3] == 1 and head[16:20] == b"\0\0\0\0" and head[22:24] in (b"\xf0\x3f", b"\x00\x40")
