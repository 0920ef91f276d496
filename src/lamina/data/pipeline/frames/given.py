"""Whatever a user holds, as rows that a pipeline takes, in the order and the types of its schema."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


def as_frame(rows: Any, schema: Schema, where: str = "the rows") -> Frame:
    """Rows as a `Frame` with exactly the columns of a schema.

    Args:
        rows: A `Frame`; a frame of Polars, Spark, pandas, pyarrow or DuckDB; a mapping of columns; a mapping of single values (one
            row); a list of such mappings.
        schema: Columns that must be there; others are left out.
        where: For messages.

    Raises:
        DataError: DA014 for columns that are missing or renamed, DA103 for values that are not what the schema says.
    """
    from lamina.data.pipeline.frames.frame import Frame as FrameProtocol

    found = given_frame(rows, schema)
    there = {*found.names}
    missing = [name for name in schema.names if name not in there]
    if missing:
        others = [name for name in found.names if name not in schema]
        near = nearest(missing[0], others)
        raise DataError(
            "DA014",
            where=where,
            expected=f"a column {missing[0]!r}" + (f" (and {', '.join(map(repr, missing[1:6]))})" if len(missing) > 1 else ""),
            got=f"the columns {', '.join(found.names[:12])}",
            cause="the column was renamed" if near else "the column is not there",
            fix=f"did you mean {near!r}? Rename it to {missing[0]!r}" if near else "give all columns that the model was trained on",
        )
    chosen: Frame = found if found.names == schema.names else found.select(schema.names)
    return chosen if isinstance(rows, FrameProtocol) else _validated(chosen, schema, where)


def given_frame(rows: Any, schema: Schema) -> Any:
    """Rows as a `Frame`, with the columns that they have; those of a schema in the types that pipelines know.

    Raises:
        DataError: DA018, for what has no named columns; DA005, for columns that don't fit together; DA062 and DA063, for columns of the
            schema that no table holds.
    """
    from lamina.data.pipeline.frames.frame import Frame as FrameProtocol

    return rows if isinstance(rows, FrameProtocol) else _spark(rows) or _polars(rows, schema)


def checked(frame: Frame, schema: Schema, where: str) -> Frame:
    """A frame with the columns of a schema alone, its values converted and checked.

    Raises:
        DataError: As `as_frame`.
    """
    return _validated(as_frame(frame, schema, where), schema, where)


def _validated(frame: Frame, schema: Schema, where: str) -> Frame:
    from lamina.data.table.validation import validate

    return validate(frame, schema, where=where).frame


def _spark(rows: Any) -> Any:
    if type(rows).__module__.startswith("pyspark.") and "pyspark" in sys.modules and type(rows).__name__ == "DataFrame":
        from lamina.data.pipeline.frames.spark import SparkFrame

        return SparkFrame(rows)
    return None


def _polars(rows: Any, schema: Schema) -> Any:
    import polars as pl

    from lamina.data.expressions.polars import named
    from lamina.data.foreign import as_polars
    from lamina.data.pipeline.frames.kinds import polars_type
    from lamina.data.pipeline.frames.polars import PolarsFrame

    found = as_polars(as_records(rows), schema.names)
    if found is None:
        raise DataError(
            "DA018",
            where="the rows",
            expected="a frame, a mapping of columns, a mapping of values, or a list of such mappings",
            got=type(rows).__name__,
            cause="a pipeline finds columns by name",
            fix="give a Polars, pandas, pyarrow, DuckDB or Spark frame, or a dict such as {'age': [31, 45], 'city': ['Bern', 'Basel']}",
        )
    missing = {name for name, dtype in found.collect_schema().items() if dtype == pl.Null and name in schema}
    types: dict[Any, Any] = {
        name: polars_type(column.kind, getattr(column, "zone", None)) for name, column in schema.columns.items() if name in missing
    }
    return PolarsFrame.of(found.with_columns([named(name).cast(dtype) for name, dtype in types.items()]) if types else found)


def as_records(rows: Any) -> Any:
    """A mapping of columns, a record (a mapping of single values) or a list of records as a frame of Polars; all else as it is.

    Raises:
        DataError: DA005, for columns that don't fit together.
    """
    import polars as pl

    if isinstance(rows, Mapping):
        single = not any(_several(value) for value in rows.values())
        columns = {str(name): [value] if single else value for name, value in rows.items()}
        return _frame(lambda: pl.DataFrame(columns, strict=False, nan_to_null=False))
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        return _frame(lambda: pl.from_dicts(list(rows), infer_schema_length=None, strict=False))
    return rows


def _frame(make: Any) -> Any:
    try:
        return make()
    except Exception as error:  # Polars raises TypeError, ValueError and errors of its own for columns that don't fit together.
        raise DataError(
            "DA005",
            where="the rows",
            expected="columns of the same length, with values of one kind each",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            cause="a column mixes kinds, or is shorter than the others",
            fix="give one list of values for each column, all of the same length",
        ) from error


def _several(value: Any) -> bool:
    return (isinstance(value, Sequence) and not isinstance(value, str | bytes)) or hasattr(value, "__array__")
