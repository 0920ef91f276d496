"""Pickles, read as data by a small machine of our own: it knows containers, numbers, words and tensors, and calls nothing.

What is no data becomes an `Inert` object that says which class it would be. A pickle that would call a function, as one with a payload
does, is refused by the function's name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import InteropError
from lamina.interop.cursor import Cursor
from lamina.interop.problems import damaged, too_large

MOST_STEPS = 20_000_000
MOST_WORD = 1 << 28


@dataclass(frozen=True)
class Name:
    """A class or function by its module and name; never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Inert:
    """What would be an object of a class.

    Attributes:
        kind: The class.
        args: What it would be made of.
        state: What it would hold.
        items: Its entries, if it is a kind of list or dictionary.
    """

    kind: Name
    args: Any = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[Any, Any]:
        """What it would hold, by name."""
        state = self.state
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            return {**(state[0] if isinstance(state[0], dict) else {}), **state[1]}
        return state if isinstance(state, dict) else self.items


class Mark:
    """Where a list of arguments begins on the stack."""


Call = Callable[[Name, tuple[Any, ...]], Any]
Persistent = Callable[[Any], Any]


class Machine:
    """Reads one pickle after another.

    Args:
        cursor: The bytes.
        call: What calling a name with arguments gives, as data; it refuses what is no data.
        persistent: What a reference to something outside of the pickle is.
    """

    def __init__(self, cursor: Cursor, call: Call, persistent: Persistent) -> None:
        self._cursor, self._call, self._persistent = cursor, call, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The next object.

        Raises:
            InteropError: IO002, if it is no pickle; IO003, if it is endless.
        """
        self._stack, self._memo = [], {}
        start = self._cursor.place
        try:
            for _ in range(MOST_STEPS):
                code = self._cursor.uint8()
                if code == 0x2E:
                    return self._stack.pop()
                step = _STEPS.get(code)
                if step is None:
                    raise damaged(where=self.where, expected="an instruction of a pickle", got=hex(code))
                step(self)
        except InteropError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, struct.error) as error:
            raise damaged(where=self.where, expected="a pickle", got=f"{type(error).__name__}: {str(error)[:80]}") from error
        raise too_large(where=f"{self._cursor.where}, byte {start}", expected=f"at most {MOST_STEPS:,} instructions", got="more")

    @property
    def where(self) -> str:
        """The place that was read last, for messages."""
        return f"{self._cursor.where}, byte {self._cursor.place}"

    # What the instructions do.
    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self._stack.pop()

    def line(self) -> str:
        data = self._cursor.data
        place = self._cursor.place
        end = next((i for i in range(place, min(place + 4096, len(data))) if data[i] == 0x0A), None)
        if end is None:
            raise damaged(where=self.where, expected="a line", got="none")
        found = bytes(data[place:end])
        self._cursor.place = end + 1
        return found.decode("latin1")

    def word(self, size: int, *, text: bool = True) -> None:
        count = int.from_bytes(self._cursor.bytes(size), "little")
        if count > MOST_WORD:
            raise too_large(where=self.where, expected=f"words of at most {MOST_WORD:,} bytes", got=f"{count:,}")
        raw = self._cursor.bytes(count)
        self.push(raw.decode("utf-8", "surrogatepass") if text else raw)

    def number(self, letter: str) -> None:
        self.push(struct.unpack(letter, self._cursor.bytes(struct.calcsize(letter)))[0])

    def long(self, size: int) -> None:
        count = int.from_bytes(self._cursor.bytes(size), "little")
        if count > 4096:
            raise too_large(where=self.where, expected="a whole number of at most 4096 bytes", got=f"{count:,}")
        self.push(int.from_bytes(self._cursor.bytes(count), "little", signed=True))

    def marked(self) -> list[Any]:
        found: list[Any] = []
        while True:
            item = self._stack.pop()
            if isinstance(item, Mark):
                return found[::-1]
            found.append(item)

    def name(self) -> Name:
        return Name(self.line(), self.line())

    def stack_name(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(Name(str(module), str(name)))

    def tuple(self, count: int) -> None:
        found = tuple(self._stack[-count:])
        if len(found) != count:
            raise IndexError(count)
        del self._stack[-count:]
        self.push(found)

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    def put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Inert):
            target.items.update({len(target.items) + place: item for place, item in enumerate(items)})
        else:
            raise TypeError(type(target).__name__)

    def set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        into = target.items if isinstance(target, Inert) else target
        if not isinstance(into, dict) or len(items) % 2:
            raise TypeError(type(target).__name__)
        for key, value in zip(items[::2], items[1::2], strict=True):
            into[_key(key)] = value

    def table(self) -> None:
        items = self.marked()
        self.push({})
        self.set_items(items)

    def call(self, *, new: bool) -> None:
        args, function = self.pop(), self.pop()
        if not isinstance(function, Name) or not isinstance(args, tuple):
            raise TypeError(type(function).__name__)
        self.push(Inert(function, args) if new and not _is_data(function) else self._call(function, args))

    def instance(self, function: Any, args: list[Any]) -> None:
        if not isinstance(function, Name):
            raise TypeError(type(function).__name__)
        self.push(self._call(function, tuple(args)))

    def build(self) -> None:
        state = self.pop()
        target = self._stack[-1]
        if isinstance(target, Inert):
            target.state = state

    def persistent(self, found: Any) -> None:
        self.push(self._persistent(found))

    def inst(self) -> None:
        name = self.name()
        self.instance(name, self.marked())

    def object(self) -> None:
        items = self.marked()
        self.instance(items[0], items[1:])

    def new_with_names(self) -> None:
        named, args, function = self.pop(), self.pop(), self.pop()
        if not isinstance(function, Name):
            raise TypeError(type(function).__name__)
        self.push(Inert(function, args, named if isinstance(named, dict) else None))

    def quoted(self) -> None:
        # Bytes as Python writes them; of their escapes only those that printing makes.
        self.push(self.line().strip("'\"").encode("latin1", "replace").decode("unicode_escape"))

    def integer(self) -> None:
        line = self.line()
        self.push({"00": False, "01": True}[line] if line in ("00", "01") else int(line.rstrip("L")))

    def skip(self, count: int) -> None:
        self._cursor.bytes(count)

    def whole(self, size: int) -> int:
        return int.from_bytes(self._cursor.bytes(size), "little")

    def repeat(self) -> None:
        self.push(self._stack[-1])


def _is_data(name: Name) -> bool:
    return name.module in ("collections", "torch") and name.name in ("OrderedDict", "Size")


def _key(key: Any) -> Any:
    """What may be the key of a dictionary: no deep structure is hashed."""
    if key is None or isinstance(key, str | int | float | bool | bytes | Name):
        return key
    if isinstance(key, tuple) and all(isinstance(item, str | int | float | bool | bytes) for item in key):
        return key
    return f"<{type(key).__name__} {id(key)}>"


_STEPS: dict[int, Callable[[Machine], Any]] = {
    0x80: lambda m: m.skip(1),
    0x95: lambda m: m.skip(8),
    ord("("): lambda m: m.push(Mark()),
    ord("0"): lambda m: m.pop(),
    ord("1"): lambda m: m.marked(),
    ord("2"): lambda m: m.repeat(),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),  # noqa: FBT003
    0x89: lambda m: m.push(False),  # noqa: FBT003
    ord("I"): lambda m: m.integer(),
    ord("L"): lambda m: m.integer(),
    ord("F"): lambda m: m.push(float(m.line())),
    ord("J"): lambda m: m.number("<i"),
    ord("K"): lambda m: m.number("<B"),
    ord("M"): lambda m: m.number("<H"),
    ord("G"): lambda m: m.number(">d"),
    0x8A: lambda m: m.long(1),
    0x8B: lambda m: m.long(4),
    ord("S"): lambda m: m.quoted(),
    ord("V"): lambda m: m.push(m.line().encode("latin1", "replace").decode("raw_unicode_escape")),
    ord("X"): lambda m: m.word(4),
    0x8C: lambda m: m.word(1),
    0x8D: lambda m: m.word(8),
    ord("U"): lambda m: m.word(1),
    ord("T"): lambda m: m.word(4),
    ord("C"): lambda m: m.word(1, text=False),
    ord("B"): lambda m: m.word(4, text=False),
    0x8E: lambda m: m.word(8, text=False),
    0x96: lambda m: m.word(8, text=False),
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(tuple(m.marked())),
    0x85: lambda m: m.tuple(1),
    0x86: lambda m: m.tuple(2),
    0x87: lambda m: m.tuple(3),
    ord("]"): lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.marked()),
    ord("a"): lambda m: m.append([m.pop()]),
    ord("e"): lambda m: m.append(m.marked()),
    ord("}"): lambda m: m.push({}),
    ord("d"): lambda m: m.table(),
    ord("s"): lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    ord("u"): lambda m: m.set_items(m.marked()),
    0x8F: lambda m: m.push([]),
    0x90: lambda m: m.append(m.marked()),
    0x91: lambda m: m.push(m.marked()),
    ord("g"): lambda m: m.get(int(m.line())),
    ord("h"): lambda m: m.get(m.whole(1)),
    ord("j"): lambda m: m.get(m.whole(4)),
    ord("p"): lambda m: m.put(int(m.line())),
    ord("q"): lambda m: m.put(m.whole(1)),
    ord("r"): lambda m: m.put(m.whole(4)),
    0x94: lambda m: m.put(len(m._memo)),
    ord("c"): lambda m: m.push(m.name()),
    0x93: lambda m: m.stack_name(),
    ord("R"): lambda m: m.call(new=False),
    0x81: lambda m: m.call(new=True),
    0x92: lambda m: m.new_with_names(),
    ord("b"): lambda m: m.build(),
    ord("i"): lambda m: m.inst(),
    ord("o"): lambda m: m.object(),
    ord("P"): lambda m: m.persistent(m.line()),
    ord("Q"): lambda m: m.persistent(m.pop()),
}
