"""Frames of Polars: lazy, streaming, larger than memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.expressions.polars import exactly, named, to_polars
from lamina.data.pipeline.frames.frame import OddRowError, in_column
from lamina.data.pipeline.frames.kinds import kind_of_polars, pipeline_type
from lamina.data.table.schema import exact_kind
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.expressions.nodes import Expression, Over
    from lamina.data.normalizers import Accumulator, Normalizer
    from lamina.data.pipeline.frames.frame import How
    from lamina.data.table.columns import ColumnType

BATCH_ROWS = 65536
NUMBER = "__lamina_row_number"


def literal(table: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> pl.DataFrame:
    """A frame of values that are given, of these kinds."""
    import polars as pl

    from lamina.data.pipeline.frames.kinds import polars_type

    columns = ((name, list(values), polars_type(kinds[name])) for name, values in table.items())
    # Named last: Polars looks times up by the name, and takes one like ^a$ for a pattern.
    return pl.DataFrame([pl.Series(values, dtype=dtype, strict=False).alias(name) for name, values, dtype in columns])


class PolarsFrame:
    """A `Frame` of a Polars LazyFrame.

    Args:
        frame: The rows; a DataFrame is made lazy.
        names: Its columns, where they are known already; finding out reads the head of a file.
    """

    def __init__(self, frame: pl.LazyFrame | pl.DataFrame, names: Sequence[str] | None = None) -> None:
        self.lazy = frame.lazy()
        self._names = None if names is None else tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        if self._names is None:
            self._names = tuple(self.lazy.collect_schema().names())
        return self._names

    @classmethod
    def of(cls, frame: pl.LazyFrame | pl.DataFrame) -> PolarsFrame:
        """A user's frame, its columns in the types that pipelines know: 64 bits, text, microseconds with a zone."""
        import polars as pl

        lazy = frame.lazy()
        changed = {}
        for name, dtype in lazy.collect_schema().items():
            wanted = pipeline_type(dtype)
            if wanted is not None and wanted != dtype:
                column = named(name)
                naive = isinstance(dtype, pl.Datetime) and dtype.time_zone is None or dtype == pl.Date
                changed[name] = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") if naive else column.cast(wanted)
        return cls(lazy.with_columns(**changed) if changed else lazy)

    def kinds(self) -> dict[str, ColumnType | None]:
        """See `Frame`."""
        return {name: kind_of_polars(dtype) for name, dtype in self.lazy.collect_schema().items()}

    def _known(self) -> dict[str, str]:
        return {name: exact_kind(column) for name, column in self.kinds().items() if column is not None}

    def _made(self, columns: Mapping[str, Expression], over: Over | None = None) -> list[pl.Expr]:
        known = self._known()
        return [to_polars(expression, known, over=over).alias(name) for name, expression in columns.items()]

    def _like(self, lazy: pl.LazyFrame, names: Sequence[str] | None = None) -> PolarsFrame:
        return PolarsFrame(lazy, names)

    def with_columns(self, columns: Mapping[str, Expression], over: Over | None = None) -> PolarsFrame:
        """See `Frame`."""
        return self._like(
            self.lazy.with_columns(self._made(columns, over)), (*self.names, *(name for name in columns if name not in self.names))
        )

    def select(self, names: Sequence[str]) -> PolarsFrame:
        """See `Frame`."""
        return self._like(self.lazy.select(exactly(names)), names)

    def rename(self, names: Mapping[str, str]) -> PolarsFrame:
        """See `Frame`."""
        return self._like(self.lazy.rename(dict(names)), [names.get(name, name) for name in self.names])

    def filter(self, condition: Expression, over: Over | None = None) -> PolarsFrame:
        """See `Frame`."""
        return self._like(self.lazy.filter(to_polars(condition, self._known(), over=over)), self.names)

    def sort(self, by: Sequence[str], *, descending: Sequence[bool] = ()) -> PolarsFrame:
        """See `Frame`."""
        down = list(descending) or [False] * len(by)
        return self._like(self.lazy.sort(exactly(by), descending=down, nulls_last=True, maintain_order=True), self.names)

    def distinct(self, names: Sequence[str]) -> PolarsFrame:
        """See `Frame`."""
        return self._like(self.lazy.unique(exactly(names), keep="first", maintain_order=True), self.names)

    def head(self, count: int) -> PolarsFrame:
        """See `Frame`."""
        return self._like(self.lazy.head(count), self.names)

    def group(self, keys: Sequence[str], aggregates: Mapping[str, Expression], order: Sequence[str] = ()) -> PolarsFrame:
        """See `Frame`."""
        lazy = self.lazy.sort(exactly(order), nulls_last=True, maintain_order=True) if order else self.lazy
        made = self._made(aggregates)
        if not keys:
            return self._like(lazy.select(made), list(aggregates))
        if not order:
            return self._like(lazy.group_by(exactly(keys), maintain_order=True).agg(made), [*keys, *aggregates])
        # Groups stand in the order in which their keys first appear, whatever their rows are sorted by.
        placed = self.lazy.select(exactly(keys)).unique(maintain_order=True, keep="first").with_row_index("__lamina_place")
        grouped = lazy.group_by(exactly(keys), maintain_order=True).agg(made)
        joined = grouped.join(placed, on=exactly(keys), how="left", nulls_equal=True).sort("__lamina_place").drop("__lamina_place")
        return self._like(joined, [*keys, *aggregates])

    def join(self, other: Any, on: Sequence[tuple[str, str]], how: How) -> PolarsFrame:
        """See `Frame`."""
        left, right = [a for a, _ in on], [b for _, b in on]
        theirs = [name for name in other.names if name not in right]
        marked = other.lazy.rename(dict(zip(right, left, strict=True))).with_row_index("__lamina_right")
        joined = self.lazy.with_row_index("__lamina_left").join(marked, on=exactly(left), how=how, coalesce=True)
        ordered = joined.sort("__lamina_left", "__lamina_right", nulls_last=True)
        names = [*self.names, *theirs]
        return self._like(ordered.select(exactly(names)), names)

    def literal(self, table: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> PolarsFrame:
        """See `Frame`."""
        return PolarsFrame(literal(table, kinds), tuple(table))

    def union(self, other: Any) -> PolarsFrame:
        """See `Frame`."""
        import polars as pl

        return self._like(pl.concat([self.lazy, other.lazy.select(exactly(self.names))], how="vertical_relaxed"), self.names)

    def explode(self, names: Sequence[str]) -> PolarsFrame:
        """See `Frame`."""
        from polars import selectors

        full = self.lazy.filter(named(names[0]).list.len() > 0)
        return self._like(full.explode(selectors.by_name(*names)), self.names)

    def apply(self, function: Callable[[pl.DataFrame], pl.DataFrame], made: Mapping[str, str]) -> PolarsFrame:
        """See `Frame`."""
        from lamina.data.pipeline.frames.kinds import polars_type

        names = (*self.names, *(name for name in made if name not in self.names))
        types = {name: polars_type(kind) for name, kind in made.items()}

        def add(rows: pl.DataFrame) -> pl.DataFrame:
            numbers, own = rows[NUMBER], rows.drop(NUMBER)
            try:
                found = function(own)
            except OddRowError as odd:
                place = f"row {int(numbers[odd.row]) + 1}"
                raise odd.error.within(place) from None
            # Names that look like patterns must not be taken for such.
            return own.with_columns([found[name].alias("made").cast(dtype).alias(name) for name, dtype in types.items()])

        schema = {**self.lazy.collect_schema(), **types}
        return self._like(self.lazy.with_row_index(NUMBER).map_batches(add, schema=schema, streamable=True), names)

    def values(self, aggregates: Mapping[str, Expression]) -> dict[str, Any]:
        """See `Frame`."""
        made = self._made(aggregates)
        with _within_bounds():
            row: dict[str, Any] = self.lazy.select(made).collect(engine="streaming").row(0, named=True)
        return row

    def counted(self, normalizers: Mapping[str, Normalizer]) -> dict[str, Accumulator]:
        """See `Frame`."""
        seen = {name: normalizer.start() for name, normalizer in normalizers.items()}
        for rows in self.select(list(seen)).batches():
            for name, own in seen.items():
                values = rows[name].alias("value").drop_nulls()
                with in_column(name):
                    own.add(values.to_numpy())
        return seen

    def batches(self) -> Iterator[pl.DataFrame]:
        """See `Frame`."""
        with _within_bounds():
            yield from self.lazy.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")

    def collect(self) -> pl.DataFrame:
        """See `Frame`."""
        with _within_bounds():
            return self.lazy.collect(engine="streaming")


@contextlib.contextmanager
def _within_bounds() -> Iterator[None]:
    """Where rows are computed: some values of damaged files are beyond what Polars can hold, and it gives up."""
    import polars as pl

    try:
        yield
    except pl.exceptions.PanicException as error:
        raise DataError(
            "DA005",
            where="the rows",
            expected="values that can be computed with",
            got=f"{error}",
            cause="a value out of range, such as a date after the year 262142; the file may be damaged",
            fix="write the file anew, or leave the columns of such dates and times out",
        ) from error
