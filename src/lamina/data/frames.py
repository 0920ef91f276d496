"""Frames of Polars, pandas, pyarrow, DuckDB ... as plain columns; no library is loaded unless the data are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamina.data.foreign import as_polars, is_frame
from lamina.data.pandas_frames import odd_column


def read_frame(frame: Any) -> dict[str, np.ndarray]:
    """Columns by name: numbers as float64 with NaN where they are missing, all else as text with ``""`` where it is missing.

    Raises:
        DataError: DA005, if a column holds what is neither, such as lists; DA017, if two columns have the same name.
    """
    if type(frame).__module__.partition(".")[0] != "polars":
        frame = as_polars(frame)
    if type(frame).__name__ == "LazyFrame":
        frame = frame.collect()
    if type(frame).__name__ == "Series":
        frame = frame.to_frame()
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
    raise odd_column(name, str(kind))


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


__all__ = ["as_polars", "as_table", "is_frame", "read_frame"]
