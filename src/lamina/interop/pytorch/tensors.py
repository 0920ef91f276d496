"""Tensors as files describe them: views of storages, which are read when they are asked for."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "bf16", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint8": "u1", "bool": "?", "uint16": "u2", "uint32": "u4", "uint64": "u8", "complex64": "c8", "complex128": "c16",
}  # fmt: skip
STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8",
}  # fmt: skip
FREE_NUMBERS = 1 << 22


@dataclass
class Storage:
    """Numbers one after another, which several tensors may share.

    Attributes:
        dtype: torch's name of their type.
        read: Gives the bytes.
        big: Whether the largest byte of each number is first.
        key: What the file calls it.
    """

    dtype: str
    read: Callable[[], bytes | memoryview]
    big: bool = False
    key: str = ""
    _found: Any = None

    def array(self, dtype: str, where: str) -> np.ndarray:
        """The numbers, as numbers of a type."""
        import numpy as np

        if dtype not in DTYPES:
            raise damaged(where=where, expected=f"numbers of {', '.join(DTYPES)}", got=dtype, cause="tensors of other types are not read")
        word = DTYPES[dtype]
        if self._found is None or self._found[0] != dtype:
            raw = self.read()
            order = ">" if self.big else "<"
            kind = np.dtype(f"{order}u2" if word == "bf16" else word if word == "?" else f"{order}{word}")
            usable = len(raw) - len(raw) % kind.itemsize
            numbers = np.frombuffer(memoryview(raw)[:usable], kind)
            if word == "bf16":
                numbers = (numbers.astype("<u4") << 16).view("<f4")
            self._found = (dtype, numbers if numbers.dtype.isnative else numbers.astype(numbers.dtype.newbyteorder("=")))
        found: np.ndarray = self._found[1]
        return found


@dataclass
class Stored:
    """A tensor.

    Attributes:
        storage: Its numbers.
        sizes: Of each axis.
        strides: From one place to the next along each axis, in numbers.
        offset: Of the first number.
        dtype: torch's name of their type.
        where: Its place in the file, for messages.
    """

    storage: Storage
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: str
    where: str = ""

    @property
    def count(self) -> int:
        """How many numbers."""
        found = 1
        for size in self.sizes:
            found *= size
        return found

    def array(self) -> np.ndarray:
        """The numbers.

        Raises:
            InteropError: IO002, if the view reaches beyond its storage; IO003, if it repeats so much that it is larger than any weight.
        """
        import numpy as np

        numbers = self.storage.array(self.dtype, self.where)
        if not self.count:
            return np.zeros(self.sizes, numbers.dtype)
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.sizes, self.strides, strict=True))
        if self.offset < 0 or min((*self.strides, 0)) < 0 or min((*self.sizes, 0)) < 0 or last >= len(numbers):
            raise damaged(
                where=self.where,
                expected=f"a view of a storage of {len(numbers):,} numbers",
                got=f"sizes {list(self.sizes)}, strides {list(self.strides)} from {self.offset}",
            )
        if self.count > max(FREE_NUMBERS, len(numbers)):
            raise too_large(where=self.where, expected=f"at most {max(FREE_NUMBERS, len(numbers)):,} numbers", got=f"{self.count:,}")
        steps = tuple(stride * numbers.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.sizes, steps, writeable=False)


def whole(items: Any, where: str) -> tuple[int, ...]:
    """Sizes or strides."""
    if not isinstance(items, tuple | list) or len(items) > 64 or not all(type(item) is int and abs(item) < 1 << 48 for item in items):
        raise damaged(where=where, expected="sizes or strides of a tensor", got=reprlib.repr(items)[:60])
    return tuple(items)
