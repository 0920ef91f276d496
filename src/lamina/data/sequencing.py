"""Rows of a table as steps of sequences: which row stands at which step of which sample, with masks where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.columns import Columns, Table
    from lamina.data.roles import Window

GONE = -1


@dataclass(frozen=True)
class Places:
    """Rows of each sample.

    Attributes:
        steps: Row at each step of each sample's input, ``[samples, steps]``; `GONE` where the sample has no such step.
        ahead: Row of each step that is to be foretold, ``[samples, horizon]``; None where the target is not ahead.
    """

    steps: np.ndarray
    ahead: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray | None:
        """Which steps are real; None if all are."""
        real = self.steps != GONE
        return None if real.all() else real

    @property
    def last(self) -> np.ndarray:
        """The last row of each sample's input."""
        counts = (self.steps != GONE).sum(axis=1)
        found: np.ndarray = self.steps[np.arange(len(self.steps)), counts - 1]
        return found

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Values of rows as those of steps, zeros where there is none."""
        found: np.ndarray = rows[np.maximum(self.steps, 0)]
        if (self.steps == GONE).any():
            found[self.steps == GONE] = 0
        return found


def places_of(table: Table, columns: Columns, where: str, *, labelled: bool) -> Places | None:
    """Which rows make which samples; None where each row is one.

    Args:
        table: Rows in order, those of a sequence one after the other.
        columns: What is known of the table.
        where: For messages.
        labelled: Whether windows must leave room for what is to be foretold.

    Raises:
        DataError: DA006, if no window fits into the rows.
    """
    if columns.sequence is None and columns.window is None:
        return None
    count = len(next(iter(table.values())))
    starts, lengths = _runs(table, columns.sequence or (), count)
    if columns.window is not None:
        return _windows(columns.window, starts, lengths, where, labelled=labelled)
    longest = int(lengths.max(initial=1))
    offsets = np.arange(longest)
    return Places(np.where(offsets[None, :] < lengths[:, None], starts[:, None] + offsets[None, :], GONE))


def _runs(table: Table, keys: tuple[str, ...], count: int) -> tuple[np.ndarray, np.ndarray]:
    """First row and length of each sequence."""
    from lamina.data.words import Words

    changes = np.zeros(max(count - 1, 0), dtype=bool)
    for key in keys:
        column = table[key]
        values = column.codes if isinstance(column, Words) else np.nan_to_num(column, nan=np.inf)
        changes |= values[1:] != values[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.int64)
    return starts, np.diff(np.append(starts, count))


def _windows(window: Window, starts: np.ndarray, lengths: np.ndarray, where: str, *, labelled: bool) -> Places:
    ahead = window.gap + window.horizon if labelled else 0
    room = lengths - (window.steps + ahead) + 1
    found = [start + np.arange(0, many, window.stride) for start, many in zip(starts, room, strict=True) if many > 0]
    if not found:
        raise DataError(
            "DA006",
            where=where,
            expected=f"{window.steps} rows in a row for a window" + (f" and {ahead} ahead of it" if ahead else ""),
            got=f"{int(lengths.max(initial=0))}",
            cause="no window fits into the rows",
            fix="give more rows, or shorter windows",
        )
    first = np.concatenate(found)
    steps = first[:, None] + np.arange(window.steps)
    if not labelled:
        return Places(steps)
    return Places(steps, first[:, None] + window.steps + window.gap + np.arange(window.horizon))
