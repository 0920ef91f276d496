"""A message: its fields by name, each looked at when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.protobuf.schema import Field, Kind, Schema

DEEPEST = 100
"""Messages within messages; what the libraries of protocol buffers allow."""
_TYPES = {"float": "<f4", "double": "<f8", "bool": "?", "int32": "<i4", "uint32": "<u4", "fixed32": "<u4", "sfixed32": "<i4"}
_TYPES |= {"sint32": "<i4", "uint64": "<u8", "fixed64": "<u8"}


class Message:
    """A message, however it was written.

    Args:
        schema: What messages there are.
        kind: Which of them this is.
        values: What was read, by field; filled by `lamina.interop.protobuf.wire` or `lamina.interop.protobuf.text`.
        where: The file and the place in it.
        depth: How many messages this one is in.

    Raises:
        InteropError: IO003, if it is in too many others.
    """

    def __init__(self, schema: Schema, kind: Kind, values: dict[str, list[Any]], where: str, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise too_large(where=where, expected=f"at most {DEEPEST} messages within one another", got="more")
        self.schema, self.kind, self.where, self.depth = schema, kind, where, depth
        self._values = values

    def __repr__(self) -> str:
        return f"<{self.kind.name} with {', '.join(self._values) or 'nothing'}>"

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        self._field(name)
        return bool(self._values.get(name))

    def names(self) -> list[str]:
        """The fields that are there; those that the schema doesn't know as ``#number``."""
        return [name for name, values in self._values.items() if values]

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number, or the number of an enumeration's word; the last, if several were written."""
        found = self._last(name)
        if found is None:
            return default
        if isinstance(found, memoryview):
            array = self._packed(self._field(name), found)
            return int(array[-1]) if len(array) else default
        return int(found)

    def boolean(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - as the other accessors
        """True or false."""
        return bool(self.integer(name, int(default)))

    def number(self, name: str, default: float = 0.0) -> float:
        """A number with a fraction; of 32 bits the shortest that is the same, 0.1 and not 0.10000000149011612."""
        array = self.numbers(name)
        return float(str(array[-1])) if len(array) else default

    def word(self, name: str, default: str = "") -> str:
        """The word of an enumeration; a number without a word as itself.

        Raises:
            TypeError: If the field is none.
        """
        if not self.has(name):
            return default
        number = self.integer(name)
        return next((word for word, value in self.schema.enums[self._field(name).kind].items() if value == number), str(number))

    def text(self, name: str, default: str = "") -> str:
        """Characters.

        Raises:
            InteropError: IO002, if they are none.
        """
        found = self._last(name)
        return default if found is None else self._text(name, found)

    def texts(self, name: str) -> list[str]:
        """Several of them."""
        return [self._text(name, value) for value in self._all(name)]

    def raw(self, name: str) -> memoryview:
        """Bytes, without a copy."""
        found = self._last(name)
        return memoryview(b"") if found is None else memoryview(found)

    def raws(self, name: str) -> list[memoryview]:
        """Several of them."""
        return [memoryview(value) for value in self._all(name)]

    def integers(self, name: str) -> list[int]:
        """Whole numbers."""
        return [int(value) for value in self.numbers(name)]

    def numbers(self, name: str) -> np.ndarray:
        """Numbers of the field's type, packed or not; packed ones with fractions are a view of the file.

        Raises:
            InteropError: IO002, if their bytes are no numbers.
        """
        import numpy as np

        made = self._field(name)
        parts = self._all(name)
        if len(parts) == 1 and isinstance(parts[0], memoryview):
            return self._packed(made, parts[0])
        kind = np.dtype(_TYPES.get(made.kind, "<i8"))
        if not any(isinstance(part, memoryview) for part in parts):
            return _wrapped(parts, kind)
        arrays = [self._packed(made, part) if isinstance(part, memoryview) else _wrapped([part], kind) for part in parts]
        return np.concatenate(arrays)

    def message(self, name: str) -> Message | None:
        """A message within; one that was written in several parts is put together."""
        found = self._all(name)
        if not found:
            return None
        first = self._message(name, found[0], len(found) > 1)
        for value in found[1:]:
            for key, values in self._message(name, value, many=True)._values.items():
                first._values.setdefault(key, []).extend(values)
        return first

    def messages(self, name: str) -> list[Message]:
        """Messages within."""
        found = self._all(name)
        made = [self._message(name, value, many=True, number=number) for number, value in enumerate(found)]
        # Looked at once: a second look gives the same.
        self._values[name] = list(made)
        return made

    def _field(self, name: str) -> Field:
        return self.kind.fields[name]

    def _all(self, name: str) -> list[Any]:
        self._field(name)
        return self._values.get(name, [])

    def _last(self, name: str) -> Any:
        found = self._all(name)
        return found[-1] if found else None

    def _message(self, name: str, value: Any, many: bool, number: int = 0) -> Message:  # noqa: FBT001
        if isinstance(value, Message):
            return value
        from lamina.interop.protobuf.wire import parsed

        where = f"{self.where}.{name}[{number}]" if many else f"{self.where}.{name}"
        return parsed(value, self.schema, self._field(name).kind, where, self.depth + 1)

    def _packed(self, made: Field, raw: memoryview) -> np.ndarray:
        from lamina.interop.protobuf.wire import packed

        return packed(raw, made.kind, f"{self.where}.{made.name}")

    def _text(self, name: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        try:
            return bytes(value).decode()
        except UnicodeDecodeError as error:
            raise damaged(where=f"{self.where}.{name}", expected="characters in UTF-8", got=repr(bytes(value[:40]))) from error


def _wrapped(parts: list[Any], kind: np.dtype[Any]) -> np.ndarray:
    """Numbers as an array; whole ones beyond the type as their lowest bits, as protocol buffers take them."""
    import numpy as np

    if kind.kind == "f" or kind == np.bool_:
        return np.array(parts, dtype=kind)
    return np.array([value & 0xFFFFFFFFFFFFFFFF for value in parts], dtype=np.uint64).astype(kind)
