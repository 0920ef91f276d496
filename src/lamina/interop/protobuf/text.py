"""The text form: what people write, such as Caffe's ``prototxt``.

Source: the text format's specification: ``name: value``, ``name { ... }`` or ``< ... >``, lists in brackets, commas or semicolons
between fields, adjacent strings joined, ``#`` comments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lamina.errors import nearest
from lamina.interop.problems import too_large, unreadable
from lamina.interop.protobuf.message import DEEPEST, Message

if TYPE_CHECKING:
    from lamina.interop.protobuf.schema import Field, Schema

MOST_BYTES = 1 << 26
_TOKEN = re.compile(
    r"""\s+ | \#[^\n]* | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*') | (?P<extension>\[[\w./]+\](?=\s*[:{<]))
    | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+ | (?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[fF]?(?!\w)) | (?P<word>-?[A-Za-z_][\w.]*)
    | (?P<mark>[{}<>\[\]:;,/])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def parsed_text(text: str, schema: Schema, kind: str, where: str) -> Message:
    """A message in text form.

    Args:
        text: The text.
        schema: What messages there are.
        kind: Which of them this is.
        where: The file, for messages.

    Raises:
        InteropError: IO010, if it can't be understood, with the line; IO003, if it is too large or too deep.

    Example:
        >>> from lamina.interop.protobuf.schema import Schema
        >>> parsed_text("name: 'hi' size: 5", Schema("message A: name 1 string, size 2 int64"), "A", "a file").integer("size")
        5
    """
    if len(text) > MOST_BYTES:
        raise too_large(where=where, expected=f"at most {MOST_BYTES:,} characters", got=f"{len(text):,}")
    return _Parser(text, schema, where).message(kind, "", 0, where)


class _Parser:
    def __init__(self, text: str, schema: Schema, where: str) -> None:
        self.text, self.schema, self.where = text, schema, where
        self.place, self.line, self.value = 0, 1, ""
        self.type = ""
        self.advance()

    def advance(self) -> None:
        """The next token; an empty type at the end."""
        while self.place < len(self.text):
            match = _TOKEN.match(self.text, self.place)
            if match is None:
                raise self.refused(expected="a name, a value or a bracket", got=repr(self.text[self.place : self.place + 20]))
            self.line += self.text.count("\n", self.place, match.end())
            self.place = match.end()
            if match.lastgroup:
                self.type, self.value = match.lastgroup, match.group()
                return
        self.type, self.value = "", ""

    def take(self, mark: str) -> bool:
        """Whether this mark comes next; it is passed."""
        if self.type == "mark" and self.value == mark:
            self.advance()
            return True
        return False

    def message(self, kind: str, end: str, depth: int, where: str) -> Message:
        """Fields up to ``end``."""
        if depth > DEEPEST:
            raise too_large(where=f"{self.where}:{self.line}", expected=f"at most {DEEPEST} brackets within one another", got="more")
        found = self.schema.messages[kind]
        values: dict[str, list[Any]] = {}
        while not (self.take(end) if end else not self.type):
            if self.type not in ("word", "extension"):
                raise self.refused(expected=f"a field of {kind}" + (f" or {end}" if end else ""), got=self.shown())
            name = self.value
            self.advance()
            made = found.fields.get(name)
            if made is None:
                near = nearest(name, list(found.fields))
                raise self.refused(expected=f"a field of {kind}" + (f"; did you mean {near!r}?" if near else ""), got=repr(name))
            values.setdefault(name, []).extend(self.values(made, depth, f"{where}.{name}"))
            if not self.take(","):
                self.take(";")
        return Message(self.schema, found, values, where, depth)

    def values(self, made: Field, depth: int, where: str) -> list[Any]:
        """What stands behind a name: a value, a message or a list of them."""
        colon = self.take(":")
        if not self.schema.is_message(made) and not colon:
            raise self.refused(expected=f"a colon behind {made.name}", got=self.shown())
        if not self.take("["):
            return [self.one(made, depth, where)]
        found: list[Any] = []
        while not self.take("]"):
            found.append(self.one(made, depth, where))
            if not self.take(",") and not (self.type == "mark" and self.value == "]"):
                raise self.refused(expected="a comma or ]", got=self.shown())
        return found

    def one(self, made: Field, depth: int, where: str) -> Any:
        """A value or a message."""
        if self.schema.is_message(made):
            for begin, end in (("{", "}"), ("<", ">")):
                if self.take(begin):
                    return self.message(made.kind, end, depth + 1, where)
            raise self.refused(expected=f"{made.name} {{ ... }}", got=self.shown())
        type_, value = self.type, self.value
        if type_ in ("", "mark", "extension"):
            raise self.refused(expected=f"a value of {made.name}", got=repr(value) if type_ else "the end")
        found = self.strings(made) if made.kind in ("string", "bytes") else self.scalar(made, value, type_)
        if made.kind not in ("string", "bytes"):
            self.advance()
        return found

    def strings(self, made: Field) -> Any:
        if self.type != "string":
            raise self.refused(expected=f"a value of {made.name} in quotes", got=repr(self.value))
        raw = b""
        while self.type == "string":
            raw += _ESCAPE.sub(_unescaped, self.value[1:-1].encode())
            self.advance()
        if made.kind == "bytes":
            return memoryview(raw)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise self.refused(expected=f"characters in {made.name}", got=repr(raw[:40])) from error

    def scalar(self, made: Field, value: str, type_: str) -> Any:
        words = self.schema.enums.get(made.kind)
        if words is not None and value in words:
            return words[value]
        if made.kind == "bool" and value.lower() in ("true", "t", "1", "false", "f", "0"):
            return value.lower() in ("true", "t", "1")
        special = value.lower().lstrip("-") in ("inf", "infinity", "nan") and type_ == "word"
        if made.kind in ("float", "double") and (special or type_ == "number"):
            return float(int(value, 16)) if "x" in value.lower() else float(value if special else value.rstrip("fF"))
        if type_ == "number" and made.kind != "bool" and re.fullmatch(r"[-+]?(0[xX][0-9a-fA-F]+|\d+)", value):
            octal = re.fullmatch(r"[-+]?0[0-7]+", value)
            return int(value, 16 if "x" in value.lower() else 8 if octal else 10)
        expected = f"one of {', '.join(words)}" if words is not None else f"a {made.kind}"
        raise self.refused(expected=f"{expected} for {made.name}", got=repr(value))

    def shown(self) -> str:
        """The token, for messages."""
        return repr(self.value) if self.type else "the end"

    def refused(self, *, expected: str, got: str) -> Exception:
        return unreadable(where=f"{self.where}:{self.line}", expected=expected, got=got, cause="a typo, or a field that is not known here")


def _unescaped(match: re.Match[bytes]) -> bytes:
    found = match.group(1)
    if found[:1] in b"01234567":
        return bytes([int(found, 8) & 255])
    if found[:1] in b"xX" and len(found) > 1:
        return bytes([int(found[1:], 16)])
    if found[:1] in b"uU" and len(found) > 1:
        number = int(found[1:], 16)
        return chr(number).encode() if number < 0x110000 and not 0xD800 <= number < 0xE000 else b"?"
    return _PLAIN.get(found, found)
