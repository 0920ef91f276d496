"""The binary form: bytes become a `Message` whose fields are views of them.

Source: the encoding of protocol buffers (varints; tags of number and type; lengths before bytes). Every length is compared with what is
there before it is followed; nothing is copied.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from lamina.interop.problems import damaged, too_large
from lamina.interop.protobuf.message import DEEPEST, Message

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.protobuf.schema import Schema

MOST_FIELDS = 50_000_000
"""Fields of one message; numbers that are not packed are a field each."""
_VARINT, _FIXED64, _BYTES, _GROUP, _END, _FIXED32 = range(6)
_FORMATS = {"float": "<f", "double": "<d", "fixed32": "<I", "sfixed32": "<i", "fixed64": "<Q", "sfixed64": "<q"}


def parsed(data: bytes | memoryview, schema: Schema, kind: str, where: str, depth: int = 0) -> Message:
    r"""A message of binary protocol buffers.

    Args:
        data: Its bytes.
        schema: What messages there are.
        kind: Which of them this is.
        where: The file and the place in it, for messages.
        depth: How many messages this one is in.

    Raises:
        InteropError: IO002, if the bytes are none; IO003, if there are too many fields, or messages within one another.

    Example:
        >>> from lamina.interop.protobuf.schema import Schema
        >>> parsed(b"\x0a\x02hi\x10\x05", Schema("message A: name 1 string, size 2 int64"), "A", "a file").integer("size")
        5
    """
    view = memoryview(data)
    found = schema.messages[kind]
    values: dict[str, list[Any]] = {}
    place, end, count = 0, len(view), 0
    while place < end:
        start = place
        tag, place = _varint(view, place, where)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise damaged(where=f"{where}, byte {start:,}", expected=f"a field of {kind}", got="the number 0")
        made = found.numbers.get(number)
        value, place = _value(view, place, wire, number, where)
        if made is None:
            values.setdefault(f"#{number}", []).append(value)
        else:
            values.setdefault(made.name, []).append(_converted(value, wire, made.kind, schema, f"{where}.{made.name}"))
        count += 1
        if count > MOST_FIELDS:
            raise too_large(where=where, expected=f"at most {MOST_FIELDS:,} fields", got="more")
    return Message(schema, found, values, where, depth)


def _converted(value: Any, wire: int, kind: str, schema: Schema, where: str) -> Any:
    if wire == _BYTES or (wire == _GROUP and kind in schema.messages):
        return value
    if kind in ("string", "bytes") or kind in schema.messages:
        raise damaged(where=where, expected=f"the bytes of {kind}", got="a number")
    if wire == _VARINT:
        if kind in _FORMATS:
            raise damaged(where=where, expected=f"a {kind}", got="a number of changing length")
        return _signed(value, kind)
    if struct.calcsize(_FORMATS.get(kind, "")) != len(value):
        raise damaged(where=where, expected=f"a {kind}", got=f"a number of {len(value)} bytes")
    return struct.unpack(_FORMATS[kind], value)[0]


def _value(view: memoryview, place: int, wire: int, number: int, where: str) -> tuple[Any, int]:
    if wire == _VARINT:
        return _varint(view, place, where)
    if wire == _BYTES:
        size, place = _varint(view, place, where)
    elif wire in (_FIXED32, _FIXED64):
        size = 4 if wire == _FIXED32 else 8
    elif wire == _GROUP:
        end, after = _group_end(view, place, number, where)
        return view[place:end], after
    else:
        raise damaged(where=f"{where}, byte {place:,}", expected="a field", got=f"a field of type {wire}, which there is not")
    if size > len(view) - place:
        raise damaged(where=f"{where}, byte {place:,}", expected=f"{size:,} bytes", got=f"{len(view) - place:,} to the end")
    return view[place : place + size], place + size


def _group_end(view: memoryview, place: int, number: int, where: str) -> tuple[int, int]:
    """Where a group ends, and what comes after it; groups within are counted, not entered."""
    open_groups = [number]
    while place < len(view):
        start = place
        tag, place = _varint(view, place, where)
        if tag & 7 == _END:
            if open_groups.pop() != tag >> 3:
                break
            if not open_groups:
                return start, place
        elif tag & 7 == _GROUP:
            open_groups.append(tag >> 3)
            if len(open_groups) > DEEPEST:
                raise too_large(where=f"{where}, byte {start:,}", expected=f"at most {DEEPEST} groups within one another", got="more")
        else:
            _, place = _value(view, place, tag & 7, tag >> 3, where)
    raise damaged(where=f"{where}, byte {place:,}", expected=f"the end of group {number}", got="none")


def _varint(view: memoryview, place: int, where: str) -> tuple[int, int]:
    result = shift = 0
    start, end = place, min(len(view), place + 10)
    while place < end:
        byte = view[place]
        place += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, place
        shift += 7
    raise damaged(where=f"{where}, byte {start:,}", expected="a number", got="one that doesn't end")


def _signed(value: int, kind: str) -> int:
    if kind.startswith("sint"):
        return (value >> 1) ^ -(value & 1)
    if kind in ("uint64", "fixed64"):
        return value
    if kind == "uint32":
        return value & 0xFFFFFFFF
    if kind == "bool":
        return int(value != 0)
    return value - (1 << 64) if value >= 1 << 63 else value


def packed(raw: memoryview, kind: str, where: str) -> np.ndarray:
    """Numbers that stand one after the other.

    Args:
        raw: Their bytes.
        kind: Their type; an enumeration counts as ``int64``.
        where: The place, for messages.

    Raises:
        InteropError: IO002, if the bytes are no such numbers.
    """
    import numpy as np

    fixed = {"float": "<f4", "double": "<f8", "fixed32": "<u4", "sfixed32": "<i4", "fixed64": "<u8", "sfixed64": "<i8"}
    if kind in ("string", "bytes"):
        raise damaged(where=where, expected="numbers", got=f"{kind}")
    if kind in fixed:
        size = np.dtype(fixed[kind]).itemsize
        if len(raw) % size:
            raise damaged(where=where, expected=f"numbers of {size} bytes", got=f"{len(raw):,} bytes")
        return np.frombuffer(raw, dtype=fixed[kind])
    values = _varints(raw, where)
    if kind.startswith("sint"):
        signed: np.ndarray = (values >> np.uint64(1)).astype(np.int64) ^ -(values & np.uint64(1)).astype(np.int64)
        return signed
    found: np.ndarray = (
        values != 0 if kind == "bool" else values.astype({"int32": "<i4", "uint32": "<u4", "uint64": "<u8"}.get(kind, "<i8"))
    )
    return found


def _varints(raw: memoryview, where: str) -> np.ndarray:
    """All numbers of changing length at once: seven bits of each byte, added up between the bytes that end one."""
    import numpy as np

    data = np.frombuffer(raw, dtype=np.uint8)
    if not len(data):
        return np.zeros(0, dtype=np.uint64)
    ends = np.flatnonzero(data < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    if not len(ends) or ends[-1] != len(data) - 1 or int((ends - starts).max()) > 9:
        raise damaged(where=where, expected="whole numbers", got="bytes that end within one")
    places = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
    shifted = (data & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    found: np.ndarray = np.add.reduceat(shifted, starts)
    return found
