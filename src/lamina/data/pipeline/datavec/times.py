"""Actions about times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import Column, constant
from lamina.data.pipeline.datavec.joda import reading, writing
from lamina.data.pipeline.datavec.zones import zone_of

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

MILLISECONDS = {
    "MILLISECONDS": 1,
    "SECONDS": 1_000,
    "MINUTES": 60_000,
    "HOURS": 3_600_000,
    "DAYS": 86_400_000,
}
UNITS = ("NANOSECONDS", "MICROSECONDS", *MILLISECONDS)
COMMON = (
    "YYYY-MM-dd'T'HH:mm:ss",
    "YYYY-MM-dd",
    "YYYY-MM-dd'T'HH:mm:ss'Z'",
    "YYYY-MM-dd'T'HH:mm:ssZ",
    "YYYY-MM-dd HH:mm:ss",
    "MM/dd/YYYY HH:mm:ss",
    "MM/dd/YYYY'T'HH:mm:ssZ",
    "MM/dd/YYYY'T'HH:mm:ss",
    "YYYY:MM:dd HH:mm:ss",
    "YYYYMMdd",
    "MM/dd/YYYY HH:mm",
)
"""What is tried, in order, where no pattern is set; fractions of seconds are left out before."""
FIELDS = {
    "year": "year({t}, {z})",
    "yearOfEra": "year({t}, {z})",
    "monthOfYear": "month({t}, {z})",
    "dayOfMonth": "day({t}, {z})",
    "dayOfWeek": "day_of_week({t}, {z})",
    "dayOfYear": "day_of_year({t}, {z})",
    "weekOfWeekyear": "week({t}, {z})",
    "weekyear": "year(add_time(to_zone({t}, {z}), 4 - day_of_week({t}, {z}), 'day'), {z})",
    "hourOfDay": "hour({t}, {z})",
    "clockhourOfDay": "(hour({t}, {z}) + 23) % 24 + 1",
    "hourOfHalfday": "hour({t}, {z}) % 12",
    "clockhourOfHalfday": "(hour({t}, {z}) + 11) % 12 + 1",
    "halfdayOfDay": "hour({t}, {z}) // 12",
    "minuteOfHour": "minute({t}, {z})",
    "minuteOfDay": "hour({t}, {z}) * 60 + minute({t}, {z})",
    "secondOfMinute": "second({t}, {z})",
    "secondOfDay": "(hour({t}, {z}) * 60 + minute({t}, {z})) * 60 + second({t}, {z})",
    "millisOfSecond": "millisecond({t}, {z})",
    "millisOfDay": "((hour({t}, {z}) * 60 + minute({t}, {z})) * 60 + second({t}, {z})) * 1000 + millisecond({t}, {z})",
    "centuryOfEra": "year({t}, {z}) // 100",
    "yearOfCentury": "year({t}, {z}) % 100",
    "era": "where(is_missing({t}), integer(null), 1)",
}


def duration(node: Node, amount: str, unit: str, default: str | None = None) -> int:
    """An amount of time in milliseconds, cut off as Java's ``TimeUnit`` does.

    Raises:
        DataError: DA242.
    """
    number, name = node.integer(amount), node.choice(unit, UNITS, default)
    if name in MILLISECONDS:
        found = number * MILLISECONDS[name]
    else:
        smaller = 1_000_000 if name == "NANOSECONDS" else 1_000
        found = abs(number) // smaller * (1 if number >= 0 else -1)
    if abs(found) >= 2**62:
        raise node.wrong(amount, "fewer than 2**62 milliseconds")
    return found


def unit_for(milliseconds: int) -> tuple[int, str]:
    """The largest unit that a time is a multiple of.

    Example:
        >>> unit_for(5_400_000)
        (90, 'minute')
    """
    for name, size in (("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)):
        if milliseconds % size == 0:
            return milliseconds // size, name
    return milliseconds, "millisecond"


def _string_to_time(draft: Draft, node: Node) -> None:
    column, zone = draft.named(node), zone_of(node, "timeZone")
    text = f"strip({column.text})"
    if "timeFormat" in node:
        pattern = node.text("timeFormat")
        if "'T'" in pattern:
            text = f"replace({text}, {constant(chr(39) + 'T' + chr(39))}, 'T')"
        made = reading(text, pattern, zone, node, "timeFormat")
    else:
        plain = f"replace_regex({text}, {constant('[.][0-9]+')}, '')"
        made = f"coalesce({', '.join(reading(plain, pattern, zone, node, 'timeFormat') for pattern in COMMON)})"
    draft.derive({column.own: made})
    limits = {key: node.integer(name) for key, name in (("minimum", "minValidTime"), ("maximum", "maxValidTime")) if name in node}
    draft.retype(column, "Time", zone=zone, **limits)


def _derive_columns(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("Time",))
    behind = draft.named(node, "insertAfter")
    made: dict[str, str] = {}
    for one in node.items("derivedColumns"):
        kind, name = one.choice("columnType", ("String", "Integer")), one.text("columnName")
        if kind == "String":
            text = writing(column.x, one.text("format"), zone_of(one, "dateTimeZone"), one, "format")
        else:
            # The zone is that of the column, whatever the action says.
            text = FIELDS[_field(one)].format(t=column.x, z=constant(column.zone))
        behind = draft.put(Column(name, draft.free(name), kind), after=behind)
        made[behind.own] = text
    if made:
        draft.derive(made)


def _field(node: Node) -> str:
    given = node.at("fieldType")
    holder, key = (given, "fieldType") if isinstance(given.data, dict) else (node, "fieldType")
    return holder.choice(key, FIELDS)


def _time_operation(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("Time",))
    op = node.choice("mathOp", ("Add", "Subtract", "ScalarMin", "ScalarMax"))
    amount = duration(node, "timeQuantity", "timeUnit")
    zone = "" if column.zone == "UTC" else f", {constant(column.zone)}"
    if op in ("Add", "Subtract"):
        # Hours and less: a day is 24 of them, whatever clocks do.
        number, unit = unit_for(amount if op == "Add" else -amount)
        made = f"add_time({column.x}, {number}, {unit!r})"
    else:
        if node.text("timeUnit") != "MILLISECONDS":
            raise node.wrong("timeUnit", f"MILLISECONDS for {op}, the only one that DataVec takes")
        bound = f"{'min_of' if op == 'ScalarMin' else 'max_of'}(epoch_milliseconds({column.x}), {amount})"
        made = f"from_epoch_milliseconds(where(is_missing({column.x}), integer(null), {bound}){zone})"
    draft.derive({column.own: made})
    draft.retype(column, "Time", zone=column.zone)


ACTIONS = {
    "StringToTimeTransform": _string_to_time,
    "DeriveColumnsFromTimeTransform": _derive_columns,
    "TimeMathOpTransform": _time_operation,
}
