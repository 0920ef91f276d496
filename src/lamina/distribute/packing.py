"""Plain data with arrays in it as bytes, and back: what processes tell each other. Nothing that is read is executed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_ARRAY, _NUMBER = "<array>", "<number>"
_KINDS = "biuf"


def pack(value: Any) -> bytes:
    """Plain data (None, truth values, numbers, texts, lists, mappings by text) and NumPy arrays of numbers as bytes.

    Raises:
        TypeError: For anything else.

    Example:
        >>> unpack(pack({"a": [1, np.arange(2)], "b": float("nan")}))
        {'a': [1, array([0, 1])], 'b': nan}
    """
    arrays: list[bytes] = []
    head = json.dumps(_plain(value, arrays), allow_nan=False).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *arrays])


def unpack(data: bytes | memoryview) -> Any:
    """What `pack` was given; tuples have become lists."""
    view = memoryview(data)
    stop = 8 + int.from_bytes(view[:8], "little")
    return _back(json.loads(bytes(view[8:stop])), view, [stop])


def _plain(value: Any, arrays: list[bytes]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        own = np.ascontiguousarray(value)
        arrays.append(own.tobytes())
        return {_ARRAY: [own.dtype.str, list(value.shape)]}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    message = f"{type(value).__name__} is no plain data"
    raise TypeError(message)


def _back(value: Any, view: memoryview, at: list[int]) -> Any:
    if isinstance(value, list):
        return [_back(item, view, at) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_NUMBER}:
        return float(value[_NUMBER])
    if value.keys() == {_ARRAY}:
        name, shape = value[_ARRAY]
        count = math.prod(shape)
        array = np.frombuffer(view, np.dtype(name), count, at[0]) if count else np.zeros(0, np.dtype(name))
        at[0] += array.nbytes
        return array.reshape(shape).copy()
    return {key: _back(item, view, at) for key, item in value.items()}
