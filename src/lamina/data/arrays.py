"""From what people hold (lists, NumPy, torch tensors) to checked NumPy arrays; whole arrays at once, never row by row."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.errors import DataError
from lamina.shapes import Shape, describe_array

if TYPE_CHECKING:
    from lamina.data.lazy import Samples


def to_array(value: Any, where: str) -> np.ndarray:
    """A numeric, boolean or text array of whatever ``value`` is; shares memory where it can.

    Args:
        value: An array, a torch tensor, a list, anything with ``__array__``.
        where: For messages, such as ``input 'input'``.

    Raises:
        DataError: DA004, if rows have different lengths; DA005, if it is not made of numbers or text.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype in (torch.bfloat16,) else value).numpy()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(
            "DA004",
            where=where,
            expected="rows of the same length",
            got=str(error).split(" The detected")[0],
            cause="nested lists whose rows differ in length make no array",
            fix="pad or cut the rows to one length, or remove the odd one; sequences: Dataset.from_sequences, which pads and masks",
        ) from error
    if array.dtype == object:
        array = _plain(array)
    if array.dtype.kind not in "biufUS":
        raise _not_numbers(where, array)
    return array


def _plain(array: np.ndarray) -> np.ndarray:
    """Objects that are all text become text, all numbers become numbers; others stay objects, which are then refused."""
    kinds = {type(item) for item in array.ravel().tolist()}
    if kinds <= {str}:
        return array.astype(str)
    if kinds <= {int, float, bool}:
        return array.astype(np.float64)
    return array


def _not_numbers(where: str, array: np.ndarray) -> DataError:
    sample, shown = "", str(array.dtype)
    if array.dtype == object and array.size:
        flat = np.atleast_1d(array).reshape(len(array) if array.ndim else 1, -1)
        for index, row in enumerate(flat):
            odd = next((item for item in row if not isinstance(item, int | float)), None)
            if odd is not None or any(item is None for item in row):
                sample, shown = f", sample {index}", f"{str(odd)[:40]!r} ({type(odd).__name__})"
                break
    return DataError(
        "DA005",
        where=f"{where}{sample}",
        expected="numbers",
        got=shown,
        cause="text, dates or missing values stand among the numbers",
        fix="turn them into numbers first, or give a frame (Polars, pandas) or a csv source, which handle columns of text",
    )


def to_floats(array: np.ndarray, where: str, dtype: str) -> np.ndarray:
    """Numbers as contiguous floats of ``dtype``.

    Raises:
        DataError: DA005 for text, DA001 for a number too large for the type.
    """
    if array.dtype.kind not in "biuf":
        raise _not_numbers(where, array)
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    if array.dtype.kind == "f" and array.dtype.itemsize > floats.dtype.itemsize:
        wrong = np.isinf(floats) & np.isfinite(array)
        if wrong.any():
            raise _unfit(array, wrong, where, f"a number that {dtype} can hold")
    return floats


def check_finite(array: np.ndarray, where: str, columns: tuple[str, ...] | None = None) -> None:
    """See that there is no NaN and no infinity.

    Raises:
        DataError: DA001, naming the first sample, the place in it, and how many there are.
    """
    # A sum is NaN or infinite if any part is: one pass without a temporary array; only when it is, the place is looked for.
    if array.dtype.kind != "f" or array.size == 0:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(array, dtype=np.float64)):
            return
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise _unfit(array, wrong, where, "a finite number", columns)


def _unfit(array: np.ndarray, wrong: np.ndarray, where: str, expected: str, columns: tuple[str, ...] | None = None) -> DataError:
    place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    count, rows = int(wrong.sum()), int(wrong.reshape(len(wrong), -1).any(axis=1).sum())
    if columns is not None and len(place) == 2:
        spot = f", column {columns[place[1]]!r}"
    elif len(place) > 1:
        spot = f", at {list(place[1:])}" if len(place) > 2 else f", column {place[1]}"
    else:
        spot = ""
    value = array[place]
    return DataError(
        "DA001",
        where=f"{where}, sample {place[0]}{spot}",
        expected=expected,
        got=f"{value} ({count} such values in {rows} samples)" if count > 1 else f"{value}",
        cause="missing measurements, or a division or logarithm of zero before" if not np.isfinite(value) else "a value out of scale",
        fix="fill or drop these rows before (a csv source: missing: mean), for one network can't learn from them",
    )


def check_shape(array: Samples, shape: Shape, where: str) -> None:
    """See that the axes after the first are those of ``shape``.

    Raises:
        DataError: DA003.
    """
    if array.ndim and shape.matches(array.shape[1:]):
        return
    dims = [d for d in shape.dims if d is not None]
    if array.ndim == len(shape.dims) and shape.matches(array.shape):
        cause, fix = "this is one sample without a batch axis", "add the axis: x[None]"
    # Before the reshape below: reshaping images whose channels come last would scramble them.
    elif array.ndim == 4 and len(shape.dims) == 3 and shape.matches((array.shape[3], *array.shape[1:3])):
        cause, fix = "the channels come last; Lamina wants them first", "write x.transpose(0, 3, 1, 2)"
    elif array.ndim and shape.size is not None and np.prod(array.shape[1:]) == shape.size:
        cause, fix = "the numbers are as many, but stand in other axes", f"write x.reshape(-1, {', '.join(map(str, dims))})"
    else:
        cause, fix = "the data are not what the network was described for", f"give samples {shape}, or describe the network for the data"
    raise DataError("DA003", where=where, expected=f"an array {shape}", got=describe_array(array.shape), cause=cause, fix=fix)


def check_lengths(lengths: dict[str, int]) -> int:
    """See that all arrays hold the same number of samples, and at least one.

    Raises:
        DataError: DA002 if not; DA006 if there are none.
    """
    first, count = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != count:
            raise DataError(
                "DA002",
                where=name,
                expected=f"{count} samples, as {first} has",
                got=f"{length}",
                cause="rows were dropped from one of them and not from the other",
                fix=f"give as many rows in {name} as in {first}; row i of both must be the same sample",
            )
    if count == 0:
        raise DataError(
            "DA006",
            where=first,
            expected="at least one sample",
            got="none",
            cause="a filter kept nothing, or the file is empty",
            fix="look at the step before this one; print the length of what it gives",
        )
    return count
