"""The action that reduces sequences by windows of time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import Column
from lamina.data.pipeline.datavec.draft import WINDOW, note
from lamina.data.pipeline.datavec.reductions import Reduced, named, reduced
from lamina.data.pipeline.datavec.times import duration, unit_for

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

FUNCTIONS = ("OverlappingTimeWindowFunction", "TimeWindowFunction")
START, END = "windowStartTime", "windowEndTime"
SAME = ("Min", "Max", "TakeFirst", "TakeLast")


def _reduce_by_window(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    function = node.at("windowFunction")
    settings = function.settings
    time = draft.named(settings, "timeColumn", ("Time",))
    size, every, shift, later = _grid(draft, function, time)
    bounds = [name for name, key in ((START, "addWindowStartTimeColumn"), (END, "addWindowEndTimeColumn")) if settings.flag(key)]
    added = [Column(name, draft.free(name), "Time") for name in bounds]
    columns = list(draft.columns)
    draft.columns = [*columns, *added]
    found = reduced(draft, node.at("reducer"), draft.columns, constants=[one.own for one in added])
    found = [one if one.aggregate else replace(one, aggregate=f"first({one.column.x})") for one in found]
    start = draft.free(WINDOW, hidden=True)
    found = named(found, [*draft.keys, start])
    inside = {one.own for one in added}
    # Bounds are known of each window: what is reduced of them needs no rows.
    made = {one.column.own: one.aggregate for one in found if not _of_bounds(one, inside)}
    _windows(draft, time, made, start, (size, every, shift), empty=not settings.flag("excludeEmptyWindows"))
    moment = Column(start, start, "Time").x
    values = {added[place].own: _later(moment, later + (size if name == END else 0)) for place, name in enumerate(bounds)}
    _fill(draft, found, inside, values, node, empty=not settings.flag("excludeEmptyWindows"))
    draft.order = [start]
    draft.columns = [one.column for one in found]


def _grid(draft: Draft, function: Node, time: Column) -> tuple[int, int, int, int]:
    """Size and distance of windows, how much later than multiples of it they start, and how much later DataVec says they do."""
    settings = function.settings
    size = duration(settings, "windowSize", "windowSizeUnit")
    if size < 1:
        raise settings.wrong(key="windowSize", expected="at least a millisecond")
    if function.kind == "OverlappingTimeWindowFunction":
        every = duration(settings, "windowSeparation", "windowSeparationUnit")
        if every < 1 or size % every or size // every > 10_000:
            raise settings.wrong(key="windowSeparation", expected="a time of which the size of windows is a multiple")
        if any(settings.at(key).data for key in ("offset", "offsetAmount")):
            note(
                settings,
                "DataVec moves no windows by the offset of overlapping ones, and forgets it when it reads the file; nor is it done here",
            )
        return size, every, 0, 0
    shift = duration(settings, "offsetAmount", "offsetUnit", "MILLISECONDS") if settings.at("offsetAmount").data else 0
    if time.zone != "UTC":
        raise settings.error(
            "DA243",
            where=f"column {time.name!r}",
            expected="times in UTC",
            got=time.zone,
            cause="DataVec would count windows by clocks that change twice a year",
            fix="give the column the zone UTC, or use OverlappingTimeWindowFunction",
        )
    return size, size, -shift % size, shift


def _windows(draft: Draft, time: Column, made: dict[str, str], start: str, grid: tuple[int, int, int], *, empty: bool) -> None:
    from math import gcd

    common = gcd(*grid) if grid[2] else gcd(grid[0], grid[1])
    number, unit = unit_for(common)
    size, every, shift = (part // common * number for part in grid)
    draft.add(
        "time_windows",
        time=time.own,
        size=size,
        every=every,
        offset=shift,
        unit=unit,
        column=start,
        empty=empty,
        aggregates=made or {draft.free("rows", hidden=True): "count()"},
    )


def _of_bounds(one: Reduced, inside: set[str]) -> bool:
    from lamina.data.expressions.parse import parse

    return bool(parse(one.aggregate).columns & inside)


def _later(moment: str, milliseconds: int) -> str:
    number, unit = unit_for(milliseconds)
    return f"add_time({moment}, {number}, {unit!r})" if milliseconds else moment


def _fill(draft: Draft, found: list[Reduced], inside: set[str], values: dict[str, str], node: Node, *, empty: bool) -> None:
    """Columns of the bounds, and what is made of no rows."""
    made: dict[str, str] = {}
    for one in found:
        if _of_bounds(one, inside):
            op = one.column.name.partition("(")[0]
            source = next(name for name in values if Column(name, name, "Time").x in one.aggregate)
            if op not in (same.lower() for same in SAME):
                raise node.error(
                    "DA243",
                    where=f"column {one.column.name!r}",
                    expected=f"one of {', '.join(SAME)} for the bounds of windows",
                    got=op,
                    cause="they are the same for all rows of a window",
                    fix="name an operation for them in opMap",
                )
            made[one.column.own] = values[source]
        elif empty and one.of_nothing:
            made[one.column.own] = f"coalesce({one.column.x}, {one.of_nothing})"
    if made:
        draft.derive(made)


ACTIONS = {"ReduceSequenceByWindowTransform": _reduce_by_window}
