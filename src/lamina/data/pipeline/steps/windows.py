"""Steps that look at the rows around a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.step import Step, check_expression, check_kind
from lamina.data.pipeline.steps.deriving import made_column
from lamina.data.pipeline.steps.grouping import Structural, aggregated
from lamina.data.pipeline.steps.sequences import Unit, steps_of
from lamina.data.table.schema import Schema, Steps, column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Names

if TYPE_CHECKING:
    from lamina.data.expressions.nodes import Over
    from lamina.data.pipeline.frames.frame import Frame

MICROSECONDS = {
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
STARTS, NEXT = "__lamina_starts", "__lamina_next"
LONGEST = 10_000 * 366 * MICROSECONDS["day"]
MOST_SHARED = 10_000
MOST_EMPTY = 10_000_000


def check_span(counts: Sequence[int], unit: str) -> None:
    """See that times stay within those that a column can hold.

    Raises:
        DescriptionError: For more than ten thousand years.
    """
    if any(abs(count) * MICROSECONDS[unit] > LONGEST for count in counts):
        raise wrong_value(
            expected="at most ten thousand years",
            cause=f"{max(map(abs, counts)):,} of the unit {unit} are more, and no column holds such times",
            fix="write a smaller number, or a smaller unit",
        )


@register("window")
class Window(Step):
    """Compute columns from the rows around each row: values before and after, differences, ranks, running and rolling figures.

    Attributes:
        columns: An expression for each, such as ``lag(price, 1)``, ``difference(price)``, ``rank(price)``, ``rolling_mean(price, 7)`` or
            ``price - mean(price)``, where an aggregate is that of all rows that belong together.
        keys: Columns that say which rows belong together; by default the steps of a sequence do, else all rows.
        order: Columns that say what comes before and after; by default the order of the steps, else that of the rows.
        descending: Whether rows are looked at from the largest value of ``order`` to the smallest.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> step = Window({"change": "difference(price)"}, keys="shop")
        >>> pipeline = Pipeline({"columns": {"shop": "string", "price": "float"}}, [step])
        >>> pipeline.run({"shop": ["a", "b", "a"], "price": [1.0, 5.0, 4.0]})["change"].to_list()
        [None, None, 3.0]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: dict[str, ExpressionText]
    keys: Names | None = None
    order: Names | None = None
    descending: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(columns={"x": "lag(a, 1)"}),
            cls(columns={"x": "a - mean(a)", "r": "rank(b)"}, keys="s", order="b"),
            cls(columns={"place": "row_number() - 1"}, keys=[], order="a", descending=True),
        ]

    def output(self, schema: Schema) -> Schema:
        within = self._over(schema)
        schema.require((*within.keys, *within.order), "keys and order")
        made = {name: check_expression(expression, schema, f"column {name!r}", level="window") for name, expression in self.columns.items()}
        return schema.with_columns({name: made_column(kind) for name, kind in made.items()})

    def _over(self, schema: Schema) -> Over:
        from lamina.data.expressions.nodes import Over

        steps = schema.steps or Steps(keys=())
        keys = tuple(steps.keys) if self.keys is None else tuple(self.keys)
        return Over(keys=keys, order=tuple(steps.order) if self.order is None else tuple(self.order), descending=self.descending)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {name: expression for name, expression in self.columns.items() if name in needed}
        return self.replace(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        within = self._over(schema)
        read = frozenset(name for expression in self.columns.values() for name in expression.columns)
        return read | (needed - self.columns.keys()) | frozenset((*within.keys, *within.order))

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.with_columns(self.columns, self._over(schema))


@register("time_windows")
class TimeWindows(Structural):
    """One row for each window of time, of each sequence where rows are steps; windows may overlap. The result are steps by windows.

    Attributes:
        time: Column of times.
        size: How long a window is, counted in ``unit``.
        aggregates: An expression for each new column.
        every: From the start of one window to that of the next; by default ``size``, so that they don't overlap.
        unit: Of size, every and offset.
        offset: By how much windows start later than a multiple of ``every`` since 1970 (UTC).
        column: The new column with the start of the window.
        empty: Whether there is a row, too, for a window without any between two others of a sequence; its aggregates are missing.

    Raises:
        DataError: DA201, for more than 10 million empty windows behind each other.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> step = TimeWindows("t", 1, {"n": "count()"}, unit="hour")
        >>> pipeline = Pipeline({"columns": {"t": "time"}}, [step])
        >>> pipeline.run({"t": ["2024-01-01T00:10:00", "2024-01-01T00:50:00", "2024-01-01T02:00:00"]})["n"].to_list()
        [2, 1]
    """

    positional: ClassVar[tuple[str, ...]] = ("time", "size", "aggregates")
    time: str
    size: Count
    aggregates: dict[str, ExpressionText]
    every: Count | None = None
    unit: Unit = "second"
    offset: int = 0
    column: str = "window"
    empty: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(time="t", size=1, aggregates={"x": "sum(a)"}, unit="hour"),
            cls(time="t", size=60, every=15, aggregates={"n": "count()"}, unit="minute"),
            cls(time="t", size=20, aggregates={"last": "last(s)", "t2": "max(t)"}, unit="minute", empty=True),
        ]

    @model_validator(mode="after")
    def _some(self) -> Self:
        check_span((self.size, self.every or 0, self.offset), self.unit)
        if self.size > MOST_SHARED * (self.every or self.size):
            raise wrong_value(
                expected=f"windows of which at most {MOST_SHARED:,} hold the same moment",
                cause=f"each row would be in {self.size // (self.every or self.size):,} windows",
                fix="make every larger",
            )
        if not self.aggregates or self.column in self.aggregates:
            raise wrong_value(
                expected=f"at least one aggregate, none called {self.column}",
                cause="a window becomes one row",
                fix="write aggregates: {n: count()}, say",
            )
        return self

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, (self.time,), ("time",), "name a column of times; parse text before: derive with parse_time(COLUMN, FORMAT)")
        keys = () if schema.steps is None else tuple(steps_of(schema).keys)
        made = aggregated(self.aggregates, schema)
        kept = {name: schema.columns[name] for name in keys}
        self.check_new(schema.only(keys) if keys else schema.only((self.time,)), [self.column], replacing=(self.time,))
        columns = {**kept, self.column: column_of("time"), **made}
        return Schema(columns=columns, steps=Steps(keys=keys, order=(self.column,))) if keys else Schema(columns=columns)

    def reads(self, schema: Schema) -> frozenset[str]:
        keys = () if schema.steps is None else tuple(schema.steps.keys)
        return frozenset((self.time, *keys)).union(*(expression.columns for expression in self.aggregates.values()))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        keys = () if schema.steps is None else tuple(schema.steps.keys)
        spread = frame.apply(self._starts, {STARTS: "array"}).explode([STARTS])
        timed = spread.apply(self._moments, {self.column: "time"})
        grouped = timed.group([*keys, self.column], self.aggregates, [self.time])
        whole = self._with_empty(grouped, keys) if self.empty else grouped
        return whole.sort([*keys, self.column])

    def _with_empty(self, grouped: Frame, keys: tuple[str, ...]) -> Frame:
        """The windows, and those between them in which no row lies."""
        from lamina.data.expressions.nodes import Column, Over
        from lamina.data.expressions.parse import parse

        after = {NEXT: parse(f"lead({Column(self.column).text}, 1)")}
        spread = grouped.with_columns(after, Over(keys=keys, order=(self.column,))).apply(self._between, {STARTS: "array"})
        timed = spread.explode([STARTS]).apply(self._moments, {self.column: "time"})
        missing = {name: parse(f"where(false, {Column(name).text}, null)") for name in self.aggregates}
        return grouped.union(timed.with_columns(missing).select(grouped.names))

    def _between(self, rows: Any) -> Any:
        """Starts of the windows between that of a row and the next."""
        import numpy as np
        import polars as pl

        every = (self.every or self.size) * MICROSECONDS[self.unit]
        first, after = (rows[name].cast(pl.Datetime("us", "UTC")).to_physical() for name in (self.column, NEXT))
        counts = ((after - first) // every - 1).fill_null(0).clip(lower_bound=0)
        if counts.sum() > MOST_EMPTY:
            raise DataError(
                "DA201",
                where=f"column {self.time!r}",
                expected=f"at most {MOST_EMPTY} windows without rows",
                got=f"{counts.sum()}",
                cause="two times lie far apart, measured by the windows",
                fix="make windows longer, split sequences where much time lies between two steps, or leave empty windows out",
            )
        lists = [
            (start + every * np.arange(1, count + 1)).astype(float).tolist()
            for start, count in zip(first.fill_null(0).to_list(), counts.to_list(), strict=True)
        ]
        return pl.DataFrame({STARTS: pl.Series(STARTS, lists, dtype=pl.List(pl.Float64))})

    def _starts(self, rows: Any) -> Any:
        """Starts of the windows that each row lies in, in microseconds since 1970; no double of a microsecond is inexact before 2255."""
        import numpy as np
        import polars as pl

        scale = MICROSECONDS[self.unit]
        size, every, offset = self.size * scale, (self.every or self.size) * scale, self.offset * scale
        moments = rows[self.time].alias("time").cast(pl.Datetime("us", "UTC")).to_physical()
        known = moments.fill_null(0).to_numpy()
        last = np.floor_divide(known - offset, every) * every + offset
        most = -(-size // every)
        starts = last[:, None] - every * np.arange(most - 1, -1, -1)[None, :]
        inside = (starts <= known[:, None]) & (known[:, None] < starts + size) & ~moments.is_null().to_numpy()[:, None]
        lists = [row[own].astype(float).tolist() for row, own in zip(starts, inside, strict=True)]
        return pl.DataFrame({STARTS: pl.Series(STARTS, lists, dtype=pl.List(pl.Float64))})

    def _moments(self, rows: Any) -> Any:
        import polars as pl

        return pl.DataFrame({self.column: rows[STARTS].cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")})
