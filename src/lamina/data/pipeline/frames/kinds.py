"""Kinds of columns as the types of Polars and Spark, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.data.table.columns import ColumnType


def polars_type(kind: str, zone: str | None = None) -> Any:
    """The Polars type of a kind of column.

    Example:
        >>> polars_type("integer")
        Int64
    """
    import polars as pl

    if kind == "time":
        return pl.Datetime("us", zone or "UTC")
    types: dict[str, Any] = {
        "string": pl.String,
        "text": pl.String,
        "categorical": pl.String,
        "image": pl.String,
        "integer": pl.Int64,
        "float": pl.Float64,
        "boolean": pl.Boolean,
        "bytes": pl.Binary,
        "array": pl.List(pl.Float64),
    }
    return types[kind]


def kind_of_polars(dtype: Any) -> ColumnType | None:
    """The column that a Polars type is; None for one that no kind holds, such as a struct.

    Example:
        >>> import polars as pl
        >>> kind_of_polars(pl.UInt8()).kind
        'integer'
    """
    import polars as pl

    from lamina.data.table.columns import TimeColumn
    from lamina.data.table.schema import column_of

    if dtype.is_integer():
        return column_of("integer")
    if dtype.is_float() or dtype.is_decimal():
        return column_of("float", allow_nan=True, allow_infinite=True)
    if dtype == pl.Boolean:
        return column_of("boolean")
    if isinstance(dtype, pl.Enum):
        return column_of("categorical", values=dtype.categories.to_list()) if len(dtype.categories) else column_of("categorical")
    if isinstance(dtype, pl.Categorical):
        return column_of("categorical")
    if dtype in (pl.String, pl.Null):
        return column_of("string")
    if dtype in (pl.Date, pl.Datetime):
        return TimeColumn(zone=getattr(dtype, "time_zone", None) or "UTC")
    if dtype == pl.Binary:
        return column_of("bytes")
    if isinstance(dtype, pl.List | pl.Array) and dtype.inner is not None and dtype.inner.is_numeric():
        return column_of("array")
    return None


def pipeline_type(dtype: Any) -> Any:
    """The type in which a pipeline keeps columns of a Polars type; None for one that no kind holds.

    That of `lamina.data.formats.types.plain_type`, but that a date is a time, and words of a known vocabulary are text.

    Example:
        >>> import polars as pl
        >>> pipeline_type(pl.Date()), pipeline_type(pl.Enum(["low", "high"]))
        (Datetime(time_unit='us', time_zone='UTC'), String)
    """
    column = kind_of_polars(dtype)
    return None if column is None else polars_type(column.kind, getattr(column, "zone", None))


def spark_type(kind: str) -> Any:
    """The Spark type of a kind of column."""
    from pyspark.sql import types

    made: dict[str, Any] = {
        "string": types.StringType(),
        "text": types.StringType(),
        "categorical": types.StringType(),
        "image": types.StringType(),
        "integer": types.LongType(),
        "float": types.DoubleType(),
        "boolean": types.BooleanType(),
        "time": types.TimestampType(),
        "bytes": types.BinaryType(),
        "array": types.ArrayType(types.DoubleType()),
    }
    return made[kind]
