"""From the types that files, databases and frames know to those of tables here; nothing is cut off or rounded without it being said.

What becomes of each type:

| type | becomes |
|---|---|
| integers of 8 to 32 bits, signed or not | 64-bit integers |
| unsigned of 64 bits, signed of 128 | 64-bit integers; a larger value is an error (DA063) |
| floats of 16 and 32 bits | 64-bit floats |
| decimals | 64-bit floats, right to 15 digits |
| true/false, text, bytes | themselves |
| categories (dictionaries, enums) | text, or an enum that keeps the order of its words |
| dates | themselves |
| moments in milli- or nanoseconds | in microseconds, with their zone |
| durations, times of the day | 64-bit floats, in seconds |
| lists and arrays of these | lists of what their items become |
| structs | a column ``a.b`` for each field ``b`` of ``a`` |
| columns without a type (all missing) | 64-bit floats, all missing |
| lists of structs, objects | DA062 |
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def plain_frame(frame: pl.LazyFrame | pl.DataFrame, where: str, only: Collection[str] | None = None) -> pl.LazyFrame:
    """A frame with its columns in the types of tables.

    Args:
        frame: As it was read.
        where: For messages.
        only: Columns of the table that are asked for; others, and those without a type, stay as they are. By default all.

    Raises:
        DataError: DA062, for a column of a type that no table holds; DA017, if a field of a struct is called like another column;
            DA063, for a whole number beyond 64 bits (in a lazy frame, when it is collected).

    Example:
        >>> import polars as pl
        >>> plain_frame(pl.DataFrame({"a": [{"b": 1, "c": "x"}]}), "here").collect().columns
        ['a.b', 'a.c']
    """
    import polars as pl

    schema = frame.collect_schema()
    columns = plain_columns(schema, where, only)
    if isinstance(frame, pl.DataFrame):
        check_whole(frame.lazy(), where, only)
    if [*columns] == schema.names() and all(dtype == schema[name] for name, (_, dtype) in columns.items()):
        return frame.lazy()
    return frame.lazy().select([expression.alias(name) for name, (expression, _) in columns.items()])


def plain_columns(schema: pl.Schema, where: str, only: Collection[str] | None = None) -> dict[str, tuple[pl.Expr, Any]]:
    """How each column of a table is made of those of a frame, and its type then; ``only`` as for `plain_frame`.

    Raises:
        DataError: DA062 and DA017, as `plain_frame`.
    """
    from lamina.data.expressions.polars import named
    from lamina.data.foreign import check_names

    found = [made for name, dtype in schema.items() for made in _columns(named(name), name, dtype, where, only)]
    check_names([name for name, _, _ in found], where)
    return {name: (expression, dtype) for name, expression, dtype in found}


def check_whole(frame: pl.LazyFrame, where: str, only: Collection[str] | None = None) -> None:
    """See that no whole number is beyond 64 bits; ``only`` as for `plain_frame`.

    Raises:
        DataError: DA063, naming the first row.
    """
    from lamina.data.expressions.polars import named

    for name, dtype in frame.collect_schema().items():
        if str(dtype) not in ("UInt64", "Int128", "UInt128") or (only is not None and name not in only):
            continue
        column = named(name)
        beyond = (column > 2**63 - 1) | (column < -(2**63)) if str(dtype) == "Int128" else column > 2**63 - 1
        odd = frame.select(column).with_row_index("__lamina_row").filter(beyond).head(1).collect(engine="streaming")
        if len(odd):
            raise DataError(
                "DA063",
                where=f"{where}, row {odd['__lamina_row'][0] + 1}, column {name!r}",
                expected="a whole number of 64 bits, at most 9223372036854775807",
                got=str(odd[name][0]),
                cause="a number that identifies something (a hash, a key) rather than counting it",
                fix="write the column as text, or leave it out",
            )


def _columns(column: pl.Expr, name: str, dtype: Any, where: str, only: Collection[str] | None) -> Iterator[tuple[str, pl.Expr, Any]]:
    import polars as pl

    within = only is None or any(wanted.startswith(f"{name}.") for wanted in only)
    if isinstance(dtype, pl.Struct) and within:
        for field in dtype.fields:
            yield from _columns(column.struct.field(field.name), f"{name}.{field.name}", field.dtype, where, only)
        return
    # What a column without a single value is, whoever asks for it knows.
    if only is not None and (name not in only or isinstance(dtype, pl.Struct) or dtype == pl.Null):
        yield name, column, dtype
        return
    wanted = plain_type(dtype)
    if wanted is None:
        nested = isinstance(dtype, pl.List | pl.Array)
        raise DataError(
            "DA062",
            where=f"{where}, column {name!r}",
            expected="numbers, text, true/false, dates, bytes, or lists of them",
            got=str(dtype),
            cause="tables have no place for structs in lists" if nested else "no table can hold such objects",
            fix="take it apart into rows or columns of its own where it is made, or leave it out of the query",
        )
    if dtype == pl.Duration:
        column = _seconds(column.dt.total_microseconds(), 10**6)
    elif dtype == pl.Time:
        column = _seconds(column.cast(pl.Int64), 10**9)
    elif wanted != dtype:
        column = column.cast(wanted)
    yield name, column, wanted


def _seconds(ticks: pl.Expr, each: int) -> pl.Expr:
    # Polars multiplies by 1 / each, which is not exact; whole seconds shall be.
    return ticks // each + (ticks % each) / each


def plain_type(dtype: Any) -> Any:
    """What a Polars type becomes; None for one that no table holds.

    Example:
        >>> import polars as pl
        >>> plain_type(pl.UInt8()), plain_type(pl.Decimal(10, 2)), plain_type(pl.Object())
        (Int64, Float64, None)
    """
    import polars as pl

    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float() or dtype.is_decimal() or dtype in (pl.Duration, pl.Time, pl.Null):
        return pl.Float64()
    if isinstance(dtype, pl.Enum) or dtype in (pl.Boolean, pl.String, pl.Binary, pl.Date):
        return dtype
    if isinstance(dtype, pl.Categorical):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", dtype.time_zone)
    if isinstance(dtype, pl.List | pl.Array):
        inner = plain_type(dtype.inner)
        # A duration in a list would need arithmetic on items, and a struct has no place in one.
        odd = dtype.inner in (pl.Duration, pl.Time) or isinstance(dtype.inner, pl.Struct)
        return None if inner is None or odd else pl.List(inner)
    return None
