"""Messages as bytes, from plain data."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.interop.protobuf.schema import Field, Schema

_FIXED = {"float": ("<f", 5), "double": ("<d", 1), "fixed32": ("<I", 5), "sfixed32": ("<i", 5), "fixed64": ("<Q", 1), "sfixed64": ("<q", 1)}


def written(schema: Schema, kind: str, data: Mapping[str, Any]) -> bytes:
    r"""Plain data as a message of binary protocol buffers.

    Args:
        schema: What messages there are.
        kind: Which of them this is.
        data: Fields by name: numbers, words, bytes or buffers, mappings for messages, and lists of these; None and empty lists
            are left out.

    Raises:
        KeyError: For a field that the message doesn't have.

    Example:
        >>> from lamina.interop.protobuf.schema import Schema
        >>> written(Schema("message A: name 1 string, size 2 int64"), "A", {"name": "hi", "size": 5})
        b'\n\x02hi\x10\x05'
    """
    return b"".join(_parts(schema, kind, data))


def _parts(schema: Schema, kind: str, data: Mapping[str, Any]) -> Iterator[bytes]:
    made = schema.messages[kind]
    for name, value in data.items():
        field = made.fields[name]
        values = value if isinstance(value, list | tuple) else [] if value is None else [value]
        if field.repeated and values and not schema.is_message(field) and field.kind not in ("string", "bytes"):
            content = b"".join(_number(schema, field, item) for item in values)
            yield _tag(field.number, 2) + _varint(len(content)) + content
            continue
        for item in values:
            yield from _one(schema, field, item)


def _one(schema: Schema, field: Field, value: Any) -> Iterator[bytes]:
    if schema.is_message(field):
        content: bytes = written(schema, field.kind, value)
    elif field.kind in ("string", "bytes"):
        content = value.encode() if isinstance(value, str) else bytes(value)
    else:
        yield _tag(field.number, _FIXED[field.kind][1] if field.kind in _FIXED else 0)
        yield _number(schema, field, value)
        return
    yield _tag(field.number, 2) + _varint(len(content))
    yield content


def _number(schema: Schema, field: Field, value: Any) -> bytes:
    if field.kind in _FIXED:
        return struct.pack(_FIXED[field.kind][0], value)
    number = schema.enums[field.kind][value] if isinstance(value, str) else int(value)
    if field.kind.startswith("sint"):
        number = number << 1 if number >= 0 else (-number << 1) - 1
    return _varint(number & 0xFFFFFFFFFFFFFFFF)


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
