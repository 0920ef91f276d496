"""Frames of Polars, pandas, pyarrow, DuckDB ... as plain columns; no library is loaded unless the data are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamina.data.foreign import as_polars, is_frame
from lamina.data.pandas_frames import odd_column
from lamina.data.words import Column, Words, as_column
from lamina.errors import DataError


class ReadTable(dict[str, Column]):
    """Columns that were read, by name; lists of numbers among them have two axes."""


def read_frame(frame: Any) -> ReadTable:
    """Columns by name: numbers as float64 with NaN where they are missing, all else as words with ``""`` where it is missing.

    Raises:
        DataError: DA005, if a column holds what is neither, such as lists; DA017, if two columns have the same name.
    """
    found: Any = as_polars(frame)
    # Polars takes the name of a series for a pattern if it looks like one.
    return ReadTable({column.name: _polars_column(column.alias("column"), column.name) for column in found.collect()})


def _polars_column(column: Any, name: str) -> Column:
    import polars as pl

    kind = column.dtype
    if kind.is_numeric():
        return np.asarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind.is_temporal():
        return np.array(column.cast(pl.Int64).cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind == pl.Boolean:
        return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    if kind == pl.String or isinstance(kind, pl.Enum):
        return Words.of_series(column)
    if isinstance(kind, pl.List) and kind.inner is not None and kind.inner.is_numeric():
        return _lists(column, name)
    raise odd_column(name, str(kind))


def _lists(column: Any, name: str) -> np.ndarray:
    """Lists of numbers, all equally long, as rows."""
    import polars as pl

    lengths = column.list.len().unique().to_list()
    known = [length for length in lengths if length is not None]
    if len(lengths) != 1 or not known or not known[0]:
        raise DataError(
            "DA004",
            where=f"column {name!r}",
            expected="lists of the same length in all rows, none missing",
            got=f"lengths {', '.join(map(str, sorted(known)[:8]))}" + (" and nothing" if None in lengths else ""),
            cause="a list makes as many numbers of a sample as it has places",
            fix="pad them to one length before",
        )
    return np.array(column.cast(pl.List(pl.Float64)).explode().fill_null(float("nan")).to_numpy()).reshape(len(column), lengths[0])


def as_table(value: Any) -> Mapping[str, Column] | None:
    """A frame, a mapping of columns, a record or a list of records, as a table; None if it is something else."""
    if isinstance(value, ReadTable):
        return value
    if is_frame(value):
        return read_frame(value)
    records = isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value)
    if records or (isinstance(value, Mapping) and value and not any(_several(own) for own in value.values())):
        # Records, or a single one.
        from lamina.data.pipeline.frames.given import as_records

        return read_frame(as_records(value))
    if isinstance(value, Mapping) and all(_axes(column, str(name)) == 1 for name, column in value.items()):
        return {str(name): as_column(column) for name, column in value.items()}
    return None


def _several(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping)


def _axes(value: Any, name: str) -> int:
    try:
        return np.ndim(value)
    except ValueError as error:
        raise odd_column(name, f"values that don't fit together ({str(error).partition('.')[0]})") from None


__all__ = ["as_polars", "as_table", "is_frame", "read_frame"]
