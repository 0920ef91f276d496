"""What users give as inputs and weights, as checked arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamina.data.arrays import check_finite, check_lengths, check_shape, to_array, to_floats
from lamina.data.lazy import LazyArray, Mapped, Samples
from lamina.data.lazy_targets import settled
from lamina.data.looked import finite
from lamina.data.schema import INPUT
from lamina.data.stored import stored
from lamina.data.targets import BY_AXES, shape_of
from lamina.errors import DataError
from lamina.shapes import Features, Shape


def as_samples(value: Any, where: str) -> Samples:
    """What a user gives as an array: as it is, if it is lazy; lazy, if it is mapped from a file; else an array in memory.

    Raises:
        DataError: DA004 or DA005, as `to_array`.
    """
    if isinstance(value, LazyArray):
        return value
    kept = stored(value)
    return to_array(value, where) if kept is None else kept


def target_samples(value: Any, where: str) -> Samples:
    """As `as_samples`, but what is lazy and small enough is made at once."""
    array = as_samples(value, where)
    return settled(array) if isinstance(array, LazyArray) else array


def checked_inputs(x: Any, shape: Shape | Mapping[str, Shape] | None, dtype: str) -> tuple[dict[str, Any], dict[str, Shape]]:
    """Arrays and shapes by input name; one array belongs to the only input.

    Raises:
        DataError: Naming the input, for what doesn't fit ``shape``, NaN and odd shapes; DA008 for other names.
    """
    wanted = dict(shape) if isinstance(shape, Mapping) else None
    single = INPUT if wanted is None or len(wanted) != 1 else next(iter(wanted))
    given = dict(x) if isinstance(x, Mapping) else {single: x}
    if wanted is not None and set(given) != set(wanted):
        missing = sorted(set(wanted) - set(given)) or sorted(set(given) - set(wanted))
        raise DataError(
            "DA008",
            where=f"inputs {', '.join(map(str, given))}",
            expected=f"a mapping with exactly {', '.join(wanted)}",
            got=f"{missing[0]!r} is missing" if missing[0] in wanted else f"{missing[0]!r}, which nobody takes",
            cause="inputs are matched by name when there are several",
            fix=f"give a dict: {{{', '.join(f'{name!r}: array' for name in wanted)}}}",
        )
    shapes: dict[str, Shape] = {}
    arrays: dict[str, Samples] = {}
    for name, value in given.items():
        where = f"input {name!r}"
        array = as_samples(value, where)
        own = (wanted or {}).get(name) or (shape if isinstance(shape, Shape) else None)
        arrays[name] = _input(array, own, where, dtype)
        shapes[name] = own or shape_by_axes(array, where)
        check_shape(arrays[name], shapes[name], where)
    check_lengths({f"input {name!r}": len(array) for name, array in arrays.items()})
    return arrays, shapes


def _input(array: Samples, shape: Shape | None, where: str, dtype: str) -> Samples:
    if isinstance(array, LazyArray):
        return _lazy_input(array, shape, where, dtype)
    if array.ndim == 0:
        check_shape(array, shape or Features(count=1), where)
    if shape is not None and shape.dtype == "int":
        return np.ascontiguousarray(_tokens(array, shape, where))
    if isinstance(shape, Features) and shape.count == 1 and array.ndim == 1:
        array = array[:, None]
    floats = to_floats(array, where, dtype)
    check_finite(floats, where)
    return floats


def _lazy_input(array: LazyArray, shape: Shape | None, where: str, dtype: str) -> LazyArray:
    """As `_input`, of what is still to be made: its numbers are looked at when they are."""
    if shape is not None and shape.dtype == "int":
        return Mapped(array, lambda values: np.ascontiguousarray(_tokens(values, shape, where)), dtype=np.int64)
    if array.dtype.kind not in "biuf":
        to_floats(array[:1], where, dtype)
    if isinstance(shape, Features) and shape.count == 1 and array.ndim == 1:
        array = Mapped(array, lambda values: values[:, None], (1,))
    return finite(Mapped(array, lambda values: to_floats(values, where, dtype), dtype=dtype), where)


def _tokens(array: np.ndarray, shape: Shape, where: str) -> np.ndarray:
    vocabulary: int = getattr(shape, "vocabulary", 0)
    # NaN and what is too large become some number, which then differs from what was given.
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64) if array.dtype.kind in "biuf" else np.full(array.shape[:1], -1)
    wrong = (whole != array) | (whole < 0) | (whole >= vocabulary) if array.dtype.kind in "biuf" else whole < 0
    if wrong.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        raise DataError(
            "DA009",
            where=f"{where}, sample {place[0]}",
            expected=f"whole numbers from 0 to {vocabulary - 1}",
            got=str(array[place]),
            cause="tokens are places in a vocabulary, which has that many",
            fix="raise the vocabulary of the input shape, or map unknown tokens to a number of their own",
        )
    return whole


def shape_by_axes(array: Samples, where: str) -> Shape:
    """Vectors, sequences, images or volumes, by the number of axes.

    Raises:
        DataError: DA003, for fewer or more axes than these have, or an empty one.
    """
    if array.ndim - 1 not in BY_AXES or 0 in array.shape[1:]:
        raise DataError(
            "DA003",
            where=where,
            expected="samples first, then 1 to 4 axes: [n, features], [n, steps, features], [n, channels, height, width] ...",
            got=str(list(array.shape)),
            cause="a single column without its axis, or an axis of size 0",
            fix="write x.reshape(-1, 1) for one feature" if array.ndim == 1 else "say the shape: shape=lm.features(...)",
        )
    return shape_of(array.shape[1:])


def row_count(array: Samples, name: str) -> int:
    """Samples of a target.

    Raises:
        DataError: DA003, for a single value.
    """
    if array.ndim == 0:
        raise DataError(
            "DA003",
            where=f"target {name!r}",
            expected="one value for each sample",
            got="a single value",
            cause="no axis of samples",
            fix="give a list or an array",
        )
    return len(array)


def check_weight(weight: Any) -> np.ndarray | None:
    """Weights of samples as float64.

    Raises:
        DataError: DA010, for weights below 0 or all 0.
    """
    if weight is None:
        return None
    array = to_floats(to_array(weight, "weight"), "weight", "float64")
    check_finite(array, "weight")
    if array.ndim != 1 or (array < 0).any() or not array.any():
        raise DataError(
            "DA010",
            where="weight",
            expected="one number of at least 0 for each sample, not all 0",
            got=str(list(array.shape)) if array.ndim != 1 else f"{array.min()} among them",
            cause="weights say how much a sample counts; less than nothing makes no sense",
            fix="clip the weights at 0, and give one for each sample",
        )
    return array
