"""Functions of users: plain Python on columns, run in batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.functions.function import At, Builder
from lamina.errors import DataError, Problem

_PARTS = re.compile(r"\[(\w+)\] (.*?): [^\n]*\.\n +Expected: (.*?)\n +Got: +(.*?)\n +Cause: +(.*?)\n +Fix: +(.*?)\n +More:", re.DOTALL)


class BatchError(DataError):
    """What a function gave in a batch is not what it should be.

    Polars makes an exception of a batch anew from its text, so that this one can be made of a text.
    """

    def __init__(self, text: str) -> None:
        found = _PARTS.search(text)
        unknown = ("DA129", "a registered function", "a value for each row", text, "the function failed", "mend it")
        code, where, expected, got, cause, fix = found.groups() if found else unknown
        self.problems = (Problem(code, where, expected, got, cause, fix),)
        Exception.__init__(self, str(self))

    @classmethod
    def told(cls, name: str, expected: str, got: str, cause: str, fix: str) -> BatchError:
        """DA129 for a function."""
        return cls(str(Problem("DA129", f"function {name!r}", expected, got, cause, fix)))


def batched(name: str, function: Callable[..., Any], result: str) -> Builder:
    """A builder for Polars that calls a function of NumPy arrays; Spark runs the same on batches."""

    def build(at: At, *columns: Any) -> Any:
        from lamina.data.expressions.polars import polars_type

        given = [column for column, value in zip(columns, at.values, strict=True) if value is None]
        constant = [index for index, value in enumerate(at.values) if value is not None]

        def run(series: Sequence[Any]) -> Any:
            waiting = iter(series)
            arguments = [at.values[index] if index in constant else _array(next(waiting)) for index in range(len(at.values))]
            return _series(name, function(*arguments), max([len(one) for one in series], default=1), polars_type(result))

        return at.api.map_batches(given, run, return_dtype=polars_type(result), is_elementwise=True)

    return build


def _array(series: Any) -> Any:
    """The values as NumPy has them: missing numbers are NaN, other missing values None."""
    import polars as pl

    if series.dtype.is_numeric():
        return series.cast(pl.Float64).fill_null(float("nan")).to_numpy() if series.null_count() else series.to_numpy()
    return series.to_numpy(allow_copy=True)


def _series(name: str, values: Any, length: int, kind: Any) -> Any:
    import numpy as np
    import polars as pl

    array = np.asarray(values)
    if array.shape[:1] != (length,) or array.ndim > 2:
        raise BatchError.told(
            name,
            f"an array of {length} values, one a row",
            f"an array of shape {array.shape}",
            "a function of rows must give one value a row",
            "return an array as long as the arguments",
        )
    try:
        found = pl.Series(array if array.dtype != object else array.tolist(), strict=False)
        return (found.fill_nan(None) if found.dtype.is_float() else found).cast(kind).alias(name)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise BatchError.told(
            name,
            f"values of {kind}",
            f"an array of {array.dtype}",
            str(error).partition("\n")[0],
            "register the function with the kind of result that it gives",
        ) from None
