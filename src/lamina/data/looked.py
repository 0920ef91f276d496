"""Lazy samples that are looked at when they are made; an error names the sample, wherever in a batch it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np

from lamina.data.arrays import check_finite
from lamina.data.lazy import Checked, LazyArray
from lamina.errors import DataError


def looked_at(array: LazyArray, check: Callable[[np.ndarray], object]) -> LazyArray:
    """A lazy array whose samples a check for arrays sees, batch by batch.

    Args:
        array: What is still to be made.
        check: Raises a `DataError` that names a sample by its place in what it was given.
    """
    return Checked(array, partial(_named, check))


def finite(array: LazyArray, where: str, columns: tuple[str, ...] | None = None) -> LazyArray:
    """A lazy array that refuses NaN and infinity when they are made: DA001, naming the sample."""
    return looked_at(array, lambda values: check_finite(values, where, columns))


def _named(check: Callable[[np.ndarray], object], values: np.ndarray, samples: np.ndarray) -> None:
    try:
        check(values)
    except DataError:
        # One by one, now that something is wrong, to say which sample it is.
        for place, sample in enumerate(samples.tolist()):
            try:
                check(values[place : place + 1])
            except DataError as error:
                raise DataError.of(
                    [dataclasses.replace(one, where=one.where.replace(", sample 0", f", sample {sample}", 1)) for one in error.problems]
                ) from None
        raise
