"""What messages a format has and what their fields are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

WHOLE = frozenset({"int32", "int64", "uint32", "uint64", "sint32", "sint64", "bool", "fixed32", "fixed64", "sfixed32", "sfixed64"})
SCALARS = WHOLE | {"float", "double", "string", "bytes"}


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        name: What it is called.
        number: What stands for it in the binary form.
        kind: A scalar of protocol buffers (``int64``, ``float``, ``string`` ...), or the name of a message or an enumeration.
        repeated: Whether there can be several.
    """

    name: str
    number: int
    kind: str
    repeated: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of message.

    Attributes:
        name: What it is called.
        fields: Its fields by name.
        numbers: The same by number.
    """

    name: str
    fields: Mapping[str, Field]
    numbers: Mapping[int, Field] = field(default_factory=dict)


class Schema:
    """The messages and enumerations of a format.

    Args:
        text: A line for each: ``message NAME: field number kind, field number kind*, ...`` (a star: repeated) and
            ``enum NAME: WORD number, ...``; a line that begins with a space goes on with the one before; ``#`` begins a comment.

    Attributes:
        messages: Messages by name.
        enums: Numbers of enumerations by name and word.

    Example:
        >>> schema = Schema('''
        ... message Net: name 1 string, layer 2 Layer*
        ... message Layer: size 1 int64*, phase 2 Phase
        ... enum Phase: TRAIN 0, TEST 1
        ... ''')
        >>> schema.messages["Net"].fields["layer"].repeated, schema.enums["Phase"]["TEST"]
        (True, 1)
    """

    def __init__(self, text: str) -> None:
        messages: dict[str, Kind] = {}
        self.enums: dict[str, Mapping[str, int]] = {}
        for line in _joined(text):
            head, _, rest = line.partition(":")
            word, name = head.split()
            items = [item.split() for item in rest.split(",") if item.strip()]
            if word == "enum":
                self.enums[name] = MappingProxyType({item[0]: int(item[1]) for item in items})
            else:
                fields = {item[0]: Field(item[0], int(item[1]), item[2].rstrip("*"), item[2].endswith("*")) for item in items}
                messages[name] = Kind(name, fields, {made.number: made for made in fields.values()})
        self.messages: Mapping[str, Kind] = messages
        unknown = {
            made.kind
            for kind in messages.values()
            for made in kind.fields.values()
            if made.kind not in SCALARS and made.kind not in messages and made.kind not in self.enums
        }
        if unknown:
            message = f"a schema names {', '.join(sorted(unknown))}, which it doesn't have"
            raise TypeError(message)

    def is_message(self, made: Field) -> bool:
        """Whether a field holds messages."""
        return made.kind in self.messages

    def is_whole(self, made: Field) -> bool:
        """Whether a field holds whole numbers, enumerations among them."""
        return made.kind in WHOLE or made.kind in self.enums


def _joined(text: str) -> list[str]:
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].rstrip()
        if not line.strip():
            continue
        if line[0] == " " and lines:
            lines[-1] += "," + line
        else:
            lines.append(line)
    return lines
