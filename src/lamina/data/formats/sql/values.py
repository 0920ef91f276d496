"""Values that database drivers give as columns of tables."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_POSTGRESQL: dict[int, str] = {
    16: "Boolean",
    17: "Binary",
    **dict.fromkeys((20, 21, 23, 26), "Int64"),
    **dict.fromkeys((700, 701, 1700, 1083, 1186, 1266), "Float64"),
    **dict.fromkeys((18, 19, 25, 114, 142, 790, 829, 869, 650, 1042, 1043, 2950, 3802), "String"),
    1082: "Date",
    1114: "Datetime",
    1184: "Moment",
    1000: "List:Boolean",
    **dict.fromkeys((1005, 1007, 1016), "List:Int64"),
    **dict.fromkeys((1021, 1022, 1231), "List:Float64"),
    **dict.fromkeys((1009, 1015), "List:String"),
}
"""What types of PostgreSQL, by their numbers, become. Times of the day and intervals are in seconds."""
_DECLARED = (
    ("bool", "Boolean"),
    ("int", "Int64"),
    ("datetime", "Datetime"),
    ("timestamp", "Datetime"),
    ("date", "Date"),
    ("real", "Float64"),
    ("floa", "Float64"),
    ("doub", "Float64"),
    ("dec", "Float64"),
    ("num", "Float64"),
    ("char", "String"),
    ("clob", "String"),
    ("text", "String"),
    ("blob", "Binary"),
)
"""What types that SQLite knows from declarations become, by a word in them, the first that fits."""
Odd = tuple[int, Any]


def dtype_of(kind: str) -> Any:
    """The Polars type of a kind: ``Int64``, ``Datetime`` (without a zone), ``Moment`` (in UTC), ``List:Float64`` ..."""
    import polars as pl

    if kind.startswith("List:"):
        return pl.List(dtype_of(kind[5:]))
    if kind in ("Datetime", "Moment"):
        return pl.Datetime("us", "UTC" if kind == "Moment" else None)
    return getattr(pl, kind)()


def postgresql_kind(code: Any, precision: int | None = None, scale: int | None = None) -> str | None:
    """The kind of a column by the number of its type; None for types of users and extensions."""
    if code == 1700 and scale == 0 and precision is not None and precision <= 18:
        return "Int64"
    return _POSTGRESQL.get(code) if isinstance(code, int) else None


def declared_kind(declared: str) -> str | None:
    """The kind of a column of SQLite by how it was declared; None, if that says nothing."""
    low = declared.lower()
    return next((kind for word, kind in _DECLARED if word in low), None)


def seen_kind(values: Sequence[Any]) -> str | None:
    """The kind of a column by its values; None, if all are missing."""
    kinds = {_own_kind(value) for value in values if value is not None}
    if not kinds:
        return None
    if kinds <= {"Int64", "Float64"}:
        return "Float64" if "Float64" in kinds else "Int64"
    if len(kinds) == 1:
        return kinds.pop()
    return "String" if "String" in kinds and not kinds & {"Binary"} else "mixed"


def _own_kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        inner = seen_kind(value)
        return f"List:{inner}" if inner in ("Int64", "Float64", "String", "Boolean") else "List:Float64"
    if isinstance(value, datetime.datetime):
        return "Datetime" if value.tzinfo is None else "Moment"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "String"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "Boolean"),
    (int, "Int64"),
    ((float, decimal.Decimal, datetime.timedelta, datetime.time), "Float64"),
    (datetime.date, "Date"),
    ((bytes, bytearray, memoryview), "Binary"),
)


def series(name: str, kind: str, values: Sequence[Any], where: str, start: int, fix: str) -> pl.Series:
    """Values of a column.

    Args:
        name: Of the column.
        kind: What it holds.
        values: As the driver gave them.
        where: For messages.
        start: Rows before.
        fix: What to do about a value of another kind.

    Raises:
        DataError: DA063, naming the first row whose value is of another kind.
    """
    import polars as pl

    convert = _CONVERT.get(kind.partition(":")[0], _same)
    made: list[Any] = []
    for place, value in enumerate(values):
        try:
            made.append(None if value is None else convert(value))
        except (TypeError, ValueError, OverflowError, decimal.InvalidOperation):
            raise _odd(name, kind, value, f"{where}, row {start + place + 1}", fix) from None
    try:
        # Named last: Polars looks times up by the name, and takes one like ^a$ for a pattern.
        return pl.Series(made, dtype=dtype_of(kind), strict=True).alias(name)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        for place, value in enumerate(made):
            try:
                pl.Series([value], dtype=dtype_of(kind), strict=True)
            except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
                raise _odd(name, kind, value, f"{where}, row {start + place + 1}", fix) from None
        raise


def _odd(name: str, kind: str, value: Any, where: str, fix: str) -> DataError:
    words = {"Int64": "a whole number of 64 bits", "Float64": "a number", "String": "text", "Boolean": "true or false", "Date": "a date"}
    return DataError(
        "DA063",
        where=f"{where}, column {name!r}",
        expected=words.get(kind, kind),
        got=f"{str(value)[:60]!r} ({type(value).__name__})",
        cause="the database gives values of several kinds in one column, or other ones than it declares",
        fix=fix,
    )


def _same(value: Any) -> Any:
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, decimal.Decimal | float) and value == int(value):
        return int(value)
    raise TypeError(value)


def _number(value: Any) -> float:
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, datetime.time):
        return value.hour * 3600.0 + value.minute * 60.0 + value.second + value.microsecond / 1e6
    if isinstance(value, int | float | decimal.Decimal):
        return float(value)
    raise TypeError(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(value)
    return str(value) if isinstance(value, uuid.UUID) or not isinstance(value, bool) else str(value).lower()


def _truth(value: Any) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError(value)


def _day(value: Any) -> datetime.date:
    if isinstance(value, str):
        return datetime.date.fromisoformat(value.strip())
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    raise TypeError(value)


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime.datetime):
        raise TypeError(value)
    return value if value.tzinfo is None else value.astimezone(datetime.UTC)


def _naive(value: Any) -> datetime.datetime:
    found = _moment(value)
    return found if found.tzinfo is None else found.replace(tzinfo=None)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [float(item) if isinstance(item, decimal.Decimal) else item for item in value]
    raise TypeError(value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "Int64": _whole,
    "Float64": _number,
    "String": _text,
    "Boolean": _truth,
    "Date": _day,
    "Datetime": _naive,
    "Moment": _moment,
    "Binary": _bytes,
    "List": _list,
}
