"""Arrays as ``Nd4j.write`` writes them: two buffers one after the other, first the shape, then the numbers; largest bytes first."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.cursor import Cursor
from lamina.interop.problems import damaged, too_large, unreadable

if TYPE_CHECKING:
    import numpy as np

OLD_MODES = ("DIRECT", "HEAP", "JAVACPP")
"""Allocation modes up to 1.0.0-beta, whose lengths have four bytes."""
MODES = (*OLD_MODES, "LONG_SHAPE", "MIXED_DATA_TYPES")
TYPES = {
    "DOUBLE": ">f8",
    "FLOAT": ">f4",
    "HALF": ">f2",
    "LONG": ">i8",
    "INT": ">i4",
    "SHORT": ">i2",
    "BYTE": ">i1",
    "UBYTE": ">u1",
    "BOOL": ">u1",
    "UINT16": ">u2",
    "UINT32": ">u4",
    "UINT64": ">u8",
    "BFLOAT16": ">u2",
}
EMPTY = 8
"""The bit of the extras that says that an array holds nothing."""
MOST_RANK = 32
MOST_BYTES = 2**31
"""A blob of a file of its own; Java's arrays hold no more."""


def read_blob(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in a file that ``Nd4j.write`` or ``Nd4j.saveBinary`` wrote.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if it is larger than two gigabytes.

    Example:
        >>> import pathlib, struct, tempfile
        >>> word = lambda text: struct.pack(">H", len(text)) + text.encode()
        >>> shape = word("LONG_SHAPE") + struct.pack(">q", 8) + word("LONG") + struct.pack(">8q", 2, 1, 2, 2, 1, 8192, 1, 99)
        >>> numbers = word("LONG_SHAPE") + struct.pack(">q", 2) + word("FLOAT") + struct.pack(">2f", 0.5, 1.0)
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "blob.bin"
        >>> _ = path.write_bytes(shape + numbers)
        >>> read_blob(path).tolist()
        [[0.5, 1.0]]
    """
    file = Path(path)
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise too_large(where=str(file), expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,}")
    cursor = Cursor(file.read_bytes(), str(file), big=True)
    found = read_array(cursor)
    if cursor.left:
        raise damaged(where=f"{file}, byte {cursor.place}", expected="the end of the file", got=f"{cursor.left:,} bytes more")
    return found


def write_array(array: np.ndarray) -> bytes:
    """What ``Nd4j.write`` writes of an array, as beta4 and later do: for tests, and for files of one's own that Deeplearning4j reads.

    Example:
        >>> import numpy as np
        >>> read_array(Cursor(write_array(np.arange(6.0).reshape(2, 3)), "bytes", big=True)).tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    import numpy as np

    plain = np.ascontiguousarray(array, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32)
    strides = [stride // plain.itemsize for stride in plain.strides]
    info = np.array([plain.ndim, *plain.shape, *strides, 16384 if plain.itemsize == 8 else 8192, 1, ord("c")], dtype=">i8")
    word = "DOUBLE" if plain.itemsize == 8 else "FLOAT"
    return _written("LONG", info) + _written(word, plain.reshape(-1))


def _written(kind: str, numbers: np.ndarray) -> bytes:
    words = [struct.pack(">H", len(word)) + word.encode() for word in ("MIXED_DATA_TYPES", kind)]
    return words[0] + struct.pack(">q", numbers.size) + words[1] + numbers.astype(numbers.dtype.newbyteorder(">")).tobytes()


def read_array(cursor: Cursor) -> np.ndarray:
    """The next array of some bytes, with the bytes of this machine.

    Raises:
        InteropError: IO002, if it is damaged; IO010, if it is of a type that is not read.
    """
    import numpy as np

    place = cursor.place
    where = f"{cursor.where}, array at byte {place}"
    info = [int(number) for number in _buffer(cursor)]
    rank = info[0] if info else -1
    if not 0 <= rank <= MOST_RANK or len(info) != 2 * rank + 4:
        raise damaged(where=where, expected="a shape", got=f"{len(info)} numbers that begin with {info[:4]}")
    shape, strides, extras = info[1 : rank + 1], info[rank + 1 : 2 * rank + 1], info[2 * rank + 1]
    if min(shape, default=1) < 0 or min(strides, default=1) < 0:
        raise damaged(where=where, expected="sizes and strides of at least 0", got=f"{shape}, {strides}")
    if math.prod(shape) == 0 and max(shape) > MOST_BYTES:
        raise damaged(where=where, expected="sizes that can be", got=str(shape))
    if not cursor.left and (extras & EMPTY or math.prod(shape) == 0):
        return np.zeros(shape or [0], dtype=np.float32)
    values = _buffer(cursor)
    if extras & EMPTY:
        return np.zeros(shape or [0], dtype=values.dtype)
    count = math.prod(shape)
    last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if count else -1
    if count > len(values) or last >= len(values):
        raise damaged(where=where, expected=f"numbers for {shape} with strides {strides}", got=f"{len(values):,} numbers")
    return strided(values, shape, strides)


def strided(values: np.ndarray, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """Numbers in a shape, with strides that were compared with their count; that of an axis of one may be anything.

    Example:
        >>> import numpy as np
        >>> strided(np.arange(6), [2, 1, 3], [1, 2**62, 2]).tolist()
        [[[0, 2, 4]], [[1, 3, 5]]]
    """
    import numpy as np

    steps = [stride * values.itemsize if size > 1 else 0 for size, stride in zip(shape, strides, strict=True)]
    found: np.ndarray = np.lib.stride_tricks.as_strided(values, shape, steps if math.prod(shape) else None)
    return np.ascontiguousarray(found).reshape(shape)


def _buffer(cursor: Cursor) -> np.ndarray:
    """One buffer of numbers."""
    import numpy as np

    place = cursor.place
    mode = cursor.text()
    if mode not in MODES:
        raise damaged(where=f"{cursor.where}, byte {place}", expected=f"one of {', '.join(MODES)}", got=repr(mode[:40]))
    length = cursor.int32() if mode in OLD_MODES else cursor.int64()
    kind = cursor.text()
    if kind in ("COMPRESSED", "UTF8"):
        raise unreadable(
            where=f"{cursor.where}, byte {place}",
            expected=f"numbers: {', '.join(TYPES)}",
            got=kind,
            cause="the array was compressed, or holds words, before it was written",
        )
    if kind not in TYPES:
        raise damaged(where=f"{cursor.where}, byte {place}", expected=f"one of {', '.join(TYPES)}", got=repr(kind[:40]))
    raw = cursor.numbers(length, TYPES[kind])
    if kind == "BFLOAT16":
        widened: np.ndarray = (raw.astype(np.uint32) << 16).view(np.float32)
        return widened
    if kind == "BOOL":
        truth: np.ndarray = raw != 0
        return truth
    return raw.astype(raw.dtype.newbyteorder("="))
