"""From instants to what clocks of a zone show, and back, on both engines."""

from __future__ import annotations

from typing import Any

from lamina.data.expressions.functions.function import At
from lamina.data.expressions.kindnames import kind_inside

MICROSECONDS = {
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
"""Units of fixed length."""
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, in microseconds since 1970: what both engines, and Python, have."""


def zone_of(at: At, *, named: bool = True) -> str:
    """The zone that the last argument names, or that of the time."""
    return (str(at.values[-1]) if named and at.values[-1] is not None else kind_inside(at.kinds[0])) or "UTC"


def local_polars(at: At, t: Any, zone: str) -> Any:
    """What clocks show, without a zone."""
    return t.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def local_spark(at: At, t: Any, zone: str) -> Any:
    """What clocks show, as if it were UTC."""
    return t if zone == "UTC" else at.api.from_utc_timestamp(t, zone)


def from_local_polars(at: At, local: Any, zone: str) -> Any:
    """The first instant at which clocks show this; missing if they never do, and outside of the years 1 to 9999."""
    instant = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if zone == "UTC":
        return instant
    micros = instant.dt.timestamp("us")
    return at.api.when((micros >= EARLIEST) & (micros <= LATEST)).then(instant)


def from_local_spark(at: At, local: Any, zone: str) -> Any:
    """The first instant at which clocks show this; missing if they never do, and outside of the years 1 to 9999."""
    if zone == "UTC":
        return local
    instant = at.api.to_utc_timestamp(local, zone)
    micros = at.api.unix_micros(instant)
    shown = at.api.from_utc_timestamp(instant, zone) == local
    return at.api.when(shown & (micros >= EARLIEST) & (micros <= LATEST), instant)


def within_polars(at: At, local: Any) -> Any:
    """Missing outside of the years 1 to 9999."""
    return at.api.when(local.dt.year().is_between(1, 9999)).then(local)


def within_spark(at: At, local: Any) -> Any:
    """Missing outside of the years 1 to 9999."""
    return at.api.when(at.api.year(local).between(1, 9999), local)
