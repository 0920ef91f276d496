"""Functions of times. A time is an instant, to the microsecond, with the zone in which its parts are told."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.formats import FormatError, check_reading, take_apart
from lamina.data.expressions.functions.clocks import (
    EARLIEST,
    LATEST,
    MICROSECONDS,
    from_local_polars,
    from_local_spark,
    local_polars,
    local_spark,
    within_polars,
    within_spark,
    zone_of,
)
from lamina.data.expressions.functions.function import FLOAT, INTEGER, TEXT, TIME, At, Builder, Function, Parameter, same
from lamina.data.expressions.functions.timetexts import read_polars, read_spark, written_polars, written_spark

T = Parameter("t", TIME)
ZONE = Parameter("zone", TEXT, constant=True, default=None)
UNITS = tuple(MICROSECONDS)
CALENDAR = {"month": 1, "quarter": 3, "year": 12}


def _zoned(index: int) -> Callable[[Sequence[str], Sequence[Any]], str]:
    """A time in the zone that an argument names."""
    return lambda kinds, values: f"time[{values[index]}]" if values[index] not in (None, "UTC") else "time"


def _known_zone(name: Any) -> tuple[str, str] | None:
    import zoneinfo

    if name is None or name == "UTC":
        return None
    zones = zoneinfo.available_timezones()
    if name in zones and "/" in name or (not zones and "/" in name):
        return None
    from lamina.errors import nearest

    near = nearest(name, zones) if len(name) < 100 and name not in zones else None
    return "a zone of the IANA database, such as 'Europe/Zurich'", f"did you mean {near!r}?" if near else "write 'UTC' or 'Region/City'"


def _zone_at(index: int) -> Callable[[Sequence[Any]], tuple[str, str] | None]:
    return lambda values: _known_zone(values[index])


def _unit_at(index: int, units: Sequence[str]) -> Callable[[Sequence[Any]], tuple[str, str] | None]:
    return lambda values: None if values[index] in units else (f"a unit: {', '.join(units)}", f"write {units[1]!r}")


def _format_checked(values: Sequence[Any]) -> tuple[str, str] | None:
    try:
        check_reading(values[1])
    except FormatError as error:
        return f"a format of Python's strptime; {error}", error.fix
    return _known_zone(values[2])


def _writing_checked(values: Sequence[Any]) -> tuple[str, str] | None:
    try:
        parts = take_apart(values[1])
    except FormatError as error:
        return f"a format of Python's strftime; {error}", error.fix
    if (True, "z") in parts.pieces:
        return "a format without %z", "append the offset as a text, or write the time in UTC"
    return _known_zone(values[2])


def _part(name: str, doc: str, polars: Callable[[Any], Any], spark: Callable[[Any, Any], Any]) -> Function:
    def on_polars(at: At, t: Any, zone: Any) -> Any:
        return polars(local_polars(at, t, zone_of(at))).cast(at.api.Int64)

    def on_spark(at: At, t: Any, zone: Any) -> Any:
        return spark(at.api, local_spark(at, t, zone_of(at))).cast("bigint")

    return Function(name, (T, ZONE), "integer", on_polars, on_spark, doc, f"{name}(t)", check=_zone_at(1))


def _micros(at: At, t: Any) -> Any:
    return at.api.unix_micros(t) if hasattr(at.api, "unix_micros") else t.dt.timestamp("us")


def _epoch(per_second: int) -> tuple[Builder, Builder]:
    size = 1_000_000 // per_second

    def polars(at: At, t: Any) -> Any:
        return t.dt.timestamp("us") // size

    def spark(at: At, t: Any) -> Any:
        micros = at.api.unix_micros(t)
        return at.api.call_function("div", micros - at.api.pmod(micros, at.api.lit(size).cast("bigint")), at.api.lit(size).cast("bigint"))

    return polars, spark


def _from_epoch(per_second: int) -> tuple[Builder, Builder]:
    size = 1_000_000 // per_second
    low, high = math.ceil(EARLIEST / size), LATEST // size

    def polars(at: At, x: Any, zone: Any) -> Any:
        inside = at.api.when((x >= low) & (x <= high)).then(x)
        return (inside * size).cast(at.api.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(at.values[1] or "UTC")

    def spark(at: At, x: Any, zone: Any) -> Any:
        return at.api.when((x >= low) & (x <= high), at.api.timestamp_micros(x * size))

    return polars, spark


def _later_polars(at: At, t: Any, n: Any, unit: Any) -> Any:
    zone, unit = zone_of(at, named=False), at.values[2]
    if unit in CALENDAR:
        months = at.api.when((n >= -120_000) & (n <= 120_000)).then(n * CALENDAR[unit])
        moved = local_polars(at, t, zone).dt.offset_by(at.api.concat_str([months.cast(at.api.String), at.api.lit("mo")]))
        return from_local_polars(at, within_polars(at, moved), zone)
    days = unit in ("day", "week")
    start = local_polars(at, t, zone) if days else t
    most = (LATEST - EARLIEST) // MICROSECONDS[unit]
    fitting = at.api.when((n >= -most) & (n <= most)).then(n)
    micros = start.dt.timestamp("us") + fitting * MICROSECONDS[unit]
    moved = at.api.when((micros >= EARLIEST) & (micros <= LATEST)).then(micros).cast(at.api.Datetime("us"))
    return from_local_polars(at, moved, zone) if days else moved.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _later_spark(at: At, t: Any, n: Any, unit: Any) -> Any:
    zone, unit = zone_of(at, named=False), at.values[2]
    if unit in CALENDAR:
        months = at.api.when((n >= -120_000) & (n <= 120_000), n * CALENDAR[unit]).cast("int")
        moved = at.api.timestamp_add("MONTH", months, local_spark(at, t, zone))
        return from_local_spark(at, within_spark(at, moved), zone)
    days = unit in ("day", "week")
    start = local_spark(at, t, zone) if days else t
    most = (LATEST - EARLIEST) // MICROSECONDS[unit]
    fitting = at.api.when((n >= -most) & (n <= most), n)
    micros = at.api.unix_micros(start) + fitting * MICROSECONDS[unit]
    moved = at.api.when((micros >= EARLIEST) & (micros <= LATEST), at.api.timestamp_micros(micros))
    return from_local_spark(at, moved, zone) if days else moved


def _truncated_polars(at: At, t: Any, unit: Any) -> Any:
    zone, unit = zone_of(at, named=False), at.values[1]
    local = local_polars(at, t, zone)
    if unit in ("second", "minute", "hour"):
        return t - at.api.duration(microseconds=local.dt.timestamp("us") % MICROSECONDS[unit])
    every = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}[unit]
    return from_local_polars(at, local.dt.truncate(every), zone)


def _truncated_spark(at: At, t: Any, unit: Any) -> Any:
    zone, unit = zone_of(at, named=False), at.values[1]
    local = local_spark(at, t, zone)
    if unit in ("second", "minute", "hour"):
        rest = at.api.pmod(at.api.unix_micros(local), at.api.lit(MICROSECONDS[unit]).cast("bigint"))
        return at.api.timestamp_micros(at.api.unix_micros(t) - rest)
    return from_local_spark(at, at.api.date_trunc(unit, local), zone)


def _between(at: At, end: Any, start: Any, unit: Any) -> Any:
    micros = _micros(at, end) - _micros(at, start)
    return micros / MICROSECONDS[at.values[2]]


def _cycle(name: str, part: str) -> Function:
    def polars(at: At, x: Any, period: Any) -> Any:
        return getattr(x * (2 * math.pi / at.values[1]), part)()

    def spark(at: At, x: Any, period: Any) -> Any:
        return getattr(at.api, part)(x * (2 * math.pi / at.values[1]))

    doc = f"The {'co' * (part == 'cos')}sine of a place in a cycle, so that the end is near the start."
    parameters = (Parameter("x", FLOAT), Parameter("period", FLOAT, constant=True))
    return Function(name, parameters, "float", polars, spark, doc, f"{name}(hour(t), 24)", check=_period)


def _period(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if values[1] > 0 else ("a period above 0", "write cycle_sin(hour(t), 24)")


TRUNCATED = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
ADDED = (*UNITS, *CALENDAR)
FORMAT = Parameter("format", TEXT, constant=True)

FUNCTIONS = [
    Function(
        "parse_time",
        (Parameter("x", TEXT), FORMAT, Parameter("zone", TEXT, constant=True, default="UTC")),
        _zoned(2),
        read_polars,
        read_spark,
        "The time that a text says by a format of Python's strptime, in a zone; missing where it doesn't fit, and in the hour that a "
        "change of clocks leaves out; of an hour that is there twice, the first.",
        "parse_time(when, '%Y-%m-%d %H:%M', 'Europe/Zurich')",
        check=_format_checked,
        weight=12,
    ),
    Function(
        "format_time",
        (T, FORMAT, ZONE),
        "string",
        written_polars,
        written_spark,
        "The time as a text, by a format of Python's strftime.",
        "format_time(t, '%d.%m.%Y')",
        check=_writing_checked,
        weight=12,
    ),
    _part("year", "The year.", lambda t: t.dt.year(), lambda api, t: api.year(t)),
    _part("quarter", "The quarter, 1 to 4.", lambda t: t.dt.quarter(), lambda api, t: api.quarter(t)),
    _part("month", "The month, 1 to 12.", lambda t: t.dt.month(), lambda api, t: api.month(t)),
    _part("week", "The week of the year by ISO 8601, 1 to 53.", lambda t: t.dt.week(), lambda api, t: api.weekofyear(t)),
    _part("day", "The day of the month.", lambda t: t.dt.day(), lambda api, t: api.dayofmonth(t)),
    _part("day_of_year", "The day of the year, from 1.", lambda t: t.dt.ordinal_day(), lambda api, t: api.dayofyear(t)),
    _part("day_of_week", "The day of the week, 1 is Monday.", lambda t: t.dt.weekday(), lambda api, t: api.weekday(t) + 1),
    _part("hour", "The hour, 0 to 23.", lambda t: t.dt.hour(), lambda api, t: api.hour(t)),
    _part("minute", "The minute.", lambda t: t.dt.minute(), lambda api, t: api.minute(t)),
    _part("second", "The second.", lambda t: t.dt.second(), lambda api, t: api.second(t)),
    _part(
        "millisecond",
        "The milliseconds after the second, 0 to 999.",
        lambda t: t.dt.millisecond(),
        lambda api, t: api.floor(api.pmod(api.unix_micros(t), api.lit(1_000_000)) / 1000),
    ),
    Function(
        "is_weekend",
        (T, ZONE),
        "boolean",
        lambda at, t, zone: local_polars(at, t, zone_of(at)).dt.weekday() >= 6,
        lambda at, t, zone: at.api.weekday(local_spark(at, t, zone_of(at))) >= 5,
        "Whether it is a Saturday or Sunday.",
        "is_weekend(t)",
        check=_zone_at(1),
    ),
    Function("epoch_seconds", (T,), "integer", *_epoch(1), "Seconds since 1970 in UTC, rounded down.", "epoch_seconds(t)", weight=2),
    Function(
        "epoch_milliseconds", (T,), "integer", *_epoch(1000), "Milliseconds since 1970, rounded down.", "epoch_milliseconds(t)", weight=2
    ),
    Function(
        "from_epoch_seconds",
        (Parameter("x", INTEGER), ZONE),
        _zoned(1),
        *_from_epoch(1),
        "The time so many seconds after 1970 in UTC; missing outside of the years 1 to 9999.",
        "from_epoch_seconds(x)",
        check=_zone_at(1),
        weight=3,
    ),
    Function(
        "from_epoch_milliseconds",
        (Parameter("x", INTEGER), ZONE),
        _zoned(1),
        *_from_epoch(1000),
        "The time so many milliseconds after 1970 in UTC.",
        "from_epoch_milliseconds(x)",
        check=_zone_at(1),
        weight=3,
    ),
    Function(
        "add_time",
        (T, Parameter("n", INTEGER), Parameter("unit", TEXT, constant=True)),
        same(),
        _later_polars,
        _later_spark,
        "The time n units later; days and longer keep the time of day, and months end with their last day.",
        "add_time(t, 3, 'day')",
        check=_unit_at(2, ADDED),
        weight=6,
    ),
    Function(
        "time_difference",
        (Parameter("end", TIME), Parameter("start", TIME), Parameter("unit", TEXT, constant=True, default="second")),
        "float",
        _between,
        _between,
        "From start to end in a unit; a day is 24 hours.",
        "time_difference(end, start, 'hour')",
        check=_unit_at(2, UNITS),
    ),
    Function(
        "truncate_time",
        (T, Parameter("unit", TEXT, constant=True)),
        same(),
        _truncated_polars,
        _truncated_spark,
        "The start of the second, minute, hour, day, week (on Monday), month, quarter or year, in the zone of the time.",
        "truncate_time(t, 'hour')",
        check=_unit_at(1, TRUNCATED),
        weight=4,
    ),
    Function(
        "to_zone",
        (T, Parameter("zone", TEXT, constant=True)),
        _zoned(1),
        lambda at, t, zone: t.dt.convert_time_zone(at.values[1]),
        lambda at, t, zone: t,
        "The same instant, its parts told in another zone.",
        "to_zone(t, 'Asia/Tokyo')",
        check=_zone_at(1),
    ),
    Function(
        "replace_zone",
        (T, Parameter("zone", TEXT, constant=True)),
        _zoned(1),
        lambda at, t, zone: from_local_polars(at, local_polars(at, t, zone_of(at, named=False)), at.values[1]),
        lambda at, t, zone: from_local_spark(at, local_spark(at, t, zone_of(at, named=False)), at.values[1]),
        "The instant at which clocks of another zone show the same.",
        "replace_zone(t, 'Europe/Zurich')",
        check=_zone_at(1),
        weight=4,
    ),
    _cycle("cycle_sin", "sin"),
    _cycle("cycle_cos", "cos"),
]
