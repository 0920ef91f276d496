"""Rows as a schema says: converted column by column, checked row by row, refused or set aside by a policy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.data.expressions.nodes import Call, Column, Expression, Over
from lamina.data.expressions.nodes import Literal as Constant
from lamina.data.expressions.parse import parse
from lamina.data.roles import Invalid
from lamina.data.table.columns import (
    WRITTEN,
    ArrayColumn,
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

PROBLEM, ROW, RAW = "__lamina_problem", "__lamina_number", "__lamina_raw_"
ISO = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S.%f",
)
"""How a time is written in ISO 8601, as far as a reader can take it for a time and nothing else."""
EPOCHS = ("epoch_seconds", "epoch_milliseconds")
"""Formats of times that are counted."""
SHOWN = 5
"""Wrong rows that a message names."""


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
    frame: Frame,
    schema: Schema,
    *,
    policy: Invalid = "error",
    quarantine: Path | None = None,
    where: str = "the rows",
    at: Callable[[int], str] | None = None,
) -> Validated:
    """Convert rows to the kinds of a schema, and see that every value is what it asks for.

    Args:
        frame: Rows with the columns of the schema.
        schema: What they must be.
        policy: What becomes of a row that isn't: ``error`` refuses all rows, ``drop`` leaves the row out, ``quarantine`` leaves it out
            and writes it to a file with the reason; both say how many.
        quarantine: The file, CSV.
        where: For messages.
        at: What messages call a row, by its number from 1, where that isn't its number in ``where``.

    Raises:
        DataError: DA103, naming row, column and value of the first wrong ones; DA102 for a column that can't become what it should.
    """
    given = frame.kinds()
    changed: dict[str, Expression] = {}
    problems: list[tuple[str, str]] = []
    for name, column in schema.columns.items():
        own = given[name]
        converted = conversion(name, own, column)
        if converted is not None:
            changed[name] = converted
        problems += refusals(name, column, own if converted is not None else None)
    names = frame.names
    if changed:
        frame = frame.with_columns({f"{RAW}{name}": Column(name) for name in changed}).with_columns(changed)
    if not problems:
        return Validated(frame)
    reasons = tuple(parse(f"where({condition}, {Constant(text).text}, null)") for condition, text in problems)
    reason = reasons[0] if len(reasons) == 1 else Call("coalesce", reasons)
    marked = frame.with_columns({PROBLEM: reason})
    wrong = int(marked.values({"wrong": parse(f"count({PROBLEM})")})["wrong"])
    if not wrong:
        return Validated(frame.select(names) if changed else frame)
    if policy == "error":
        raise _refused(marked, [*changed], wrong, at or (lambda row: f"{where}, row {row}"))
    if quarantine is not None and policy == "quarantine":
        _set_aside(marked, [*changed], names, quarantine)
    message = f"[DA103] {where}: {wrong} rows are not what the schema says, and were left out (invalid: {policy})"
    warnings.warn(message, LaminaWarning, stacklevel=2)
    return Validated(marked.filter(parse(f"is_missing({PROBLEM})")).select(names), wrong)


def conversion(name: str, given: ColumnType | None, wanted: ColumnType) -> Expression | None:
    """How a column becomes what it should be; None if it is that already."""
    own, kind = None if given is None else given.kind, wanted.kind
    value = Column(name).text
    if isinstance(wanted, TimeColumn) and isinstance(given, TimeColumn) and wanted.zone != given.zone:
        return parse(f"to_zone({value}, {Constant(wanted.zone).text})")
    if own == kind or (own in WRITTEN and kind in WRITTEN):
        return None
    if kind in WRITTEN and own is not None and own not in ("array", "bytes"):
        return parse(f"string({value})")
    if kind in ("integer", "float", "boolean") and own in ("integer", "float", "boolean", *WRITTEN):
        return parse(f"{kind}({value})")
    if isinstance(wanted, TimeColumn) and (own in WRITTEN or (own == "integer" and wanted.format in EPOCHS)):
        return parse(_moment(value, wanted))
    raise DataError(
        "DA102",
        where=f"column {name!r}",
        expected=f"a column that can be read as {kind}",
        got=own or "a kind that no column has, such as a struct",
        cause="the data hold another kind of column than the schema says",
        fix="correct the schema, or convert the column before",
    )


def _moment(text: str, column: TimeColumn) -> str:
    """A text as a time: by the column's format, else by those of ISO 8601."""
    if column.format in EPOCHS:
        return f"from_{column.format}(integer({text}), {Constant(column.zone).text})"
    formats = ISO if column.format is None else (column.format,)
    zone = Constant(column.zone).text
    return f"coalesce({', '.join(f'parse_time({text}, {Constant(own).text}, {zone})' for own in formats)})"


