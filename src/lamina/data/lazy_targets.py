"""Targets that are still to be made: what they mean is known from a look at some, and each is checked when it is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.data.lazy import LazyArray, Mapped
from lamina.data.looked import looked_at
from lamina.data.schema import Target, TargetKind
from lamina.errors import DataError

SMALL_BYTES = 64 * 1024 * 1024
"""Targets up to this size are made at once, where making them draws nothing."""


def settled(array: LazyArray) -> np.ndarray | LazyArray:
    """A target that is small enough to be made now, as an array; others as they are."""
    small = array.ndim == 1 or (array.steady and array.nbytes <= SMALL_BYTES)
    return np.asarray(array) if small else array


def describe_lazy(array: LazyArray, where: str, labels: Sequence[str] | None, kind: TargetKind | None) -> Target:
    """What a target is, by its type; classes that have no names are counted, where going through all of them is only reading.

    Raises:
        DataError: DA185, if the classes are not known and can't be counted.
    """
    from lamina.data.targets import describe_target

    if kind == "numbers" or (kind is None and array.dtype.kind == "f" and labels is None):
        return describe_target(array[:1], where, kind="numbers", labels=labels)
    if kind == "multilabel":
        return describe_target(array[:1], where, kind=kind, labels=labels)
    if labels is not None:
        return Target(kind="classes", labels=tuple(map(str, labels)))
    if not array.steady:
        raise DataError(
            "DA185",
            where=where,
            expected="the names of the classes, for targets that are made when they are asked for",
            got="none",
            cause="to count the classes, every sample would have to be made now",
            fix="give labels=[...]; or kind='numbers' or kind='multilabel', if they are no classes",
        )
    return Target(kind="classes", count=max(int(block.max()) for _, block in array.blocks()) + 1)


def encode_lazy(array: LazyArray, target: Target, where: str, dtype: str) -> LazyArray:
    """A target as the engine takes it, each sample checked as `encode_target` checks whole arrays."""
    from lamina.data.targets import encode_target

    def encode(values: np.ndarray) -> np.ndarray:
        return np.asarray(encode_target(values, target, where, dtype))

    first = encode(array[:1])
    return Mapped(looked_at(array, encode), encode, first.shape[1:], first.dtype)
