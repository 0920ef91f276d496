"""Fields of nested records as columns: chosen by path, in the type that their values have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from lamina.data.tables.dialect import Dialect
from lamina.data.tables.kinds import BOOLEAN, EMPTY, FLOAT, INTEGER, NUMBERS, TEXT, dtype_of, first_wrong, join, narrowest
from lamina.data.tables.problems import half_a_letter, nested, unknown_field, wrong_type
from lamina.data.tables.texts import Parsed

if TYPE_CHECKING:
    import polars as pl

_STEP = re.compile(r"[^.\[\]]+")
_EXPECTED = {INTEGER: "a whole number", FLOAT: "a number"}


def steps_of(path: str) -> tuple[str | int, ...]:
    """A path, taken apart.

    Example:
        >>> steps_of("user.tags[0].name")
        ('user', 'tags', 0, 'name')
    """
    return tuple(int(step) if step.isdigit() else step for step in _STEP.findall(path))


def reach(record: Any, steps: Sequence[str | int]) -> Any:
    """What a path leads to; None, if it leads nowhere."""
    for step in steps:
        if isinstance(record, Mapping):
            record = record.get(step if isinstance(step, str) or step in record else str(step))
        elif isinstance(record, list) and isinstance(step, int) and step < len(record):
            record = record[step]
        else:
            return None
    return record


class Selection:
    """Makes columns of records.

    Args:
        fields: Names of columns, and the paths that lead to their values; None: the fields that the first records have.
        marks: Texts that mean that a value is missing.
        file: For messages.
        strict: Types that columns must have, by name.
        texts: Whether all values are texts, of which those that are numbers are to be found.
    """

    def __init__(
        self,
        fields: Mapping[str, str] | None,
        marks: Sequence[str],
        file: str,
        strict: Mapping[str, int] | None = None,
        *,
        texts: bool = False,
    ) -> None:
        self.fields, self.file, self._texts = fields, file, texts
        self._marks, self._strict = frozenset(marks), dict(strict or {})
        self._steps = {name: steps_of(path) for name, path in (fields or {}).items()}
        self._known = frozenset(fields or ())

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(self._steps)

    def learn(self, names: Iterable[Any]) -> None:
        """Take these fields, if none were chosen."""
        if self.fields is None and not self._steps:
            self._steps = {str(name): (name,) for name in names}
            self._known = frozenset(self._steps)

    def parsed(self, records: Sequence[tuple[int, Any]], levels: Sequence[int], only: Sequence[str] | None = None) -> Parsed:
        """Columns of records, each with its line.

        Raises:
            DataError: DA055, for what is no value or a field that the first records don't have; DA051, for a value that is none of
                its strict type.
        """
        import polars as pl

        for line, record in records:
            if not isinstance(record, Mapping | list):
                raise nested(self.file, line, None, "a record with named fields", record)
            if self.fields is None and isinstance(record, Mapping) and not record.keys() <= self._known:
                odd = next(name for name in record if name not in self._known)
                raise unknown_field(self.file, line, str(odd), self.names)
        broken = next((name for name in self._steps if not _is_text(name)), None)
        if broken is not None:
            raise half_a_letter(self.file, records[0][0] if records else 1, None, broken)
        columns, found = [], []
        for (name, steps), level in zip(self._steps.items(), levels, strict=True):
            if only is not None and name not in only:
                found.append(level)
                continue
            if len(steps) == 1:
                (key,) = steps
                values = [record.get(key) if isinstance(record, Mapping) else reach(record, steps) for _, record in records]
            else:
                values = [reach(record, steps) for _, record in records]
            own, column = self._column(name, values, level, [line for line, _ in records])
            columns.append(column)
            found.append(own)
        return Parsed(pl.DataFrame({column.name: column for column in columns}), tuple(found))

    def _column(self, name: str, values: list[Any], level: int, lines: list[int]) -> tuple[int, pl.Series]:
        import polars as pl

        broken = next((place for place, value in enumerate(values) if isinstance(value, str) and not _is_text(value)), None)
        if broken is not None:
            raise half_a_letter(self.file, lines[broken], name, values[broken])
        if self._marks:
            values = [None if isinstance(value, str) and value in self._marks else value for value in values]
        wanted = self._strict.get(name)
        if self._texts and all(value is None or isinstance(value, str) for value in values):
            level, column = narrowest(pl.Series(values, dtype=pl.String), level, Dialect())
            if wanted is None or join(level, wanted) == wanted:
                return level, column.alias(name)
            first = first_wrong(pl.Series(values, dtype=pl.String), wanted, Dialect())
            raise wrong_type(self.file, lines[first], name, _EXPECTED[wanted], str(values[first]))
        for kind, first in _kinds(values).items():
            if kind is None:
                raise nested(self.file, lines[first], name, "a value, or a list of numbers", values[first])
            if wanted is not None and join(kind, wanted) != wanted:
                raise wrong_type(self.file, lines[first], name, _EXPECTED[wanted], str(values[first]))
            if NUMBERS in (kind, level) and join(kind, level) == TEXT:
                raise nested(self.file, lines[first], name, "lists of numbers in all records, or in none", values[first])
            level = join(level, kind)
        if level == TEXT:
            values = [value if value is None or isinstance(value, str) else _written(value) for value in values]
        elif level == FLOAT:
            values = [None if value is None or value != value else float(value) for value in values]
        return level, pl.Series(values, dtype=pl.String if level == EMPTY else dtype_of(level)).alias(name)


def _is_text(value: str) -> bool:
    """Whether it can be written: JSON may hold halves of letters, by their codes."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kinds(values: list[Any]) -> dict[int | None, int]:
    """The kinds of some values, each with the place of the first one; None for what is no value of a table."""
    found: dict[int | None, int] = {}
    for place, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, str | date):
            kind: int | None = TEXT
        elif isinstance(value, bool):
            kind = BOOLEAN
        elif isinstance(value, int):
            kind = INTEGER if -(2**63) <= value < 2**63 else FLOAT
        elif isinstance(value, float):
            kind = FLOAT
        elif isinstance(value, list) and all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
            kind = NUMBERS
        else:
            kind = None
        if kind not in found:
            found[kind] = place
    return found


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value)