def refusals(name: str, column: ColumnType, given: ColumnType | None) -> list[tuple[str, str]]:
    """Conditions that a row must not meet, as expressions, each with what is said if it does.

    Args:
        name: Of the column.
        column: What it must be.
        given: What it was before it was converted; None for one that wasn't.
    """
    x, raw = Column(name).text, Column(f"{RAW}{name}").text
    found: list[tuple[str, str]] = []

    def refuse(condition: str, expected: str) -> None:
        found.append((condition, f"{name}\t{expected}"))

    if given is not None:
        refuse(f"is_missing({x}) and not is_missing({raw})", f"a value of the kind {column.kind}")
        if column.kind == "integer" and given.kind == "float":
            refuse(f"{x} != {raw}", "a whole number")
        if column.kind == "boolean" and given.kind in ("integer", "float"):
            refuse(f"{raw} not in [0, 1]", "true or false, or 1 or 0")
    if column.required:
        refuse(f"is_missing({x})", "a value")
    if isinstance(column, IntegerColumn | FloatColumn | TimeColumn):
        for limit, sign, words in ((column.minimum, "<", "at least"), (column.maximum, ">", "at most")):
            if limit is not None:
                bound = Constant(limit).text
                moment = _moment(bound, TimeColumn(zone=column.zone)) if isinstance(column, TimeColumn) else bound
                refuse(f"{x} {sign} {moment}", f"{words} {limit}")
    if isinstance(column, FloatColumn):
        if not column.allow_nan:
            refuse(f"is_nan({x})", "a number, not NaN")
        if not column.allow_infinite:
            refuse(f"is_infinite({x})", "a finite number")
    if isinstance(column, CategoricalColumn) and column.values is not None:
        refuse(f"{x} not in {Constant(tuple(column.values)).text}", f"one of {', '.join(map(repr, column.values[:8]))}")
    found += [(condition, f"{name}\t{words}") for condition, words in _of_length(x, column)]
    return found


def _of_length(x: str, column: ColumnType) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if isinstance(column, StringColumn | TextColumn):
        if column.min_length is not None:
            found.append((f"length({x}) < {column.min_length}", f"at least {column.min_length} characters"))
        if column.max_length is not None:
            found.append((f"length({x}) > {column.max_length}", f"at most {column.max_length} characters"))
    if isinstance(column, StringColumn) and column.pattern is not None:
        found.append((f"not matches({x}, {Constant(f'^(?:{column.pattern})$').text})", f"text like {column.pattern}"))
    if isinstance(column, ArrayColumn) and column.length is not None:
        found.append((f"array_length({x}) != {column.length}", f"a list of {column.length} numbers"))
    return found


def _refused(marked: Frame, changed: list[str], wrong: int, at: Callable[[int], str]) -> DataError:
    rows = marked.with_columns({ROW: parse("row_number()")}, Over()).filter(parse(f"not is_missing({PROBLEM})")).head(SHOWN)
    problems: list[Problem] = []
    for row in rows.collect().iter_rows(named=True):
        name, _, expected = row[PROBLEM].partition("\t")
        value = row[f"{RAW}{name}"] if name in changed else row[name]
        problems.append(
            Problem(
                code="DA103",
                where=f"{at(row[ROW])}, column {name!r}",
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
    rows = marked.filter(parse(f"not is_missing({PROBLEM})")).with_columns(columns)
    rows = rows.with_columns({PROBLEM: parse(f"replace({PROBLEM}, '\\t', ': expected ')")})
    kept = rows.select([*names, PROBLEM]).rename({PROBLEM: "problem"})
    path.parent.mkdir(parents=True, exist_ok=True)
    table = kept.collect()
    atomic_write(path, lambda file: table.write_csv(file))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
