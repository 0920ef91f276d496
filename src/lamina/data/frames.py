"""Polars and pandas frames, and csv files, as plain columns; neither library is loaded unless the data are its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from lamina.errors import DataError


def is_frame(value: Any) -> bool:
    """Whether this is a Polars or pandas frame or column, without importing either."""
    module = type(value).__module__.partition(".")[0]
    return module in ("polars", "pandas") and module in sys.modules and type(value).__name__ in ("DataFrame", "Series", "LazyFrame")


def read_frame(frame: Any) -> dict[str, np.ndarray]:
    """Columns by name: numbers as float64 with NaN where they are missing, all else as text with ``""`` where it is missing.

    Raises:
        DataError: DA005, if a column holds what is neither, such as lists; DA017, if two columns have the same name.
    """
    if type(frame).__name__ == "LazyFrame":
        frame = frame.collect()
    if type(frame).__name__ == "Series":
        frame = frame.to_frame()
    if type(frame).__module__.startswith("pandas"):
        return _pandas(frame)
    return {name: _polars_column(frame[name], name) for name in frame.columns}


def _polars_column(column: Any, name: str) -> np.ndarray:
    import polars as pl

    kind = column.dtype
    if kind.is_numeric():
        return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind.is_temporal():
        return np.array(column.cast(pl.Int64).cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind == pl.Boolean:
        return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind in (pl.String, pl.Categorical, pl.Enum) or isinstance(kind, pl.Categorical | pl.Enum):
        return np.asarray(column.cast(pl.String).str.strip_chars().fill_null("").to_list(), dtype=str)
    if kind == pl.Null:
        return np.full(len(column), np.nan)
    raise _odd_column(name, str(kind))


def _pandas(frame: Any) -> dict[str, np.ndarray]:
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            "DA017",
            where="the frame",
            expected="columns with different names",
            got=f"{twice!r} twice",
            cause="two frames were joined without renaming",
            fix="rename one of them, or leave it out",
        )
    return {name: _pandas_column(frame.iloc[:, i], name) for i, name in enumerate(names)}


def _pandas_column(column: Any, name: str) -> np.ndarray:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) or types.is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if types.is_datetime64_any_dtype(column.dtype):
        return np.asarray(column.astype("int64").to_numpy(), dtype=np.float64)
    values = ["" if missing else item for item, missing in zip(column.tolist(), column.isna().tolist(), strict=True)]
    if any(not isinstance(item, str | int | float | bool) for item in values):
        raise _odd_column(name, str(column.dtype))
    return np.asarray([str(item).strip() for item in values], dtype=str)


def _odd_column(name: str, kind: str) -> DataError:
    return DataError(
        "DA005",
        where=f"column {name!r}",
        expected="numbers, text, true/false or dates",
        got=kind,
        cause="the column holds what is neither a number nor a category",
        fix=f"spread it over several columns, or leave it out: ignore: [{name}]",
    )


def as_table(value: Any) -> Mapping[str, np.ndarray] | None:
    """A frame, or a mapping of columns, as a table; None if it is something else."""
    if is_frame(value):
        return read_frame(value)
    if isinstance(value, Mapping) and all(np.ndim(column) == 1 for column in value.values()):
        columns = {}
        for name, column in value.items():
            array = np.asarray(column)
            columns[str(name)] = array.astype(np.float64) if array.dtype.kind in "biuf" else array.astype(str)
        return columns
    return None
