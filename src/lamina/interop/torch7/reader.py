"""Files of ``torch.save`` of Torch7, read as data: whatever depth objects refer to each other, nothing in them is run."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from lamina.errors import InteropError
from lamina.interop.problems import damaged, too_large, unreadable
from lamina.interop.torch7.marks import Ascii, Binary
from lamina.interop.torch7.objects import DTYPES, Function, Instance, Reference, Storage, Tensor

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, PLAIN_FUNCTION, OLD_FUNCTION, FUNCTION = range(9)
MOST_AXES = 32
MOST_WORD = 1 << 26
MOST_DEPTH = 200_000
_CLASS = re.compile(r"torch\.(\w*?)(Tensor|Storage)$")
_NAME = re.compile(rb"[A-Za-z_][\w.]{0,199}$")
Marks = Binary | Ascii
Step = Generator[None, Any, Any]


class Reader:
    """Reads one object after another.

    Objects that lie within others are read one after the other from a stack of their own, so that a list of a million links is no deeper
    than any.

    Args:
        marks: The file.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._known: dict[int, Any] = {}

    def read(self) -> Any:
        """The next object, with everything in it.

        Raises:
            InteropError: IO002, IO003 or IO010.
        """
        stack, value = [self._object()], None
        while stack:
            try:
                stack[-1].send(value)
            except StopIteration as end:
                stack.pop()
                value = end.value
                continue
            if len(stack) >= MOST_DEPTH:
                raise too_large(where=self._where, expected=f"at most {MOST_DEPTH:,} objects within each other", got="more")
            stack.append(self._object())
            value = None
        return value

    @property
    def _where(self) -> str:
        return f"{self._marks.where}, byte {self._marks.place}"

    def _object(self) -> Step:
        where, kind = self._where, self._marks.whole()
        if kind == NIL:
            return None
        if kind == NUMBER:
            return self._marks.double()
        if kind == STRING:
            return self._text()
        if kind == BOOLEAN:
            return self._marks.whole() != 0
        if kind == PLAIN_FUNCTION:
            return (yield from self._function(None))
        if kind not in (TABLE, TORCH, OLD_FUNCTION, FUNCTION):
            raise damaged(where=where, expected="the number of a kind, from 0 to 8", got=str(kind))
        index = self._marks.whole()
        if index in self._known:
            return self._known[index]
        if kind == TABLE:
            return (yield from self._table(index))
        if kind == TORCH:
            return (yield from self._instance(index))
        return (yield from self._function(index))

    def _text(self) -> str:
        where, count = self._where, self._marks.whole()
        if not 0 <= count <= MOST_WORD:
            raise damaged(where=where, expected=f"a word of at most {MOST_WORD:,} bytes", got=f"{count:,}")
        return self._marks.chars(count).decode("utf-8", "surrogateescape")

    def _function(self, index: int | None) -> Step:
        found = Function(len(self._marks.chars(self._marks.whole())))
        if index is not None:
            self._known[index] = found
        yield  # What it was closed over.
        return found

    def _table(self, index: int) -> Step:
        where, count = self._where, self._marks.whole()
        self._check(count, where)
        found: dict[Any, Any] = {}
        self._known[index] = found
        yield from self._pairs(found, count)
        return found

    def _pairs(self, found: dict[Any, Any], count: int) -> Step:
        for _ in range(count):
            key = yield
            value = yield
            found[_key(key)] = value

    def _check(self, count: int, where: str) -> None:
        # An entry is two objects, of two bytes at least.
        if not 0 <= count <= self._marks.left // 4 + 1:
            raise damaged(where=where, expected="no more entries than there are bytes", got=f"{count:,} entries")

    def _instance(self, index: int) -> Step:
        where = self._where
        word = self._marks.chars(self._length(where))
        version = 0
        if word.startswith(b"V "):
            version = int(word[2:]) if word[2:].isdigit() and len(word) < 12 else 0
            word = self._marks.chars(self._length(where))
        if not _NAME.match(word):
            raise damaged(where=where, expected="the name of a class", got=repr(word[:60]))
        name = word.decode()
        known = _CLASS.match(name)
        if known is not None and known[1] in DTYPES:
            return (yield from self._numbers(index, known[1], where)) if known[2] == "Tensor" else self._storage(index, known[1])
        if name in ("tds.Hash", "tds.Vec"):
            return (yield from self._tds(index, name))
        if name in ("torch.Generator", "torch.Timer"):
            raise unreadable(where=where, expected="classes that say how they are written", got=name)
        found = Instance(name, version)
        self._known[index] = found
        # Classes of Lua write themselves as one table.
        fields = yield
        if isinstance(fields, dict):
            found.fields = fields
        elif fields is not None:
            found.fields = {"value": fields}
        return found

    def _length(self, where: str) -> int:
        count = self._marks.whole()
        if not 0 <= count <= 256:
            raise damaged(where=where, expected="the name of a class", got=f"a name of {count:,} bytes")
        return count

    def _numbers(self, index: int, kind: str, where: str) -> Step:
        axes = self._marks.whole()
        if not 0 <= axes <= MOST_AXES:
            raise damaged(where=where, expected=f"a tensor of at most {MOST_AXES} axes", got=str(axes))
        sizes = tuple(self._marks.long() for _ in range(axes))
        strides = tuple(self._marks.long() for _ in range(axes))
        offset = self._marks.long() - 1
        if min(sizes, default=0) < 0 or max(sizes, default=0) > 1 << 40 or min(strides, default=0) < 0:
            raise damaged(where=where, expected="sizes and strides of a tensor", got=f"{list(sizes)} and {list(strides)}")
        found = Tensor(kind, sizes, strides, offset, None, where)
        self._known[index] = found
        storage = yield
        if storage is not None and not (isinstance(storage, Storage) and storage.kind == kind):
            raise damaged(where=where, expected=f"a storage of {kind}", got=type(storage).__name__)
        found.storage = storage
        if found.count > 0 and storage is None:
            raise damaged(where=where, expected="a storage for the tensor's numbers", got="none")
        return found

    def _storage(self, index: int, kind: str) -> Storage:
        found = Storage(kind, self._marks.numbers(self._marks.long(), DTYPES[kind]))
        self._known[index] = found
        return found

    def _tds(self, index: int, name: str) -> Step:
        where, count = self._where, self._marks.long()
        self._check(count, where)
        found = Instance(name)
        self._known[index] = found
        if name == "tds.Hash":
            yield from self._pairs(found.fields, count)
        else:
            for place in range(1, count + 1):
                found.fields[place] = yield
        return found


