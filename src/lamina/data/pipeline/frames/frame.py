"""What a pipeline needs of whatever holds the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from lamina.errors import LaminaError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.expressions.nodes import Expression, Over
    from lamina.data.normalizers import Accumulator, Normalizer
    from lamina.data.table.columns import ColumnType
    from lamina.errors import DataError

How = Literal["inner", "left", "right", "full"]


class OddRowError(Exception):
    """A row that a function of `Frame.apply` can't take.

    Args:
        row: Which of the rows that the function was given, from 0.
        error: What is said of it; the frame adds which row of the table it is.
    """

    def __init__(self, row: int, error: DataError) -> None:
        super().__init__(str(error))
        self.row, self.error = row, error


@contextmanager
def in_column(name: str) -> Iterator[None]:
    """Errors say in which column they were found."""
    place = f"column {name!r}"
    try:
        yield
    except LaminaError as error:
        raise error.within(place) from None


@runtime_checkable
class Frame(Protocol):
    """Rows in an order, and a few operations on them; nothing is computed before `collect`, `values` or `batches`.

    Steps are written against this alone, so that what runs on Polars runs on Spark. Names that begin with two underscores are the
    frame's own.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        ...

    def kinds(self) -> dict[str, ColumnType | None]:
        """What each column holds, by its type; None for a type that no kind of column has."""
        ...

    def with_columns(self, columns: Mapping[str, Expression], over: Over | None = None) -> Frame:
        """Columns added or changed, all from the row as it was before.

        Args:
            columns: What each is.
            over: For windows and aggregates: within which rows, in which order; None: all rows as one, in their order.
        """
        ...

    def select(self, names: Sequence[str]) -> Frame:
        """These columns alone, in this order."""
        ...

    def rename(self, names: Mapping[str, str]) -> Frame:
        """Other names for some columns."""
        ...

    def filter(self, condition: Expression, over: Over | None = None) -> Frame:
        """The rows for which this is true; not those for which it is false or missing."""
        ...

    def sort(self, by: Sequence[str], *, descending: Sequence[bool] = ()) -> Frame:
        """Rows sorted, stable, missing values last whichever the direction."""
        ...

    def distinct(self, names: Sequence[str]) -> Frame:
        """Of the rows that agree in these columns the first alone."""
        ...

    def head(self, count: int) -> Frame:
        """The first rows."""
        ...

    def group(self, keys: Sequence[str], aggregates: Mapping[str, Expression], order: Sequence[str] = ()) -> Frame:
        """One row for each combination of keys, in the order in which they first appear; without keys one row in all.

        Args:
            keys: Columns that say which rows belong together; a missing key is a key of its own.
            aggregates: The other columns.
            order: What ``first``, ``last`` and lists go by; none: the order of the rows.
        """
        ...

    def join(self, other: Frame, on: Sequence[tuple[str, str]], how: How) -> Frame:
        """Rows of this and another frame side by side where keys agree, in the order of this one, then of the other.

        Missing keys agree with nothing. The key columns keep the names they have here; other names must differ.
        """
        ...

    def literal(self, table: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> Frame:
        """Another frame on the same engine, of values that are given.

        Args:
            table: Columns by name.
            kinds: Kind of each.
        """
        ...

    def union(self, other: Frame) -> Frame:
        """The rows of this, then those of another with the same columns."""
        ...

    def explode(self, names: Sequence[str]) -> Frame:
        """A row for each place of the lists in these columns, which are equally long in a row; none for an empty or missing list."""
        ...

    def apply(self, function: Callable[[pl.DataFrame], pl.DataFrame], made: Mapping[str, str]) -> Frame:
        """Columns made by Python from some rows at a time, each row by itself.

        Args:
            function: Gets a Polars frame with all columns, gives one of as many rows with those in ``made``.
            made: Kind of each column that is made, by name.
        """
        ...

    def values(self, aggregates: Mapping[str, Expression]) -> dict[str, Any]:
        """Aggregates over all rows, computed now in one pass."""
        ...

    def counted(self, normalizers: Mapping[str, Normalizer]) -> dict[str, Accumulator]:
        """What normalizers want to know of columns, counted now in one pass; missing values don't count.

        Args:
            normalizers: For each column its own.
        """
        ...

    def batches(self) -> Iterator[pl.DataFrame]:
        """All rows, some at a time, in order; never all in memory."""
        ...

    def collect(self) -> pl.DataFrame:
        """All rows, computed now, in memory."""
        ...
