"""The pages of Ogg files: whole, and with the checksum that they say, before a decoder sees them."""

from __future__ import annotations

import zlib

from lamina.data.audio.problems import cut_off, unreadable

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check_pages(data: bytes, where: str) -> None:
    """See that a file is a row of whole pages.

    The decoder of Ogg Vorbis trusts what it reads, and a damaged file can bring it down; so damage is found before.

    Args:
        data: All bytes of the file.
        where: Its name, for messages.

    Raises:
        DataError: DA145, if a page is damaged; DA146, if the last one is not whole or not marked as the last.
    """
    place, last = 0, False
    while place < len(data):
        head = data[place : place + 27]
        if head[:4] != b"OggS"[: len(head)] or (len(head) > 4 and head[4] != 0):
            raise unreadable(where, place, expected="a page of Ogg", got=bytes(head[:5]).hex(" "))
        sizes = data[place + 27 : place + 27 + head[26]] if len(head) == 27 else b""
        end = place + 27 + len(sizes) + sum(sizes)
        if len(head) < 27 or len(sizes) < head[26] or end > len(data):
            raise cut_off(where, len(data), expected=f"all of the page at byte {place}", got="the end of the file")
        page = data[place:end]
        if checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise unreadable(where, place, expected="a page with the checksum that it says", got="another one")
        place, last = end, bool(head[5] & 4)
    if not last:
        raise cut_off(where, len(data), expected="a page that is marked as the last", got="the end of the file")


def checksum(page: bytes) -> int:
    """CRC-32 as Ogg has it: the polynomial 0x04C11DB7, highest bit first, from 0.

    It is that of zlib with the bits of each byte, and those of the result, in the other order.

    Example:
        >>> hex(checksum(b"123456789"))
        '0x89a1897f'
    """
    found = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)
