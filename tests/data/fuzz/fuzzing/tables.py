"""Small tables with values at the edges of what their kinds allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

NAMES = (
    *("a", "b", "c", "d", "x", "y", "time", "size", "s", "größe", "x y", "a.b", "a-b", "1", "count", "type", "path", "target"),
    *("", " ", "A", "__row", "__left", "if", "true", "a'b", 'q"q', "n\nl", "\u202e", "^a$", "*", "a" * 300),
)
EVERYDAY = NAMES[:10]

INTEGERS = (0, 1, 2, 3, -1, 7, 100, 2**31 - 1, 2**31, 2**53 + 1, -(2**63), 2**63 - 1)
FLOATS = (0.0, -0.0, 0.5, 1.0, 2.5, -3.25, 1e-308, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, 1e16, 0.1)
WORDS = (
    *("x", "y", "z", "red", "blue", "", " ", "NA", "nan", "null", "None", "true", "no", "1", "007", "1e5", "-", "?", "a,b", 'a"b', "a\nb"),
    *("é", "e\u0301", "ß", "\ufeff", "\0", "\u2028", "😀", "a\tb", "=1+1", "x" * 500, "2024-02-29", "12:30", "<b>&amp;", "{}", "[1, 2]"),
)
TIMES = (
    *(datetime(2024, 2, 29, 12, 30), datetime(1970, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)),
    *(datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30), datetime(1899, 12, 31), datetime(2024, 1, 1, 0, 0, 1)),
)
KINDS = ("integer", "float", "string", "boolean", "time", "date", "bytes", "list", "duration")
BASIC = ("integer", "float", "string", "boolean")


@dataclass(frozen=True)
class Table:
    """Columns by name, each a list of values of one kind, None where they are missing.

    Attributes:
        kinds: Kind of each column.
        columns: The values.
    """

    kinds: dict[str, str]
    columns: dict[str, list[Any]]

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return list(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def rows(self) -> list[dict[str, Any]]:
        """Each row as a mapping."""
        return [{name: values[row] for name, values in self.columns.items()} for row in range(len(self))]


def values(kind: str) -> st.SearchStrategy[Any]:
    """Values of a kind: plain ones mostly, now and then one at the edge."""
    return _VALUES[kind]


_LISTS = st.lists(st.sampled_from((0.0, 1.0, -2.5, math.nan, math.inf)), max_size=3)
_EDGES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.sampled_from(INTEGERS),
    "float": st.sampled_from(FLOATS),
    "string": st.sampled_from(WORDS) | st.text(max_size=6),
}
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-3, 9),
    "float": st.sampled_from((0.5, 1.0, -2.0, 3.25, 10.0, 2.0, 0.0, -7.5, 1.25, 4.0) + FLOATS[4:6]),
    "string": st.sampled_from(("x", "y", "z", "red")),
    "boolean": st.booleans(),
    "time": st.sampled_from(TIMES),
    "date": st.sampled_from((date(2024, 2, 29), date(1970, 1, 1), date(1, 1, 1), date(9999, 12, 31))),
    "bytes": st.binary(max_size=6),
    "list": _LISTS,
    "duration": st.sampled_from((timedelta(0), timedelta(days=3), timedelta(microseconds=-1), timedelta(days=90_000))),
}


def rare(draw: st.DrawFn, most: int) -> bool:
    """Whether it is one time in ``most + 1``; what is simplest for hypothesis, and therefore frequent, is what is usual."""
    return bool(draw(st.integers(0, most)) == most)


@st.composite
def tables(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, most_rows: int = 12) -> Table:
    """Tables of 1 to 5 columns with up to so many rows, each column with or without missing values."""
    pool = draw(st.sampled_from((EVERYDAY, EVERYDAY, EVERYDAY, NAMES)))
    names = draw(st.lists(st.sampled_from(pool), min_size=1 if rare(draw, 9) else 2, max_size=5, unique=True))
    count = draw(st.sampled_from((5, 8, most_rows, most_rows, 3, 2, 1, 8, 5, most_rows, most_rows, 0)))
    chosen, columns = {}, {}
    for name in names:
        kind = draw(st.sampled_from((*BASIC, *kinds)))
        value = values(kind)
        if kind in _EDGES and rare(draw, 3):
            value = value | _EDGES[kind]
        if rare(draw, 2):
            value = st.none() | value
        if rare(draw, 3):
            # Few different values: categories, keys, targets.
            few = draw(st.lists(value, min_size=1, max_size=3))
            value = st.sampled_from(few)
        chosen[name] = kind
        columns[name] = draw(st.lists(value, min_size=count, max_size=count))
    return Table(chosen, columns)


def aware(value: datetime) -> datetime:
    """The same moment with a zone."""
    return value.replace(tzinfo=UTC)
