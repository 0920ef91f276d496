"""safetensors: a header in JSON, and the numbers behind it; one file, or several with an index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamina.interop.cursor import Cursor
from lamina.interop.documents import parse_json
from lamina.interop.problems import damaged, too_large
from lamina.interop.pytorch.archives import itemsize
from lamina.interop.pytorch.tensors import Storage, Stored, whole

MOST_HEADER = 100_000_000
TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U8": "uint8", "BOOL": "bool", "U16": "uint16", "U32": "uint32", "U64": "uint64",
}  # fmt: skip


def is_safe(head: bytes, size: int) -> bool:
    """Whether a file begins as safetensors do."""
    length = int.from_bytes(head[:8], "little")
    return len(head) > 9 and 2 <= length <= min(MOST_HEADER, size - 8) and head[8:9] == b"{"


def is_index(head: bytes) -> bool:
    """Whether a file says in which others tensors are."""
    return head.lstrip()[:1] == b"{" and b'"weight_map"' in head


def read_safe(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """Tensors by name, and what else the header says.

    Raises:
        InteropError: IO002 or IO003.
    """
    data = path.read_bytes()
    cursor = Cursor(data, str(path))
    length = cursor.int64()
    if not 2 <= length <= min(MOST_HEADER, cursor.left):
        raise too_large(where=f"{path}, header", expected=f"at most {min(MOST_HEADER, cursor.left):,} bytes", got=f"{length:,}")
    header = parse_json(cursor.bytes(length), f"{path}, header", MOST_HEADER)
    if not isinstance(header, dict):
        raise damaged(where=f"{path}, header", expected="tensors by name", got=type(header).__name__)
    rest = cursor.view(cursor.left)
    found: dict[str, Stored] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            found[name] = _entry(entry, rest, f"{path}, tensor {name!r}")
    said = header.get("__metadata__")
    return found, {str(key): str(item)[:200] for key, item in said.items()} if isinstance(said, dict) else {}


def _entry(entry: Any, rest: memoryview, where: str) -> Stored:
    dtype = TYPES.get(str(entry.get("dtype"))) if isinstance(entry, dict) else None
    if dtype is None:
        got = str(entry.get("dtype") if isinstance(entry, dict) else entry)[:60]
        raise damaged(where=where, expected=f"numbers of {', '.join(TYPES)}", got=got, cause="tensors of other types are not read")
    sizes, place = whole(entry.get("shape"), where), whole(entry.get("data_offsets"), where)
    count = 1
    for size in sizes:
        count *= size
    if (
        len(place) != 2
        or not 0 <= place[0] <= place[1] <= len(rest)
        or min((*sizes, 0)) < 0
        or place[1] - place[0] != count * itemsize(dtype)
    ):
        raise damaged(where=where, expected=f"{count:,} numbers within {len(rest):,} bytes", got=f"the bytes {list(place)}")
    strides, step = [], 1
    for size in reversed(sizes):
        strides.append(step)
        step *= max(size, 1)
    return Stored(Storage(dtype, _view(rest[place[0] : place[1]])), sizes, tuple(reversed(strides)), 0, dtype, where)


def _view(view: memoryview) -> Callable[[], memoryview]:
    return lambda: view


def read_index(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """Tensors of all files that an index names, which lie beside it.

    Raises:
        InteropError: IO002 or IO003.
    """
    index = parse_json(path.read_bytes(), str(path), 1 << 26)
    wanted = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(wanted, dict):
        raise damaged(where=str(path), expected="a weight_map", got="none")
    found: dict[str, Stored] = {}
    for name in sorted({str(item) for item in wanted.values()}):
        part = path.parent / name
        if Path(name).name != name or not part.is_file():
            raise damaged(where=str(path), expected="files beside the index", got=name[:100], cause="a part of the model is missing")
        found |= read_safe(part)[0]
    lacking = sorted(str(name) for name in wanted if name not in found)
    if lacking:
        raise damaged(where=str(path), expected="all tensors of the index", got=f"none called {lacking[0]!r}")
    return found, {}
