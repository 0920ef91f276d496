"""Sequences of different lengths as arrays: filled up to the longest, with masks that say which steps are real."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from typing import Any

import numpy as np

from lamina.data.arrays import check_shape, to_array
from lamina.errors import DataError, nearest
from lamina.shapes import Sequence, describe_array

ArrayMasks = Mapping[str, np.ndarray]
"""By the name of an input or target: truth values ``[samples, steps]``, True for real steps.

A target without steps may have one ``[samples]``: True for the samples that have this target (several tasks).
"""


def pad(sequences: Items[Any], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Sequences, each an array ``[steps, ...]`` of its own length, as one array and its mask.

    Args:
        sequences: One for each sample.
        where: For messages, such as ``input 'input'``.

    Returns:
        ``[samples, longest, ...]``, 0 where nothing is real, and the mask ``[samples, longest]``.

    Raises:
        DataError: DA004, naming the first sequence that is empty or of another kind than the first; DA006 if there are none.

    Example:
        >>> array, mask = pad([[1.0, 2.0], [3.0]], "x")
        >>> array.tolist(), mask.tolist()
        ([[1.0, 2.0], [3.0, 0.0]], [[True, True], [True, False]])
    """
    arrays = [to_array(sequence, f"{where}, sample {index}") for index, sequence in enumerate(sequences)]
    if not arrays:
        raise DataError(
            "DA006",
            where=where,
            expected="at least one sequence",
            got="none",
            cause="the list is empty",
            fix="look at the step that makes the list",
        )
    first = arrays[0]
    for index, array in enumerate(arrays):
        if array.ndim == 0 or len(array) == 0 or array.shape[1:] != first.shape[1:] or array.dtype.kind in "US":
            raise DataError(
                "DA004",
                where=f"{where}, sample {index}",
                expected=f"numbers [steps, {', '.join(map(str, first.shape[1:]))}], at least one step"
                if first.ndim > 1
                else "numbers [steps]",
                got=f"{describe_array(array.shape)} of {array.dtype}",
                cause="the sequence is empty, or its steps are not like those of the others",
                fix="leave the sample out, or give each step as many numbers as in the first sequence",
            )
    longest = max(len(array) for array in arrays)
    filled = np.zeros((len(arrays), longest, *first.shape[1:]), dtype=np.result_type(*arrays))
    mask = np.zeros((len(arrays), longest), dtype=bool)
    for index, array in enumerate(arrays):
        filled[index, : len(array)] = array
        mask[index, : len(array)] = True
    return filled, mask


def pad_all(
    inputs: Mapping[str, Any], targets: Mapping[str, Any] | None
) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, np.ndarray]]:
    """Inputs filled up, targets that have a value for each step filled up too, and the masks of all of them by name."""
    padded = {name: pad(value, f"input {name!r}") for name, value in inputs.items()}
    arrays, masks = ({name: pair[which] for name, pair in padded.items()} for which in (0, 1))
    wanted = dict(targets or {})
    for name, value in wanted.items():
        if isinstance(value, list | tuple) and any(np.ndim(item) > 0 for item in value):
            array, masks[name] = pad(value, f"target {name!r}")
            # With an axis of its own, a value for each step is not taken for one of several labels of the whole.
            wanted[name] = array[:, :, None] if array.ndim == 2 else array
    return arrays, wanted, masks


def open_sequence(array: np.ndarray, name: str) -> Sequence:
    """The shape of sequences of any length that these can be.

    Raises:
        DataError: DA003, for tokens, whose vocabulary nobody said, and for all else that is no sequence of vectors.
    """
    if array.ndim != 3:
        check_shape(array, Sequence(steps=None, features=1), f"input {name!r}")
    return Sequence(steps=None, features=int(array.shape[2]))


def checked_masks(given: Any, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> tuple[ArrayMasks, ArrayMasks]:
    """Masks as a user gave them, apart for inputs and targets, each found to fit its array.

    Args:
        given: A mask for the only input, or masks by the name of an input or target; None for none.
        inputs: The inputs.
        targets: The targets.

    Raises:
        DataError: DA023, naming the mask.
    """
    if given is None:
        return {}, {}
    if not isinstance(given, Mapping) and len(inputs) > 1:
        raise _misfit(
            next(iter(inputs)),
            expected=f"masks by the names of the inputs: {', '.join(inputs)}",
            got="one without a name",
            fix=f"give a dict: {{{next(iter(inputs))!r}: mask}}",
        )
    named = dict(given) if isinstance(given, Mapping) else {next(iter(inputs)): given}
    found: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for name, value in named.items():
        where, arrays = (found[0], inputs) if name in inputs else (found[1], targets)
        if name not in arrays:
            near = nearest(name, [*inputs, *targets])
            raise _misfit(
                name,
                expected=f"the name of an input or target: {', '.join([*inputs, *targets])}",
                got=repr(name),
                fix=f"did you mean {near!r}?" if near else "give each mask the name of its input or target",
            )
        mask, array = np.asarray(value), arrays[name]
        if mask.dtype.kind in "iuf" and bool(np.isin(mask, (0, 1)).all()):
            mask = mask.astype(bool)
        missing = where is found[1] and mask.shape == array.shape[:1] and not (array.ndim > 1 and mask.shape == array.shape[:2])
        if mask.dtype != bool or not (missing or (array.ndim > 1 and mask.shape == array.shape[:2])):
            raise _misfit(
                name,
                expected=f"true or false {describe_array(array.shape[:2])}, one for each step of each sample"
                if array.ndim > 1
                else f"true or false {describe_array(array.shape)}, for the samples that have this target",
                got=f"{describe_array(mask.shape)} of {mask.dtype}",
                fix="make it of the lengths: np.arange(steps) < lengths[:, None]",
            )
        if where is found[0] and not mask.any(axis=1).all():
            raise _misfit(
                name,
                expected="at least one real step for each sample",
                got=f"none for sample {int(np.argmin(mask.any(axis=1)))}",
                fix="leave samples without a step out",
            )
        where[name] = mask
    return found


def _misfit(name: str, *, expected: str, got: str, fix: str) -> DataError:
    return DataError(
        "DA023",
        where=f"the mask {name!r}",
        expected=expected,
        got=got,
        cause="a mask says for each step of each sample whether it is real",
        fix=fix,
    )