def _key(key: Any) -> Any:
    """Whole numbers are whole; what can't be a key here is known by being itself."""
    if isinstance(key, float) and key.is_integer():
        return int(key)
    return key if isinstance(key, str | int | float | bool) else Reference(key)


def is_ascii(head: bytes) -> bool:
    r"""Whether a file begins as the ASCII mode writes it.

    Example:
        >>> is_ascii(b"4\n1\n3\nV 1\n"), is_ascii(b"\x04\x00\x00\x00\x01\x00\x00\x00")
        (True, False)
    """
    return re.match(rb"[0-8]\r?\n", head) is not None


def read_file(path: Path) -> Any:
    """The object in a file: tables are dictionaries, objects `Instance`, tensors `Tensor`.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if it declares more than it holds.
    """
    data = bytearray(path.stat().st_size)
    with path.open("rb") as file:
        count = file.readinto(data)
    return read_bytes(memoryview(data)[:count], str(path))


def read_bytes(data: bytes | memoryview, where: str) -> Any:
    """The same of bytes; of what 32-bit machines wrote, too."""
    if is_ascii(bytes(data[:4])):
        return Reader(Ascii(data, where)).read()
    try:
        return Reader(Binary(data, where)).read()
    except InteropError:
        try:
            return Reader(Binary(data, where, 4)).read()
        except InteropError:
            pass
        raise
