"""A sample of the rows that depends on their contents alone, and how many rows differ."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamina.data.statistics.distinct import Distinct
from lamina.data.statistics.hashing import Hashes, mixed, name_salt, series_hashes

if TYPE_CHECKING:
    import polars as pl

HASH, COUNT = "\0hash", "\0count"
"""Columns of the sample that no table has: of each different row its hash, and how often it was there."""
MOST_ROWS, MOST_CELLS = 20_000, 4_000_000
"""Different rows that a sample holds, and cells, where rows are wide."""
_LONGEST = 100
"""Characters of a text that a sample keeps."""


def table_hashes(frame: pl.DataFrame) -> tuple[dict[str, Hashes], Hashes]:
    """Hashes of all values by column, and of all rows; the order of the columns doesn't matter."""
    columns = {series.name: series_hashes(series) for series in frame.iter_columns()}
    rows = np.zeros(len(frame), np.uint64)
    for name, hashes in columns.items():
        rows += mixed(hashes, name_salt(name))
    return columns, mixed(rows)


class RowSample:
    """The rows whose hashes are smallest, with how often each was there.

    A sample of merged parts is that of the whole, and a table with few different rows is its own sample.

    Attributes:
        limit: Different rows that are kept.
        rows: Rows in all.
        distinct: How many of them differ.
    """

    def __init__(self, columns: int) -> None:
        self.limit = int(min(MOST_ROWS, max(500, MOST_CELLS // max(1, columns))))
        self.rows = 0
        self.distinct = Distinct()
        self._frame: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame, hashes: Hashes) -> None:
        """Add rows and their hashes."""
        import polars as pl

        self.rows += len(frame)
        self.distinct.add(hashes)
        if not len(frame):
            return
        if self._frame is not None and len(self._frame) >= self.limit:
            chosen = np.flatnonzero(hashes <= np.uint64(self._frame[HASH][-1]))
            frame, hashes = frame[chosen], hashes[chosen]
        known, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        kept = first[: self.limit]
        part = frame[kept].with_columns(pl.col(pl.String).str.slice(0, _LONGEST))
        extra = pl.DataFrame({HASH: known[: self.limit], COUNT: counts[: self.limit].astype(np.int64)})
        self._take(pl.concat([part, extra], how="horizontal"))

    def _take(self, part: pl.DataFrame) -> None:
        import polars as pl

        both = part if self._frame is None else pl.concat([self._frame, part])
        grouped = both.group_by(HASH).agg(pl.all().exclude(COUNT).first(), pl.col(COUNT).sum())
        self._frame = grouped.sort(HASH).head(self.limit).select(part.columns)

    def merge(self, other: RowSample) -> None:
        """Add all that another one of the same columns holds."""
        self.rows += other.rows
        self.distinct.merge(other.distinct)
        if other._frame is None:
            return
        mine = self._frame
        # What lies above the last row of a full one was partly thrown away.
        limits = [frame[HASH][-1] for frame in (mine, other._frame) if frame is not None and len(frame) >= self.limit]
        self._take(other._frame)
        if limits and self._frame is not None:
            self._frame = self._frame.filter(self._frame[HASH] <= min(limits))

    @property
    def frame(self) -> pl.DataFrame:
        """The different rows, without hashes."""
        import polars as pl

        return pl.DataFrame() if self._frame is None else self._frame.drop(HASH, COUNT)

    @property
    def weights(self) -> np.ndarray:
        """How often each row of `frame` was there."""
        return np.zeros(0) if self._frame is None else self._frame[COUNT].to_numpy().astype(np.float64)

    @property
    def halves(self) -> np.ndarray:
        """True for about every second row, by its hash."""
        return np.zeros(0, bool) if self._frame is None else (self._frame[HASH].to_numpy() & np.uint64(1)).astype(bool)

    @property
    def whole(self) -> bool:
        """Whether it holds every different row."""
        return self._frame is None or int(self._frame[COUNT].sum()) == self.rows

    @property
    def repeated(self) -> int:
        """Rows that were there before, exactly or estimated."""
        return max(0, self.rows - self.distinct.count)

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        buffer = io.BytesIO()
        if self._frame is not None:
            self._frame.write_ipc(buffer)
        frame = base64.b64encode(buffer.getvalue()).decode()
        return {"limit": self.limit, "rows": self.rows, "distinct": self.distinct.state_dict(), "frame": frame}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        import polars as pl

        self.limit, self.rows = int(state["limit"]), int(state["rows"])
        self.distinct.load_state_dict(state["distinct"])
        raw = base64.b64decode(state["frame"])
        self._frame = pl.read_ipc(io.BytesIO(raw)) if raw else None
        return self
