"""Lists of sequences of different lengths, wherever arrays are taken: filled up, with masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamina.data.masks import open_sequence, pad
from lamina.data.schema import INPUT
from lamina.shapes import Shape


def is_ragged(value: Any) -> bool:
    """Whether this is a list of sequences that are not all equally long.

    Example:
        >>> is_ragged([[1, 2], [3]]), is_ragged([[1, 2], [3, 4]]), is_ragged([1, 2])
        (True, False, False)
    """
    if not isinstance(value, list | tuple) or len(value) < 2:
        return False
    lengths = set()
    for item in value:
        if isinstance(item, str | bytes | Mapping) or not hasattr(item, "__len__") or not np.ndim(_first(item)) + 1:
            return False
        lengths.add(len(item))
    return len(lengths) > 1


def _first(item: Any) -> Any:
    return item[0] if isinstance(item, list | tuple) and item else item


def fill_inputs(data: Any, shapes: Mapping[str, Shape] | None) -> tuple[Any, dict[str, np.ndarray], dict[str, Shape]]:
    """Inputs in which lists of sequences became arrays; masks of them, and the shapes of those that nobody described, by name.

    Args:
        data: What a user gives: one value, or values by input name.
        shapes: Of the inputs, where they are known.

    Raises:
        DataError: DA004, naming a sequence that is not like the others.
    """
    if isinstance(data, Mapping):
        filled, masks = dict(data), dict[str, np.ndarray]()
        open_shapes: dict[str, Shape] = {}
        for name, value in data.items():
            if is_ragged(value) and _has_steps(name, shapes):
                filled[name], masks[name] = _filled(value, f"input {name!r}", (shapes or {}).get(name))
                if shapes is None:
                    open_shapes[name] = open_sequence(filled[name], name)
        return filled, masks, open_shapes
    name = INPUT if shapes is None or len(shapes) != 1 else next(iter(shapes))
    if not is_ragged(data) or not _has_steps(name, shapes):
        return data, {}, {}
    array, mask = _filled(data, f"input {name!r}", (shapes or {}).get(name))
    return array, {name: mask}, {} if shapes else {name: open_sequence(array, name)}


def _has_steps(name: str, shapes: Mapping[str, Shape] | None) -> bool:
    return shapes is None or name not in shapes or shapes[name].has_steps


def _filled(value: Any, where: str, shape: Shape | None) -> tuple[np.ndarray, np.ndarray]:
    array, mask = pad(value, where)
    steps = shape.dims[0] if shape is not None and shape.has_steps else None
    missing = 0 if steps is None else steps - array.shape[1]
    if missing <= 0:
        return array, mask
    return np.pad(array, [(0, 0), (0, missing), *((0, 0) for _ in array.shape[2:])]), np.pad(mask, [(0, 0), (0, missing)])


def pad_labels(sequences: Any, where: str, padding: int = -1) -> np.ndarray:
    """Labels without places (of ``ctc``): sequences of any length as one array, filled with ``padding`` behind their ends.

    Raises:
        DataError: DA004, naming a sequence that is none of labels.

    Example:
        >>> pad_labels([[1, 2], [3]], "target 'output'").tolist()
        [[1, 2], [3, -1]]
    """
    # A sequence may be empty: nothing was said.
    full = [item if len(item) else [padding] for item in sequences]
    array, mask = pad(full, where)
    labels: np.ndarray = np.where(mask, array, padding)
    return labels
