"""Blobs: arrays of Caffe, and which array is which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamina.interop.caffe.source import sizes
from lamina.interop.problems import damaged, misfit, too_large
from lamina.interop.protobuf.message import Message

if TYPE_CHECKING:
    import numpy as np

MOST_AXES = 32


def blob_array(message: Message, where: str) -> np.ndarray:
    """The numbers of a blob in its shape; a view of the file, where it keeps them as they are.

    Raises:
        InteropError: IO002, if there are not as many numbers as its shape says; IO003, if it has no shape that can be.
    """
    if message.has("raw_data") and message.has("raw_data_type"):
        raise damaged(
            where=where, expected="numbers in data or double_data", got="raw_data", cause="a branch of Caffe packed them in its own way"
        )
    name = "double_data" if message.has("double_data") else "data"
    numbers = message.numbers(name)
    legacy = any(message.has(axis) for axis in ("num", "channels", "height", "width"))
    if message.has("shape"):
        shape = sizes(message.message("shape"))
    elif legacy:
        shape = tuple(message.integer(axis) for axis in ("num", "channels", "height", "width"))
    else:
        shape = (len(numbers),)
    if len(shape) > MOST_AXES or any(size < 0 for size in shape):
        raise too_large(where=where, expected=f"at most {MOST_AXES} axes of at least 0", got=str(list(shape))[:80])
    if math.prod(shape) != len(numbers):
        raise damaged(where=where, expected=f"{math.prod(shape):,} numbers, as {list(shape)} has", got=f"{len(numbers):,}")
    return numbers.reshape(shape)


def fitted(array: np.ndarray, shape: tuple[int, ...], where: str) -> np.ndarray:
    """A blob in the shape that its layer has for it; files of V0 and V1 write 4 axes for all, with 1 in front.

    Raises:
        InteropError: IO005, if it is of another shape.
    """
    own = array.shape
    short = tuple(size for size in own if size != 1), tuple(size for size in shape if size != 1)
    if own != shape and short[0] != short[1]:
        raise misfit(where=where, expected=f"{list(shape)}", got=f"{list(own)}")
    return array.reshape(shape)
