"""Contract suites of tables: kinds of columns, and what every step of a pipeline must do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.frames.kinds import polars_type
from lamina.data.pipeline.frames.polars import PolarsFrame
from lamina.data.pipeline.pipeline import Pipeline
from lamina.data.pipeline.step import Step
from lamina.data.table.columns import ColumnType
from lamina.data.table.schema import Schema
from lamina.testing.promises import promise

if TYPE_CHECKING:
    import polars as pl

ROWS = 24
KINDS = {"a": "float", "b": "integer", "s": "string", "g": "string", "t": "time"}
"""Columns of the table that examples of steps are about: numbers, whole numbers, words of two columns, times."""


def sample_rows() -> pl.DataFrame:
    """The table: 24 rows with gaps, ties and repeated words."""
    import polars as pl

    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "a": [None if row % 7 == 3 else (row * 37 % 11) / 4 - 1 for row in range(ROWS)],
            "b": [None if row % 9 == 5 else row * 5 % 13 for row in range(ROWS)],
            "s": [None if row % 11 == 8 else "xy"[row % 2] for row in range(ROWS)],
            "g": ["uvw"[row * row % 3] for row in range(ROWS)],
            "t": [start + timedelta(minutes=row * row % 50 * 13) for row in range(ROWS)],
        },
        schema={name: polars_type(kind) for name, kind in KINDS.items()},
    )


def sample_schema() -> Schema:
    """The schema of `sample_rows`."""
    return Schema(columns=dict(KINDS))


def around(step: Step) -> Pipeline:
    """A pipeline with the step, in sequences where it asks for them, behind a column of arrays ``v`` where it reads one."""
    schema = sample_schema()
    try:
        step.output(schema)
    except Exception as error:
        code = getattr(error, "code", "")
        if code not in ("DA100", "DA200"):
            raise
        array = {"type": "derive", "columns": {"v": "pack(a, a + 1, float(b))"}}
        before = {"DA200": {"type": "to_sequence", "keys": "g", "order": "t"}, "DA100": array}[code]
        return Pipeline(input=schema, steps=(before, step))
    return Pipeline(input=schema, steps=(step,))


def check_step(step: Step) -> None:
    """Run the whole contract on a step whose examples are about the columns of `sample_rows`.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(step)
    rows, pipeline = sample_rows(), around(step)
    promise(Pipeline.from_yaml(pipeline.to_yaml()) == pipeline, "a pipeline with it reads back from YAML")
    fitted, trained = pipeline.fit_apply(PolarsFrame(rows), seed=3)
    promise(not fitted.learns, "fit leaves nothing to learn")
    promise(Pipeline.from_yaml(fitted.to_json()) == fitted, "what it learned reads back from JSON")
    found = fitted.run(rows)
    promise(list(found.columns) == list(fitted.output.names), f"it gives the columns that it says: {fitted.output.names}")
    for name, kind in fitted.output.kinds.items():
        promise(_is(found[name].dtype, kind), f"column {name!r} is {kind}, not {found[name].dtype}")
    promise(list(trained.collect().columns) == list(found.columns), "training rows have the same columns")
    promise(fitted.run(rows).equals(found), "running twice gives the same")
    promise(fitted.run(rows.lazy()).equals(found), "lazily or not makes no difference")
    promise(rows.equals(sample_rows()), "the rows it is given are not changed")
    _check_serving(fitted, rows, found)


def _check_serving(fitted: Pipeline, rows: pl.DataFrame, found: pl.DataFrame) -> None:
    step = fitted.steps[-1]
    for name in fitted.output.names:
        part = fitted.serving([name], choosing=True)
        alone = part.run(rows.select(part.input.names))
        promise(name in alone.columns, f"what makes {name!r} alone makes it")
        promise(alone[name].equals(found[name]), f"{name!r} alone is the same as among all columns")
    if step.chooses_rows:
        answered = fitted.serving(fitted.output.names).run(rows)
        promise(len(answered) == len(rows), "a step that chooses rows leaves none out of predictions")


def check_column(column: ColumnType) -> None:
    """Run the whole contract on a kind of column.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    _check_description(column)
    schema = Schema(columns={"x": column})
    promise(Schema.from_yaml(schema.to_yaml()) == schema, "a schema with it reads back from YAML")
    promise(not schema.differences(schema), "a schema does not differ from itself")
    promise(polars_type(column.kind) is not None, "its kind has a type in which values are kept")
    promise(column.kind in str(schema), "a schema shows the kind")


def _check_description(description: Any) -> None:
    kind = type(description)
    promise(kind.from_yaml(description.to_yaml()) == description, "it reads back from YAML")
    promise(kind.from_yaml(description.to_json()) == description, "it reads back from JSON")
    promise(kind.from_dict(description.to_dict(full=True)) == description, "it reads back with all settings written out")


def _is(dtype: Any, kind: str) -> bool:
    import polars as pl

    if kind == "time":
        return isinstance(dtype, pl.Datetime)
    if kind == "array":
        return isinstance(dtype, pl.List)
    return bool(dtype == polars_type(kind)) or dtype == pl.Null
