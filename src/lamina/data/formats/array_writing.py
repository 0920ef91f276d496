"""Tables as ``.npz`` files: an array for each column."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.formats.held import refuse_kind
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def write_arrays(rows: pl.LazyFrame | pl.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table as arrays by the names of its columns, not compressed, so that they can be mapped into memory.

    Missing numbers become NaN (whole ones floats then), missing texts ``""``, missing dates and times NaT. Times are in UTC.

    Args:
        rows: The table.
        path: The file, ``.npz``.

    Raises:
        DataError: DA062 for bytes and for lists of different lengths; DA001 for true/false with missing values; DA093 for a name that
            is no file's.

    Example:
        >>> import tempfile, polars as pl
        >>> path = Path(tempfile.mkdtemp()) / "a.npz"
        >>> write_arrays(pl.DataFrame({"age": [31, None], "xy": [[1.0, 2.0], [3.0, 4.0]]}), path)
        >>> with np.load(path, allow_pickle=False) as loaded:
        ...     loaded["age"].tolist(), loaded["xy"].tolist()
        ([31.0, nan], [[1.0, 2.0], [3.0, 4.0]])
    """
    from lamina.data.formats.numpy import write_npz
    from lamina.data.formats.types import plain_frame

    arrays = {}
    for column in plain_frame(rows, "the table").collect():
        if "/" in column.name or "\0" in column.name or not column.name:
            raise DataError(
                "DA093",
                where=f"the table, column {column.name!r}",
                expected="a name that a member of an archive can have",
                got=repr(column.name),
                cause="each array is a file in the archive",
                fix="rename the column",
            )
        arrays[column.name] = _array(column)
    write_npz(Path(path), arrays)


def _array(column: pl.Series) -> np.ndarray:
    import polars as pl

    where = f"the table, column {column.name!r}"
    dtype = column.dtype
    if dtype == pl.String or isinstance(dtype, pl.Enum):
        return np.asarray(column.cast(pl.String).fill_null("").to_list(), dtype=str)
    if dtype == pl.Boolean and column.null_count():
        raise DataError(
            "DA001",
            where=where,
            expected="true or false in each row",
            got=f"nothing in {column.null_count()} of them",
            cause="NumPy has no missing truth",
            fix="fill them, or cast the column to numbers, which can be NaN",
        )
    if dtype.is_numeric():
        return (column.cast(pl.Float64).fill_null(float("nan")) if column.null_count() else column).to_numpy()
    if isinstance(dtype, pl.Datetime):
        return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy() if dtype.time_zone else column.to_numpy()
    if dtype in (pl.Date, pl.Boolean):
        return column.to_numpy()
    if isinstance(dtype, pl.List) and dtype.inner is not None and dtype.inner.is_numeric():
        lengths = column.list.len().unique().to_list()
        if len(lengths) == 1 and lengths[0]:
            inner = column.explode()
            flat = (inner.cast(pl.Float64).fill_null(float("nan")) if inner.null_count() else inner).to_numpy()
            return flat.reshape(len(column), lengths[0])
        raise refuse_kind(where, f"lists of the lengths {lengths[:8]}", cause="an array has rows of one length", fix="pad them before")
    raise refuse_kind(where, dtype)
