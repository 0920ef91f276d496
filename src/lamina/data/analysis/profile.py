"""All that is counted of a table in one pass, batch by batch, and merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from lamina.data.analysis.columns import PROFILES, ColumnProfile, kind_of
from lamina.data.analysis.rows import RowSample, table_hashes
from lamina.data.statistics.ranks import limit_for
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

CELLS = 1 << 21
"""About how many values are looked at in one batch."""
STATE_VERSION = 1


class Profile:
    """Counts of a table: of each column, and of whole rows.

    Attributes:
        columns: By name, in order.
        sample: Of the rows.
        target: Columns that shall be learned; how many rows of each other column equal them is counted too.
        equal: For each column, how many rows have the same as the target.

    Example:
        >>> import polars as pl
        >>> one, other = Profile(), Profile()
        >>> one.add(pl.DataFrame({"age": [20, 30]}))
        >>> other.add(pl.DataFrame({"age": [None, 70]}))
        >>> one.merge(other)
        >>> figures = one.columns["age"].figures()
        >>> figures["rows"], figures["missing"], figures["mean"]
        (4, 1, 40.0)
    """

    def __init__(self, target: str | None = None) -> None:
        self.columns: dict[str, ColumnProfile] = {}
        self.sample = RowSample(1)
        self.target = target
        self.equal: dict[str, int] = {}

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.sample.rows

    def add(self, frame: pl.DataFrame) -> None:
        """Count the rows of a frame.

        Raises:
            DataError: DA175, if its columns are other ones than before.
        """
        kinds = {series.name: kind_of(series.dtype) for series in frame.iter_columns()}
        if not self.columns:
            limit = limit_for(len(kinds))
            self.columns = {name: profile(name, kind, limit) for name, (kind, profile) in kinds.items()}
            self.sample = RowSample(len(kinds))
        self._same({name: kind for name, (kind, _) in kinds.items()})
        hashes, rows = table_hashes(frame)
        for series in frame.iter_columns():
            self.columns[series.name].add(series, hashes[series.name])
        if self.target in hashes:
            for name, own in hashes.items():
                if name != self.target:
                    self.equal[name] = self.equal.get(name, 0) + int((own == hashes[self.target]).sum())
        self.sample.add(frame, rows)

    def merge(self, other: Profile) -> None:
        """Add all that another profile of the same columns holds.

        Raises:
            DataError: DA175, if its columns are other ones.
        """
        if not other.columns:
            return
        if not self.columns:
            self.load_state_dict(other.state_dict())
            return
        self._same({name: column.kind for name, column in other.columns.items()})
        for name, column in self.columns.items():
            column.merge(other.columns[name])
        for name, count in other.equal.items():
            self.equal[name] = self.equal.get(name, 0) + count
        self.sample.merge(other.sample)

    def _same(self, kinds: Mapping[str, str]) -> None:
        own = {name: column.kind for name, column in self.columns.items()}
        if own == kinds:
            return
        wrong = next(name for name in [*own, *kinds] if own.get(name) != kinds.get(name))
        raise DataError(
            "DA175",
            where=f"column {wrong!r}",
            expected=f"{own.get(wrong, 'no such column')}, as in the rows before",
            got=kinds.get(wrong, "no such column"),
            cause="the parts are of different tables, or a column was read as another kind",
            fix="give all parts the same columns of the same kinds",
        )

    @classmethod
    def of(cls, data: pl.LazyFrame | pl.DataFrame, target: str | None = None) -> Self:
        """Count all rows of a table, which may be larger than memory.

        Args:
            data: The rows.
            target: Column that shall be learned.
        """
        made = cls(target)
        for batch in batches(data):
            made.add(batch)
        return made

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        columns = [column.state_dict() for column in self.columns.values()]
        return {
            "version": STATE_VERSION,
            "target": self.target,
            "equal": self.equal,
            "columns": columns,
            "sample": self.sample.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        self.target, self.equal = state["target"], dict(state["equal"])
        self.columns = {}
        for column in state["columns"]:
            made = PROFILES[column["kind"]](column["name"], column["kind"], int(column["limit"]))
            self.columns[column["name"]] = made.load_state_dict(column)
        self.sample = RowSample(len(self.columns)).load_state_dict(state["sample"])
        return self


def batches(data: pl.LazyFrame | pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of a table, some at a time; at least one batch, which may be empty."""
    import polars as pl

    if isinstance(data, pl.DataFrame):
        step = max(1, CELLS // max(1, data.width))
        yield from data.iter_slices(step) if len(data) else [data]
        return
    width = len(data.collect_schema())
    some = False
    for batch in data.collect_batches(chunk_size=max(256, CELLS // max(1, width)), engine="streaming"):
        some = True
        yield batch
    if not some:
        yield pl.DataFrame(schema=data.collect_schema())
