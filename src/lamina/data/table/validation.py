"""Rows as a schema says: converted column by column, checked row by row, refused or set aside by a policy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.data.expressions.nodes import Call, Column, Expression, Over
from lamina.data.expressions.nodes import Literal as Constant
from lamina.data.roles import Invalid
from lamina.data.table.columns import (
    ArrayColumn,
    BytesColumn,
    CategoricalColumn,
    ColumnType,
    FloatColumn,
    IntegerColumn,
    StringColumn,
    TextColumn,
    TimeColumn,
)
from lamina.errors import DataError, LaminaWarning, Problem

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

PROBLEM, ROW, RAW = "__problem", "__number", "__raw_"
SHOWN = 5
"""Wrong rows that a message names."""
_WRITTEN = ("string", "text", "categorical", "image")


@dataclass(frozen=True)
class Validated:
    """Rows after validation.

    Attributes:
        frame: The rows that are as the schema says.
        wrong: How many were not, and were left out.
    """

    frame: Frame
    wrong: int = 0


def validate(
    frame: Frame, schema: Schema, *, policy: Invalid = "error", quarantine: Path | None = None, where: str = "the rows"
) -> Validated:
    """Convert rows to the kinds of a schema, and see that every value is what it asks for.

    Args:
        frame: Rows with the columns of the schema.
        schema: What they must be.
        policy: What becomes of a row that isn't: ``error`` refuses all rows, ``drop`` leaves the row out, ``quarantine`` leaves it out
            and writes it to a file with the reason; both say how many.
        quarantine: The file, CSV.
        where: For messages.

    Raises:
        DataError: DA103, naming row, column and value of the first wrong ones; DA102 for a column that can't become what it should.
    """
    given = frame.kinds()
    changed, problems = {}, []
    for name, column in schema.columns.items():
        own = given[name]
        converted = _converted(Column(name), own, column, name)
        if converted is not None:
            changed[name] = converted
        problems += _problems(name, column, converted=converted is not None)
    names = frame.names
    if changed:
        frame = frame.with_columns({f"{RAW}{name}": Column(name) for name in changed}).with_columns(changed)
    if not problems:
        return Validated(frame)
    reason: Expression = Constant(None)
    for condition, text in reversed(problems):
        reason = Call("where", (condition, Constant(text), reason))
    marked = frame.with_columns({PROBLEM: reason})
    wrong = int(marked.values({"wrong": Call("count", (Column(PROBLEM),))})["wrong"])
    if not wrong:
        return Validated(frame.select(names) if changed else frame)
    if policy == "error":
        raise _refused(marked, [*changed], wrong, where)
    if quarantine is not None and policy == "quarantine":
        _set_aside(marked, [*changed], names, quarantine)
    message = f"[DA103] {where}: {wrong} rows are not what the schema says, and were left out (invalid: {policy})"
    warnings.warn(message, LaminaWarning, stacklevel=2)
    return Validated(marked.filter(Call("is_missing", (Column(PROBLEM),))).select(names), wrong)


def _converted(value: Expression, given: ColumnType | None, wanted: ColumnType, name: str) -> Expression | None:
    """How a column becomes what it should be; None if it is that already."""
    own, kind = None if given is None else given.kind, wanted.kind
    if own == kind or (own in _WRITTEN and kind in _WRITTEN):
        return None
    if kind in _WRITTEN and own is not None and own not in ("array", "bytes"):
        return Call("string", (value,))
    if kind in ("integer", "float", "boolean") and own in ("integer", "float", "boolean", *_WRITTEN):
        return Call(kind, (value,))
    if isinstance(wanted, TimeColumn) and own in _WRITTEN:
        return Call("parse_time", (value, Constant(wanted.format), Constant(wanted.zone)))
    raise DataError(
        "DA102",
        where=f"column {name!r}",
        expected=f"a column that can be read as {kind}",
        got=own or "a kind that no column has, such as a struct",
        cause="the data hold another kind of column than the schema says",
        fix="correct the schema, or convert the column before",
    )


def _problems(name: str, column: ColumnType, *, converted: bool) -> list[tuple[Expression, str]]:
    """Conditions that a row must not meet, each with what is said if it does."""
    value = Column(name)
    missing = Call("is_missing", (value,))
    found: list[tuple[Expression, str]] = []

    def refuse(condition: Expression, expected: str) -> None:
        found.append((condition, f"{name}\t{expected}"))

    def call(function: str, *arguments: Any) -> Call:
        return Call(function, tuple(item if isinstance(item, Expression) else Constant(item) for item in arguments))

    if converted:
        raw = Column(f"{RAW}{name}")
        given = call("not", call("is_missing", raw))
        # A field with nothing but blanks in it is a missing value.
        refuse(call("and", given, missing), f"a value of the kind {column.kind}")
    if column.required:
        refuse(missing, "a value")
    if isinstance(column, IntegerColumn | FloatColumn | TimeColumn):
        moment = isinstance(column, TimeColumn)
        for limit, function, words in ((column.minimum, "less", "at least"), (column.maximum, "greater", "at most")):
            if limit is not None:
                bound = call("parse_time", limit, None, column.zone) if moment else limit  # type: ignore[attr-defined]
                refuse(call(function, value, bound), f"{words} {limit}")
    if isinstance(column, FloatColumn):
        if not column.allow_nan:
            refuse(call("is_nan", value), "a number, not NaN")
        if not column.allow_infinite:
            refuse(call("is_infinite", value), "a finite number")
    if isinstance(column, CategoricalColumn) and column.values is not None:
        refuse(call("not", call("in", value, tuple(column.values))), f"one of {', '.join(map(repr, column.values[:8]))}")
    if isinstance(column, StringColumn | TextColumn):
        if column.min_length is not None:
            refuse(call("less", call("length", value), column.min_length), f"at least {column.min_length} characters")
        if column.max_length is not None:
            refuse(call("greater", call("length", value), column.max_length), f"at most {column.max_length} characters")
    if isinstance(column, StringColumn) and column.pattern is not None:
        refuse(call("not", call("matches", value, f"^(?:{column.pattern})$")), f"text like {column.pattern}")
    if isinstance(column, ArrayColumn) and column.length is not None:
        refuse(call("not_equal", call("array_length", value), column.length), f"a list of {column.length} numbers")
    if isinstance(column, BytesColumn) and column.max_length is not None:
        refuse(call("greater", call("length", value), column.max_length), f"at most {column.max_length} bytes")
    return found


def _refused(marked: Frame, changed: list[str], wrong: int, where: str) -> DataError:
    rows = marked.with_columns({ROW: Call("row_number")}, Over()).filter(Call("not", (Call("is_missing", (Column(PROBLEM),)),))).head(SHOWN)
    problems = []
    for row in rows.collect().iter_rows(named=True):
        name, _, expected = row[PROBLEM].partition("\t")
        value = row[f"{RAW}{name}"] if name in changed else row[name]
        problems.append(
            Problem(
                code="DA103",
                where=f"{where}, row {row[ROW]}, column {name!r}",
                expected=expected,
                got="nothing" if value is None else _short(repr(value)),
                cause=f"{wrong} rows are not what the schema says" if not problems else "the same",
                fix="correct the value or the schema; invalid: drop leaves such rows out, invalid: quarantine keeps them in a file",
            )
        )
    return DataError.of(problems)


def _set_aside(marked: Frame, changed: list[str], names: tuple[str, ...], path: Path) -> None:
    from lamina.files import atomic_write

    columns = {name: Column(f"{RAW}{name}") for name in changed}
    rows = marked.filter(Call("not", (Call("is_missing", (Column(PROBLEM),)),))).with_columns(columns)
    rows = rows.with_columns({PROBLEM: Call("replace", (Column(PROBLEM), Constant("\t"), Constant(": expected ")))})
    kept = rows.select([*names, PROBLEM]).rename({PROBLEM: "problem"})
    path.parent.mkdir(parents=True, exist_ok=True)
    table = kept.collect()
    atomic_write(path, lambda file: table.write_csv(file))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
