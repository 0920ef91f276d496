"""How aggregates and windows say on Spark which rows they look at."""

from __future__ import annotations

from typing import Any

from lamina.data.expressions.functions.function import At

Ends = tuple[int | None, int | None]
"""Where a frame of rows begins and ends, counted from the row; None is the end of the group."""
ALL: Ends = (None, None)
SO_FAR: Ends = (None, 0)


def over(at: At, column: Any) -> Any:
    """An aggregate over the rows that `At.over` names, whatever their order; or over the group that Spark is in."""
    return column if at.over is None else column.over(_window(at))


def ordered(at: At, column: Any, ends: Ends | None = None) -> Any:
    """A window function, or an aggregate, over the rows that `At.over` names, in their order."""
    window = in_order(at, _window(at))
    if ends is not None:
        from pyspark.sql import Window

        first = Window.unboundedPreceding if ends[0] is None else ends[0]
        last = Window.unboundedFollowing if ends[1] is None else ends[1]
        window = window.rowsBetween(first, last)
    return column.over(window)


def in_order(at: At, window: Any) -> Any:
    """The window in the order that `At.over` names; rows that are equal there stay in the order of the table."""
    order = () if at.over is None else at.over.order
    columns = [at.api.col(quoted(name)) for name in order]
    descending = at.over is not None and at.over.descending
    return window.orderBy(*[column.desc_nulls_last() if descending else column.asc_nulls_last() for column in columns], row(at).asc())


def row(at: At) -> Any:
    """The column that numbers the rows."""
    return at.api.col(quoted(at.row))


def quoted(name: str) -> str:
    """A column's name as Spark takes any."""
    return "`" + name.replace("`", "``") + "`"


def _window(at: At) -> Any:
    from pyspark.sql import Window

    keys = () if at.over is None else at.over.keys
    return Window.partitionBy(*[at.api.col(quoted(key)) for key in keys])
