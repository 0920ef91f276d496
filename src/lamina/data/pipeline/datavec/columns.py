"""Columns as DataVec's schemas describe them, and what they are in a schema of Lamina."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec.zones import zone_of

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.reading import Node
    from lamina.data.table.columns import ColumnType

KINDS = {
    "String": "string",
    "Integer": "integer",
    "Long": "integer",
    "Double": "float",
    "Float": "float",
    "Categorical": "categorical",
    "Time": "time",
    "Boolean": "boolean",
    "Bytes": "bytes",
    "NDArray": "array",
}
"""DataVec's types of columns, and the kinds of columns that they are here."""
WHOLE, REAL, WORDS = ("Integer", "Long"), ("Double", "Float"), ("String", "Categorical")
INT_LOW, INT_HIGH = -(2**31), 2**31 - 1


@dataclass(frozen=True)
class Column:
    """A column as DataVec knows it at some place of a process.

    Attributes:
        name: What DataVec calls it; two can have the same name.
        own: What it is called here.
        type: Its type, such as ``Double``.
        minimum: Smallest valid value; of times, in milliseconds since 1970.
        maximum: Largest valid value.
        allow_nan: Whether NaN is valid whatever the limits.
        allow_infinite: Whether infinity is.
        states: Words of a categorical.
        pattern: Regular expression that valid text matches.
        min_length: Fewest characters of valid text.
        max_length: Most characters.
        zone: Zone of times.
    """

    name: str
    own: str
    type: str
    minimum: float | None = None
    maximum: float | None = None
    allow_nan: bool = False
    allow_infinite: bool = False
    states: tuple[str, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    zone: str = "UTC"

    @property
    def kind(self) -> str:
        """The kind of column that it is here."""
        return KINDS[self.type]

    @property
    def x(self) -> str:
        """Its value, in an expression."""
        from lamina.data.expressions.nodes import Column as Reference

        return Reference(self.own).text

    @property
    def number(self) -> str:
        """Its value as a number, as DataVec reads it: times in milliseconds since 1970, text as what it spells."""
        if self.type == "Time":
            return f"epoch_milliseconds({self.x})"
        if self.type in (*WORDS, "Boolean"):
            return f"float({self.x})"
        return self.x

    @property
    def whole(self) -> str:
        """Its value as a whole number: what comes after the point is left out."""
        if self.type in (*WHOLE, "Time"):
            return self.number
        return f"integer({self.x})"

    @property
    def text(self) -> str:
        """Its value as text."""
        if self.type == "String":
            return self.x
        return f"string({self.number if self.type == 'Time' else self.x})"

    @property
    def invalid(self) -> str:
        """Whether a value is none that DataVec calls valid, as an expression that is never missing."""
        if self.type == "String":
            return _any_of(self._texts()) or "false"
        found = [f"is_missing({self.x})"]
        if self.type == "Categorical":
            found.append(f"coalesce({self.x} not in {constant(tuple(self.states))}, false)")
        if self.type in (*WHOLE, *REAL, "Time"):
            low, high = self.minimum, self.maximum
            if self.type == "Integer":
                low, high = low if low is not None else INT_LOW, high if high is not None else INT_HIGH
            if self.type in REAL:
                low, high = None if low is None else float(low), None if high is None else float(high)
            outside = [f"{self.number} {sign} {constant(limit)}" for sign, limit in (("<", low), (">", high)) if limit is not None]
            if outside:
                beyond = f"coalesce({' or '.join(outside)}, false)"
                if self.type in REAL:
                    # DataVec compares NaN with the limits, whatever allowNaN says, and finds it neither below nor above.
                    let_in = [f"coalesce(is_nan({self.x}), false)", *([self._infinite] if self.allow_infinite else [])]
                    beyond = f"({beyond} and not ({_any_of(let_in)}))"
                found.append(beyond)
        return _any_of(found) or "false"

    @property
    def _infinite(self) -> str:
        return f"coalesce(is_infinite({self.x}), false)"

    def _texts(self) -> list[str]:
        filled = f"coalesce({self.x}, '')"
        found = []
        if self.min_length is not None:
            found.append(f"length({filled}) < {self.min_length}")
        if self.max_length is not None:
            found.append(f"length({filled}) > {self.max_length}")
        if self.pattern is not None:
            found.append(f"not matches({filled}, {constant(self.pattern)})")
        return found

    def described(self, *, limits: bool = False, loose: bool = False) -> ColumnType:
        """The column in a schema here.

        Args:
            limits: Whether values must be as DataVec's schema says. DataVec itself looks at that where a process asks for it alone.
            loose: Whether even what is no value of the type is let in, as text, since the process itself deals with it.
        """
        from lamina.data.table.schema import column_of

        if loose:
            return column_of("string" if self.type in (*WHOLE, *REAL, *WORDS) else self.kind, **self._settings(limits=False))
        states = {"values": self.states} if self.states else {}
        floats = {"allow_nan": True, "allow_infinite": True} if self.kind == "float" else {}
        return column_of(self.kind, **states, **floats, **self._settings(limits=limits))

    def _settings(self, *, limits: bool) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.type == "Time":
            made = {"zone": self.zone, "format": "epoch_milliseconds"}
            if limits:
                made |= {"minimum": _iso(self.minimum), "maximum": _iso(self.maximum)}
        elif limits and self.type in WHOLE:
            made = {"minimum": _int(self.minimum), "maximum": _int(self.maximum)}
        elif limits and self.type in REAL:
            # DataVec compares NaN and infinity with the limits, whatever allowNaN says.
            made = {"minimum": self.minimum, "maximum": self.maximum}
        elif limits and self.type == "String":
            made = {"pattern": self.pattern, "min_length": self.min_length, "max_length": self.max_length}
        return {name: value for name, value in made.items() if value is not None}


def read_schema(node: Node, *, strict: bool = False) -> tuple[list[Column], bool]:
    """Columns of a schema, and whether its rows are steps of sequences.

    Args:
        node: The schema.
        strict: Whether all patterns of text will be asked for, so that they must mean here what they mean in Java.

    Raises:
        DataError: DA242.
    """
    settings, found = node.settings, []
    for part in settings.items("columns"):
        found.append(_column(part))
        if strict and found[-1].pattern is not None:
            checked_pattern(part.settings, "regex")
    if not found:
        raise settings.wrong(key="columns", expected="at least one column")
    return found, node.kind == "SequenceSchema"


def _column(node: Node) -> Column:
    kind = (node.kind or "").removesuffix("MetaData")
    kind = {"Binary": "Bytes"}.get(kind, kind)
    settings = node.settings
    if kind not in KINDS:
        raise settings.error(
            "DA242",
            where="a column",
            expected=f"a column of a type among {', '.join(KINDS)}",
            got=node.full_kind,
            cause="the type is unknown, or the file was changed",
            fix="correct the type",
        )
    name = settings.text("name")
    low, high = ("minValidTime", "maxValidTime") if kind == "Time" else ("minAllowedValue", "maxAllowedValue")
    given: dict[str, Any] = {}
    if kind in (*WHOLE, *REAL, "Time"):
        read = settings.number if kind in REAL else settings.integer
        for key, setting in (("minimum", low), ("maximum", high)):
            if setting in settings:
                given[key] = read(setting)
        if {"minimum", "maximum"} <= {*given} and given["minimum"] > given["maximum"]:
            raise settings.wrong(low, f"at most {high}")
    if kind in REAL:
        given |= {"allow_nan": settings.flag("allowNaN"), "allow_infinite": settings.flag("allowInfinite")}
    if kind == "Categorical":
        states = settings.texts("stateNames")
        if len({*states}) < len(states):
            raise settings.wrong(key="stateNames", expected="different words")
        given["states"] = tuple(states)
    if kind == "String":
        given |= {key: settings.integer(setting) for key, setting in _LENGTHS.items() if setting in settings}
        if "regex" in settings:
            given["pattern"] = settings.text("regex")
        if min(given.get("min_length", 0), given.get("max_length", 0)) < 0 or given.get("min_length", 0) > given.get(
            "max_length", math.inf
        ):
            raise settings.wrong(key="minLength", expected="a length, at most maxLength")
    if kind == "Time":
        given["zone"] = zone_of(settings, "timeZone")
    return Column(name, name, kind, **given)


_LENGTHS = {"min_length": "minLength", "max_length": "maxLength"}


def checked_pattern(node: Node, key: str) -> str:
    """A regular expression that means here what it means in Java.

    Raises:
        DataError: DA242, with what is wrong.
    """
    from lamina.data.expressions.kinds import kind_of
    from lamina.data.expressions.parse import parse
    from lamina.errors import DataError

    pattern = node.text(key)
    try:
        kind_of(parse(f"matches('', {constant(pattern)})"), {})
    except DataError as error:
        raise node.wrong(key, f"a regular expression; {error.problems[0].expected}") from error
    return pattern


def constant(value: Any) -> str:
    """A constant as the text of an expression."""
    from lamina.data.expressions.nodes import Literal

    return Literal(value).text


def _any_of(conditions: list[str]) -> str:
    return " or ".join(conditions)


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)


def _iso(milliseconds: float | None) -> str | None:
    """Milliseconds since 1970 in ISO 8601, as near as years have four digits."""
    if milliseconds is None:
        return None
    low, high = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    most, least = (high - epoch) // timedelta(milliseconds=1), (low - epoch) // timedelta(milliseconds=1)
    moment = epoch + timedelta(milliseconds=min(max(int(milliseconds), least), most))
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00").removesuffix(".000")
