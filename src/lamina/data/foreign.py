"""Frames of pandas, pyarrow, DuckDB and all others that narwhals knows as Polars frames, columns as tables have them."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

LIBRARIES = ("polars", "pandas", "pyarrow", "duckdb", "narwhals", "modin", "cudf", "dask", "ibis", "pyspark")
"""Packages whose frames are accepted."""
_FRAMES = ("DataFrame", "LazyFrame", "Series", "Table", "RecordBatch", "ChunkedArray", "DuckDBPyRelation")


def is_frame(value: Any) -> bool:
    """Whether this is a frame or column of a library of tables, without importing any.

    Example:
        >>> import polars as pl
        >>> is_frame(pl.DataFrame({"a": [1]})), is_frame({"a": [1]})
        (True, False)
    """
    module = type(value).__module__.partition(".")[0]
    return module in LIBRARIES and module in sys.modules and type(value).__name__ in _FRAMES


def as_polars(value: Any, only: Collection[str] | None = None) -> pl.LazyFrame | None:
    """A frame of any known library as a Polars frame; None for what is no frame.

    Columns are as tables are read everywhere: 64-bit numbers, text, true/false, dates and times in microseconds, bytes, lists; see
    `lamina.data.formats.types`. Frames of clusters and databases (pyspark, dask, DuckDB, ibis) are computed, and their rows brought
    here.

    Args:
        value: The frame; a column (Series) is a frame of one column.
        only: Columns that are asked for; others may hold what no table does. By default all.

    Raises:
        DataError: DA005, for a column of something that no table holds; DA017, for two columns of the same name.

    Example:
        >>> import pandas
        >>> as_polars(pandas.DataFrame({"age": [31.0, None], "city": ["Bern", None]})).collect().rows()
        [(31.0, 'Bern'), (None, None)]
    """
    if not is_frame(value):
        return None
    from lamina.data.formats.types import plain_frame

    return plain_frame(_polars(value, only), "the frame", only)


def _polars(value: Any, only: Collection[str] | None) -> pl.LazyFrame | pl.DataFrame:
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if module == "narwhals":
        return _polars(value.to_native(), only)
    if name == "Series" and module in ("polars", "pandas"):
        value = value.to_frame()
    if module == "polars":
        frame: pl.LazyFrame | pl.DataFrame = value
        return frame
    if module == "pandas":
        from lamina.data.pandas_frames import from_pandas

        return from_pandas(value, only)
    if module == "pyarrow":
        return _arrow(value)
    return _narwhals(value)


def _arrow(value: Any) -> pl.DataFrame:
    import polars as pl

    if type(value).__name__ == "ChunkedArray":
        return _converted(lambda: pl.Series("column", pl.from_arrow(value)).to_frame())
    check_names(value.schema.names, "the frame")
    return _converted(lambda: pl.from_arrow(value))


def _narwhals(value: Any) -> pl.DataFrame:
    import narwhals as nw

    frame: Any = nw.from_native(value, allow_series=True)
    if isinstance(frame, nw.Series):
        frame = frame.to_frame()
    check_names(frame.collect_schema().names(), "the frame")
    return _converted(lambda: frame.collect("polars").to_native() if isinstance(frame, nw.LazyFrame) else frame.to_polars())


def _converted(convert: Any) -> pl.DataFrame:
    try:
        frame: pl.DataFrame = convert()
    except ImportError as error:
        raise DataError(
            "DA005",
            where="the frame",
            expected="a frame that can be turned into one of Polars",
            got=str(error),
            cause="its library needs another package to hand its rows over",
            fix="pip install pyarrow, or give a Polars frame",
        ) from error
    except Exception as error:
        raise DataError(
            "DA005",
            where="the frame",
            expected="numbers, text, true/false, dates, bytes or lists",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            cause="a column holds what no table here can (intervals, for one), or computing the frame failed",
            fix="convert that column before, or leave it out",
        ) from error
    return frame


def check_names(names: list[str], where: str) -> None:
    """See that no two columns have the same name.

    Raises:
        DataError: DA017.
    """
    if len(set(names)) == len(names):
        return
    ordered = sorted(names)
    twice = next(name for name, after in zip(ordered, ordered[1:], strict=False) if name == after)
    raise DataError(
        "DA017",
        where=where,
        expected="columns with different names",
        got=f"{twice!r} twice",
        cause="two tables were joined without renaming, or the file repeats a name",
        fix="rename one of them, or leave it out",
    )
