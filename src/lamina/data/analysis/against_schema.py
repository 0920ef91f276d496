"""How many values of a table are what a schema says: DataVec's data quality analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.table.schema import Schema


@dataclass(frozen=True)
class ColumnQuality:
    """Values of one column.

    Attributes:
        name: Of the column.
        kind: What the schema says it is.
        rows: How many there are.
        missing: How many have no value.
        invalid: How many have one that the schema doesn't allow.
        reasons: What was expected, and how many values weren't that.
    """

    name: str
    kind: str
    rows: int
    missing: int
    invalid: int
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def valid(self) -> int:
        """How many are as they should be; missing ones are not among them."""
        return self.rows - self.missing - self.invalid


@dataclass(frozen=True)
class Quality:
    """Values of all columns of a schema.

    Attributes:
        columns: In order.
        rows: How many there are.
        wrong_rows: How many have a value that isn't allowed, or lack one that is required.
    """

    columns: tuple[ColumnQuality, ...]
    rows: int
    wrong_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON)."""
        from dataclasses import asdict

        return asdict(self)


def quality(frame: pl.LazyFrame | pl.DataFrame, schema: Schema, where: str = "the rows") -> Quality:
    """Hold every value of a table against a schema; the table may be larger than memory.

    Args:
        frame: The rows.
        schema: What they should be.
        where: For messages.

    Raises:
        DataError: DA100, for a column of the schema that isn't there; DA102, for one that can't become what it should.

    Example:
        >>> import polars as pl
        >>> from lamina.data.table.schema import Schema
        >>> found = quality(pl.DataFrame({"age": ["31", "-4", "old", None]}), Schema({"age": {"type": "integer", "minimum": 0}}))
        >>> age = found.columns[0]
        >>> age.valid, age.invalid, age.missing
        (1, 2, 1)
    """
    from lamina.data.expressions.nodes import Column, Expression
    from lamina.data.expressions.parse import parse
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.table.inference import schema_of
    from lamina.data.table.validation import RAW, conversion, refusals

    rows = PolarsFrame.of(frame.lazy())
    schema_of(rows, {}, where).require(schema.names, where)
    given = rows.kinds()
    changed: dict[str, Expression] = {}
    for name, column in schema.columns.items():
        converted = conversion(name, given[name], column)
        if converted is not None:
            changed[name] = converted
    if changed:
        rows = rows.with_columns({f"{RAW}{name}": Column(name) for name in changed}).with_columns(changed)
    checks = {name: refusals(name, column, given[name] if name in changed else None) for name, column in schema.columns.items()}
    wanted = {"rows": "count()"}
    every = [f"where({condition}, 1, null)" for found in checks.values() for condition, _ in found]
    if every:
        wanted["wrong"] = f"count({_first(every)})"
    for i, (name, found) in enumerate(checks.items()):
        raw = Column(f"{RAW}{name}" if name in changed else name).text
        wanted[f"present_{i}"] = f"count({raw})"
        for j, (condition, _) in enumerate(found):
            wanted[f"wrong_{i}_{j}"] = f"count(where({condition}, 1, null))"
        # A value that is required and missing counts as missing.
        inside = [f"where(({condition}) and not is_missing({raw}), 1, null)" for condition, _ in found]
        if inside:
            wanted[f"invalid_{i}"] = f"count({_first(inside)})"
    values = rows.values({name: parse(text) for name, text in wanted.items()})
    total = int(values["rows"])
    columns = []
    for i, (name, found) in enumerate(checks.items()):
        reasons = [(words.partition("\t")[2], int(values[f"wrong_{i}_{j}"])) for j, (_, words) in enumerate(found)]
        columns.append(
            ColumnQuality(
                name,
                schema.columns[name].kind,
                total,
                total - int(values[f"present_{i}"]),
                int(values.get(f"invalid_{i}", 0)),
                tuple((words, count) for words, count in reasons if count),
            )
        )
    return Quality(tuple(columns), total, int(values.get("wrong", 0)))


def _first(conditions: list[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"coalesce({', '.join(conditions)})"
