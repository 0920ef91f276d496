"""Tensors of ONNX as NumPy arrays: views of the file where its bytes allow it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.schema import KINDS
from lamina.interop.problems import damaged, misfit, too_large, unreadable

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.protobuf.message import Message

MOST_NUMBERS = 1 << 40
_STORED = {"bool": "?", "bfloat16": "<u2", "float16": "<f2", "float8_e4m3fn": "u1", "float8_e4m3fnuz": "u1", "float8_e5m2": "u1"}
_STORED |= {"float8_e5m2fnuz": "u1", "float8_e8m0": "u1", "uint4": "u1", "int4": "u1", "float4_e2m1": "u1", "uint2": "u1", "int2": "u1"}
_PACKED = {"uint4": 2, "int4": 2, "float4_e2m1": 2, "uint2": 4, "int2": 4}
"""Element types of which several share a byte."""
_FLOAT4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


class Tensors:
    """Reads tensors of one file.

    Args:
        folder: Where external data lie; None: nowhere.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._files: dict[str, memoryview] = {}

    def array(self, tensor: Message) -> np.ndarray:
        """A tensor's numbers; small floats and whole numbers that NumPy doesn't have as float32 and int8, strings as objects.

        Raises:
            InteropError: IO002 or IO005, if there are not as many numbers as its sizes say; IO010 for external data elsewhere.
        """
        import numpy as np

        dims = tensor.integers("dims")
        kind = KINDS.get(tensor.integer("data_type"))
        if kind is None or kind.startswith("float6_"):
            raise unreadable(where=tensor.where, expected="an element type of ONNX", got=f"type {tensor.integer('data_type')}")
        count = self._count(tensor, dims)
        if kind == "string":
            return self._strings(tensor, count).reshape(dims)
        raw = self._raw(tensor)
        if raw is None:
            flat = self._numbers(tensor, kind)
        else:
            stored = np.dtype(_STORED.get(kind, np.dtype(kind).newbyteorder("<") if kind not in _STORED else "u1"))
            wanted = -(-count // _PACKED[kind]) if kind in _PACKED else count * stored.itemsize
            if len(raw) != wanted:
                raise misfit(
                    where=tensor.where,
                    expected=f"{wanted:,} bytes for {dims} {kind}",
                    got=f"{len(raw):,} bytes",
                    cause="the file was cut short or changed after it was written",
                )
            flat = np.frombuffer(raw, dtype=stored)
        flat = widened(flat, kind, count)
        if flat.size != count:
            raise misfit(
                where=tensor.where,
                expected=f"{count:,} numbers for {dims}",
                got=f"{flat.size:,}",
                cause="the file was cut short or changed after it was written",
            )
        return flat.reshape(dims)

    def _count(self, tensor: Message, dims: list[int]) -> int:
        if len(dims) > 32 or any(size < 0 for size in dims):
            raise damaged(where=tensor.where, expected="sizes of a tensor", got=str(dims)[:200])
        count = math.prod(dims)
        if count > MOST_NUMBERS:
            raise too_large(where=tensor.where, expected=f"at most {MOST_NUMBERS:,} numbers", got=f"{dims}")
        return count

    def _strings(self, tensor: Message, count: int) -> np.ndarray:
        import numpy as np

        words = tensor.raws("string_data")
        if len(words) != count:
            raise misfit(where=tensor.where, expected=f"{count:,} strings", got=f"{len(words):,}", cause="the file is damaged")
        found = np.empty(count, dtype=object)
        for place, word in enumerate(words):
            found[place] = bytes(word).decode("utf-8", "replace")
        return found

    def _numbers(self, tensor: Message, kind: str) -> np.ndarray:
        import numpy as np

        if kind in ("float32", "complex64"):
            flat = tensor.numbers("float_data")
            return flat.view(np.complex64) if kind == "complex64" and flat.size % 2 == 0 else flat
        if kind in ("float64", "complex128"):
            flat = tensor.numbers("double_data")
            return flat.view(np.complex128) if kind == "complex128" and flat.size % 2 == 0 else flat
        if kind == "int64":
            return tensor.numbers("int64_data")
        if kind in ("uint32", "uint64"):
            return tensor.numbers("uint64_data").astype(kind)
        flat = tensor.numbers("int32_data")
        if kind in ("float16", "bfloat16"):
            return flat.astype(np.uint16).view(np.float16) if kind == "float16" else flat.astype(np.uint16)
        stored = np.dtype(_STORED.get(kind, kind))
        return flat.astype(stored)

    def _raw(self, tensor: Message) -> memoryview | None:
        if tensor.integer("data_location") == 1:
            return self._external(tensor)
        return tensor.raw("raw_data") if tensor.has("raw_data") else None

    def _external(self, tensor: Message) -> memoryview:
        said = {entry.text("key"): entry.text("value") for entry in tensor.messages("external_data")}
        name = said.get("location", "")
        data = self._file(name, tensor.where)
        try:
            start = int(said.get("offset", "0"))
            size = int(said.get("length", str(len(data) - start)))
        except ValueError as error:
            raise damaged(where=tensor.where, expected="offset and length of external data", got=str(said)[:200]) from error
        if start < 0 or size < 0 or start + size > len(data):
            raise damaged(where=f"{tensor.where}, {name}", expected=f"{size:,} bytes from {start:,}", got=f"{len(data):,} bytes")
        return data[start : start + size]

    def _file(self, name: str, where: str) -> memoryview:
        if name in self._files:
            return self._files[name]
        parts = Path(name).parts
        outside = not name or Path(name).is_absolute() or ".." in parts or "\\" in name or ":" in name or "\0" in name
        path = None if self.folder is None or outside else self.folder / name
        links = path is not None and self.folder is not None and _linked(self.folder, parts)
        if path is None or links or not path.is_file():
            raise unreadable(
                where=f"{where}, external data {name!r}",
                expected="a file beside the model, in its folder or below",
                got="a link" if links else "a path that leads elsewhere" if outside else "no such file",
                cause="weights of this model lie in a second file, which must be copied with it; nothing else is opened",
            )
        self._files[name] = mapped(path)
        return self._files[name]


def _linked(folder: Path, parts: tuple[str, ...]) -> bool:
    return any(folder.joinpath(*parts[: count + 1]).is_symlink() for count in range(len(parts)))


def mapped(path: Path) -> memoryview:
    """The bytes of a file, which are read when they are looked at."""
    import mmap

    with path.open("rb") as file:
        if not path.stat().st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def widened(flat: np.ndarray, kind: str, count: int) -> np.ndarray:
    """Numbers of types that NumPy doesn't have as such that hold them: bfloat16 and float8 as float32, int4 as int8."""
    import numpy as np

    if kind == "bfloat16":
        return (flat.astype(np.uint32) << 16).view(np.float32)
    if kind in _PACKED:
        bits = 8 // _PACKED[kind]
        shifts = np.arange(_PACKED[kind], dtype=np.uint8) * bits
        codes = ((flat.astype(np.uint8)[:, None] >> shifts) & ((1 << bits) - 1)).reshape(-1)[:count]
        if kind == "float4_e2m1":
            table: np.ndarray = np.array([*_FLOAT4, *(-value for value in _FLOAT4)], dtype=np.float32)
            numbers: np.ndarray = table[codes]
            return numbers
        if kind.startswith("u"):
            return codes
        half = 1 << (bits - 1)
        return ((codes.astype(np.int8) ^ half) - half).astype(np.int8)
    if kind.startswith("float8"):
        found: np.ndarray = float8_values(kind)[flat.astype(np.uint8)]
        return found
    return flat


def float8_values(kind: str) -> np.ndarray:
    """The number that each of the 256 bytes stands for."""
    import numpy as np

    codes = np.arange(256)
    if kind == "float8_e8m0":
        found = np.ldexp(np.float64(1), codes - 127)
        found[255] = np.nan
        return found.astype(np.float32)
    mantissa, bias = {"e4m3fn": (3, 7), "e4m3fnuz": (3, 8), "e5m2": (2, 15), "e5m2fnuz": (2, 16)}[kind.removeprefix("float8_")]
    sign = np.where(codes & 128, -1.0, 1.0)
    exponent, fraction = (codes & 127) >> mantissa, codes & ((1 << mantissa) - 1)
    normal = np.ldexp(1 + fraction / (1 << mantissa), exponent - bias)
    found = sign * np.where(exponent == 0, np.ldexp(fraction / (1 << mantissa), 1 - bias), normal)
    if kind.endswith("uz"):
        found[128] = np.nan
    elif kind == "float8_e4m3fn":
        found[[127, 255]] = np.nan
    else:
        found[(exponent == 31) & (fraction > 0)] = np.nan
        found[124], found[252] = np.inf, -np.inf
    result: np.ndarray = found.astype(np.float32)
    return result


def literal(array: np.ndarray) -> dict[str, Any]:
    """A small array as plain data, as it stands in a description.

    Example:
        >>> import numpy as np
        >>> literal(np.array([1, -1]))
        {'kind': 'int64', 'shape': [2], 'values': [1, -1]}
    """
    kind = "string" if array.dtype == object else array.dtype.name
    values = [str(value) if isinstance(value, float) and not math.isfinite(value) else value for value in array.reshape(-1).tolist()]
    return {"kind": kind, "shape": list(array.shape), "values": values}
