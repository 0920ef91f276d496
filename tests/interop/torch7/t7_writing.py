"""Writes what Torch7 writes, for tests: binary with longs of 8 or 4 bytes, and ASCII."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {"f4": "Float", "f8": "Double", "i8": "Long", "i4": "Int", "i2": "Short", "u1": "Byte", "f2": "Half"}


@dataclass
class Obj:
    """An object of a class."""

    kind: str
    fields: dict[Any, Any] = field(default_factory=dict)
    version: int | None = 1


@dataclass
class Longs:
    """A storage of longs, as ``view.size`` is."""

    numbers: list[int]


def module(kind: str, *children: Obj, **fields: Any) -> Obj:
    """A module of nn, with others within."""
    more = {"modules": {place: child for place, child in enumerate(children, 1)}} if children else {}
    return Obj(kind if "." in kind else f"nn.{kind}", {"train": False, **more, **fields})


class Writer:
    def __init__(self, *, ascii: bool = False, long: int = 8, digits: int = 9) -> None:  # noqa: A002
        self.ascii, self.long_size, self.digits = ascii, long, digits
        self.out = bytearray()
        self.known: dict[tuple[str, int], int] = {}
        self.kept: list[Any] = []

    def int(self, value: int) -> None:
        self.out += f"{value}\n".encode() if self.ascii else struct.pack("<i", value)

    def long(self, *values: int) -> None:
        if self.ascii:
            self.out += (" ".join(map(str, values)) + "\n").encode()
        else:
            self.out += struct.pack(f"<{len(values)}{'q' if self.long_size == 8 else 'i'}", *values)

    def text(self, value: str) -> None:
        raw = value.encode()
        self.int(len(raw))
        self.out += raw + (b"\n" if self.ascii and raw else b"")

    def head(self, value: Any) -> bool:
        """Write the index; whether what follows must be written."""
        return self._index(("object", id(value)), value)

    def _index(self, key: tuple[str, int], value: Any) -> bool:
        new = key not in self.known
        if new:
            self.known[key] = len(self.known) + 1
            self.kept.append(value)
        self.int(self.known[key])
        return new

    def write(self, value: Any) -> None:
        if value is None:
            self.int(0)
        elif isinstance(value, bool):
            self.int(5)
            self.int(int(value))
        elif isinstance(value, int | float):
            self.int(1)
            self.out += f"{value!r}\n".encode() if self.ascii else struct.pack("<d", value)
        elif isinstance(value, str):
            self.int(2)
            self.text(value)
        elif isinstance(value, dict | list):
            table = value if isinstance(value, dict) else dict(enumerate(value, 1))
            self.int(3)
            if self.head(value):
                self.int(len(table))
                for key, item in table.items():
                    self.write(key)
                    self.write(item)
        elif isinstance(value, Obj):
            self.int(4)
            if self.head(value):
                if value.version is not None:
                    self.text(f"V {value.version}")
                self.text(value.kind)
                self.write(value.fields)
        elif isinstance(value, np.ndarray):
            self._tensor(value)
        elif isinstance(value, Longs):
            self.int(4)
            if self.head(value):
                self._storage(np.array(value.numbers, "i8"))
        else:
            raise TypeError(value)

    def _tensor(self, array: np.ndarray) -> None:
        self.int(4)
        if not self.head(array):
            return
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        self.text("V 1")
        self.text(f"torch.{NAMES[array.dtype.str[1:]]}Tensor")
        self.int(array.ndim)
        offset = (array.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // array.itemsize
        if array.ndim:
            self.long(*array.shape)
            self.long(*(stride // array.itemsize for stride in array.strides))
        self.long(offset + 1)
        self.int(4)
        if self._index(("storage", id(base)), base):
            self._storage(base)

    def _storage(self, array: np.ndarray) -> None:
        self.text("V 1")
        self.text(f"torch.{NAMES[array.dtype.str[1:]]}Storage")
        self.long(array.size)
        flat = array.reshape(-1)
        if not self.ascii or array.dtype.itemsize == 1:
            narrow = flat.astype("<i4") if array.dtype.str[1:] == "i8" and self.long_size == 4 else flat
            self.out += narrow.tobytes() + (b"\n" if self.ascii and flat.size else b"")
        elif array.dtype.kind == "f":
            self.out += (" ".join(f"{number:.{self.digits}g}" for number in flat) + "\n").encode()
        else:
            self.out += (" ".join(str(number) for number in flat) + "\n").encode()


def save(path: Path, value: Any, **settings: Any) -> Path:
    """Write a file."""
    writer = Writer(**settings)
    writer.write(value)
    path.write_bytes(writer.out)
    return path
