"""Ways in which real bytes go wrong."""

from __future__ import annotations

import io
import struct
import zipfile

from hypothesis import strategies as st

from .tables import rare

PIECES = (
    *(b"", b"\n", b"\r", b"\r\n", b",", b";", b"\t", b'"', b'""', b"'", b"\\", b"#", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xfe\xff", b" "),
    *(b"nan", b"1e999", b"-", b"NA", b"null", b"{", b"}", b"[", b"]", b"<", b">", b"&x;", b"*x", b"!!python/object", b"a:1", b"x" * 300),
    *(struct.pack("<I", 0xFFFFFFFF), struct.pack("<I", 0x7FFFFFFF), struct.pack(">I", 0x7FFFFFFF), struct.pack("<Q", 1 << 62), b"\0" * 8),
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes, others: tuple[bytes, ...] = ()) -> bytes:
    """Bytes of which some are flipped, cut out, put in, doubled, or taken from another file.

    Args:
        draw: Of hypothesis.
        data: The whole file.
        others: Other files to take pieces of.
    """
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        size = len(made)
        place = draw(st.integers(0, size))
        if rare(draw, 2):
            # Heads and ends of files hold their lengths and directories.
            place = min(size, place % 64) if draw(st.booleans()) else max(0, size - place % 64)
        way = draw(st.sampled_from(("flip", "set", "cut", "insert", "double", "splice", "end", "number")))
        if way == "flip" and place < size:
            made[place] ^= 1 << draw(st.integers(0, 7))
        elif way == "set" and place < size:
            made[place] = draw(st.integers(0, 255))
        elif way == "cut":
            del made[place : place + draw(st.integers(1, 16))]
        elif way == "insert":
            made[place:place] = draw(st.sampled_from(PIECES))
        elif way == "double":
            length = draw(st.sampled_from((1, 4, 16, 64, 256)))
            made[place:place] = made[max(0, place - length) : place]
        elif way == "splice" and others:
            other = draw(st.sampled_from(others))
            start = draw(st.integers(0, len(other)))
            made[place : place + draw(st.integers(0, 8))] = other[start : start + draw(st.sampled_from((1, 8, 40)))]
        elif way == "end":
            del made[place:]
        elif way == "number" and place < size:
            width = draw(st.sampled_from((1, 2, 4, 8)))
            value = draw(
                st.sampled_from((0, 1, 0x7F, 0x80, 0xFF, (1 << (8 * width)) - 1, (1 << (8 * width - 1)) - 1, 1 << (8 * width - 2)))
            )
            made[place : place + width] = (value % (1 << 8 * width)).to_bytes(width, draw(st.sampled_from(("little", "big"))))
    return bytes(made)


@st.composite
def damaged_inside(draw: st.DrawFn, data: bytes) -> bytes:
    """A zip archive (a spreadsheet, several arrays) of which one member is damaged, or has another name, and all else is right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    chosen = draw(st.integers(0, len(members) - 1))
    way = draw(st.sampled_from(("content", "content", "content", "name", "gone", "twice", "empty")))
    name, content = members[chosen]
    if way == "content":
        members[chosen] = (name, draw(damaged(content, tuple(other for _, other in members))))
    elif way == "name":
        members[chosen] = (draw(st.sampled_from(("../x", "/x", "x", name.upper(), name + "/"))), content)
    elif way == "gone":
        del members[chosen]
    elif way == "empty":
        members[chosen] = (name, b"")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", draw(st.sampled_from((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)))) as archive:
        names = set()
        for member, inside in members:
            # Names that are there twice make the standard library warn, not us.
            if member not in names:
                archive.writestr(member, inside)
            names.add(member)
    return buffer.getvalue()
