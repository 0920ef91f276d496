"""Pandas frames as Polars frames, with pyarrow or without; what pandas calls missing is null."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def from_pandas(frame: Any, only: Collection[str] | None = None) -> pl.DataFrame:
    """A pandas frame as one of Polars; its index is no column.

    Args:
        frame: The frame.
        only: Columns that are asked for; what others hold doesn't matter. By default all.

    Raises:
        DataError: DA005, if such a column holds something that no table holds; DA017, for two columns of the same name.
    """
    import polars as pl

    from lamina.data.foreign import check_names

    names = [str(name) for name in frame.columns]
    check_names(names, "the frame")
    # An empty list of columns would forget how many rows there are, but without columns there is nothing to know of them.
    asked = [only is None or name in only for name in names]
    # Named last: Polars looks some columns up by their names, and takes one like ^a$ for a pattern.
    return pl.DataFrame(
        [(_column if asked[place] else _as_it_is)(frame.iloc[:, place], name).alias(name) for place, name in enumerate(names)]
    )


def _as_it_is(column: Any, name: str) -> pl.Series:
    """A column that nobody asks for: as a table would have it, or as objects."""
    import polars as pl

    try:
        return _column(column, name)
    except DataError:
        return pl.Series(column.tolist(), dtype=pl.Object)


def _column(column: Any, name: str) -> pl.Series:
    import polars as pl
    from pandas.api import types

    dtype = column.dtype
    if type(dtype).__name__ == "SparseDtype":
        column = column.sparse.to_dense()
        dtype = column.dtype
    if type(dtype).__name__ == "ArrowDtype":
        import pyarrow

        return pl.Series(pl.from_arrow(pyarrow.chunked_array(column.array.__arrow_array__())))
    if type(dtype).__name__ == "CategoricalDtype":
        return _categories(column, name)
    if types.is_complex_dtype(dtype):
        raise odd_column(name, str(dtype))
    gone = column.isna().to_numpy(dtype=bool)
    if types.is_bool_dtype(dtype):
        return _masked(column.to_numpy(dtype=bool, na_value=False), gone)
    if types.is_integer_dtype(dtype):
        kind = np.uint64 if types.is_unsigned_integer_dtype(dtype) else np.int64
        return _masked(column.to_numpy(dtype=kind, na_value=0), gone)
    if types.is_float_dtype(dtype):
        return _masked(column.to_numpy(dtype=np.float64, na_value=np.nan), gone)
    if types.is_datetime64_any_dtype(dtype):
        return _times(column, name)
    if types.is_timedelta64_dtype(dtype):
        return pl.Series(column.to_numpy().astype("timedelta64[us]"))
    return _objects(name, [None if missing else item for item, missing in zip(column.tolist(), gone.tolist(), strict=True)], str(dtype))


def _masked(values: np.ndarray, gone: np.ndarray) -> pl.Series:
    import polars as pl

    made = pl.Series(values)
    return made.set(pl.Series(gone), None) if gone.any() else made


def _times(column: Any, name: str) -> pl.Series:
    """Moments in microseconds; with the zone, where there is one."""
    import polars as pl

    zone = getattr(column.dtype, "tz", None)
    plain = column if zone is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
    made = pl.Series(plain.to_numpy().astype("datetime64[us]"))
    if zone is None:
        return made
    known = str(zone) if getattr(zone, "key", None) or getattr(zone, "zone", None) else "UTC"
    return made.dt.replace_time_zone("UTC").dt.convert_time_zone(known)


def _categories(column: Any, name: str) -> pl.Series:
    """Words with their order; categories that are no text are values like any other."""
    import polars as pl

    words = column.cat.categories.tolist()
    if not all(isinstance(word, str) for word in words):
        return _column(column.astype(column.cat.categories.dtype if not column.isna().any() else object), name)
    codes = column.cat.codes.to_numpy()
    texts = pl.Series(words, dtype=pl.String)
    chosen = texts.gather(pl.Series(np.maximum(codes, 0))) if words else pl.Series([None] * len(codes), dtype=pl.String)
    made = chosen.set(pl.Series(codes < 0), None) if words and (codes < 0).any() else chosen
    return made.cast(pl.Enum(words)) if words else made


_PLAIN = (
    (str, "String"),
    (bool, "Boolean"),
    (bytes, "Binary"),
    (int, "Int64"),
    ((int, float, decimal.Decimal), "Float64"),
    (datetime.datetime, None),
    (datetime.date, "Date"),
    (datetime.timedelta, None),
    (datetime.time, "Time"),
)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # A whole number beyond all floats, which Polars, pandas and NumPy read as infinite too.
        return float("inf") if value > 0 else float("-inf")


def _objects(name: str, values: list[Any], dtype: str) -> pl.Series:
    """A column of Python objects, all of one kind; text and numbers mixed are text."""
    import polars as pl

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pl.Series(values, dtype=pl.String if dtype in ("str", "string") else pl.Null)
    for kind, wanted in _PLAIN:
        if all(issubclass(own, kind) and (own is not bool or kind is bool) for own in kinds):
            if wanted == "Float64":
                values = [None if value is None else _float(value) for value in values]
            return _series(name, values, None if wanted is None else getattr(pl, wanted), dtype)
    if all(issubclass(own, str | int | float) for own in kinds):
        return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)
    if all(issubclass(own, list | tuple | np.ndarray) for own in kinds):
        return _series(name, [None if value is None else list(value) for value in values], None, dtype)
    raise odd_column(name, f"{dtype} with values of the kinds {', '.join(sorted(own.__name__ for own in kinds))}")


def _series(name: str, values: list[Any], kind: Any, dtype: str) -> pl.Series:
    import polars as pl

    try:
        return pl.Series(values, dtype=kind, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise odd_column(name, f"{dtype}: {(str(error).splitlines() or [''])[0]}") from error


def odd_column(name: str, kind: str) -> DataError:
    """DA005: a column that is neither a number nor a category nor anything else that is learned from."""
    return DataError(
        "DA005",
        where=f"column {name!r}",
        expected="numbers, text, true/false or dates",
        got=kind,
        cause="the column holds what is neither a number nor a category",
        fix=f"spread it over several columns, or leave it out: ignore: [{name}]",
    )
