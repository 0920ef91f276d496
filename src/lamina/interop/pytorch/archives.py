"""The containers of ``torch.save``: a zip file, or from before 1.6 one pickle after another, with the numbers behind them."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from lamina.interop.cursor import Cursor
from lamina.interop.given import Given
from lamina.interop.problems import damaged
from lamina.interop.pytorch.calls import call, storage_dtype
from lamina.interop.pytorch.pickles import Machine, Name
from lamina.interop.pytorch.tensors import DTYPES, Storage
from lamina.interop.zips import ZipMembers

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file from before 1.6 begins."""
SIZES = {"bf16": 2, "?": 1, "c8": 8, "c16": 16}


def itemsize(dtype: str) -> int:
    """Bytes of a number."""
    word = DTYPES[dtype]
    return SIZES.get(word) or int(word[1:])


def root(members: ZipMembers) -> str:
    """The folder that all members stand in."""
    for name in members.sizes:
        for end in ("data.pkl", "constants.pkl", "archive_format", "model.json", "version"):
            if name.endswith(f"/{end}") and name.count("/") == 1:
                return name[: -len(end)]
    return ""


def read_zip(members: ZipMembers, name: str = "data.pkl") -> Any:
    """The object in a zip file.

    Raises:
        InteropError: IO002, IO003 or IO050.
    """
    folder = root(members)
    order = members.read(f"{folder}byteorder", 16) if f"{folder}byteorder" in members else b"little"
    kept: dict[str, Storage] = {}
    prefix = "constants" if name == "constants.pkl" else "data"

    def persistent(found: Any) -> Any:
        where = members.where(f"{folder}{name}")
        kind, key, count = _reference(found, where)
        dtype = storage_dtype(kind, where)
        path = f"{folder}{prefix}/{key}"
        if path not in members:
            raise damaged(where=where, expected=f"a member {path}", got="none")
        if members.sizes[path] < count * itemsize(dtype):
            expected = f"{count * itemsize(dtype):,} bytes"
            raise damaged(where=members.where(path), expected=expected, got=f"{members.sizes[path]:,}")
        return kept.setdefault(key, Storage(dtype, lambda: members.read(path), order.strip() == b"big", key))

    path = f"{folder}{name}"
    cursor = Cursor(members.read(path, 1 << 28), members.where(path))
    machine: Machine = Machine(cursor, lambda function, args: call(function, args, machine.where), persistent)
    return machine.load()


def _reference(found: Any, where: str) -> tuple[Name, str, int]:
    if not isinstance(found, tuple) or len(found) < 5 or found[0] != "storage" or type(found[4]) is not int or found[4] < 0:
        raise damaged(where=where, expected="a reference to a storage", got=reprlib.repr(found)[:80])
    return found[1], str(found[2]), found[4]


def read_legacy(given: Given) -> Any:
    """The object in a file from before 1.6.

    Raises:
        InteropError: IO002, IO003 or IO050.
    """
    data = given.path.read_bytes()
    cursor = Cursor(data, str(given.path))
    kept: dict[str, Storage] = {}
    counts: dict[str, int] = {}
    places: dict[str, Callable[[], memoryview]] = {}

    def persistent(found: Any) -> Any:
        if isinstance(found, tuple) and found and found[0] == "module":
            return found[1]
        kind, key, count = _reference(found, machine.where)
        dtype = storage_dtype(kind, machine.where)
        counts[key] = count
        storage = kept.setdefault(key, Storage(dtype, lambda: places[key]() if key in places else b"", key=key))
        view = found[5] if len(found) > 5 else None
        if isinstance(view, tuple) and len(view) == 3:
            start = int(view[1]) * itemsize(dtype)
            counts.setdefault(str(view[0]), 0)
            return Storage(dtype, lambda: memoryview(storage.read())[start : start + int(view[2]) * itemsize(dtype)], storage.big, key)
        return storage

    machine: Machine = Machine(cursor, lambda function, args: call(function, args, machine.where), persistent)
    machine.load()
    if machine.load() != 1001:
        raise damaged(where=str(given.path), expected="the protocol 1001", got="another")
    info = machine.load()
    big = isinstance(info, dict) and info.get("little_endian") is False
    found = machine.load()
    keys = machine.load()
    if not isinstance(keys, list):
        raise damaged(where=machine.where, expected="the list of storages", got=type(keys).__name__)
    for key in map(str, keys):
        if key not in kept:
            raise damaged(where=machine.where, expected="a storage that a tensor refers to", got=key)
        kept[key].big = big
        count = int.from_bytes(cursor.bytes(8), "little", signed=True)
        places[key] = _place(cursor.view(max(count, 0) * itemsize(kept[key].dtype), "bytes of numbers"))
    return found


def _place(view: memoryview) -> Callable[[], memoryview]:
    return lambda: view
