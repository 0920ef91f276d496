"""Histograms and bars of columns, from what was counted of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.analysis.columns import ColumnProfile, NumberProfile, TimeProfile, number_text, time_text
from lamina.data.analysis.rules import share
from lamina.page.widgets import bars, histogram, readable, visible

if TYPE_CHECKING:
    from lamina.data.analysis.analysis import Analysis
    from lamina.data.statistics.ranks import Ranks

BINS = 24
MOST_CLASSES = 5
"""Classes that bars are divided into."""


@dataclass(frozen=True)
class Bins:
    """Bars of a histogram.

    Attributes:
        edges: One more than bars; of single values, halfway between them.
        counts: Values in each.
        low: Values below the first.
        high: Values above the last.
    """

    edges: np.ndarray
    counts: np.ndarray
    low: float = 0.0
    high: float = 0.0


def bins_of(ranks: Ranks, bins: int = BINS) -> Bins:
    """Bars for a distribution; a few far values don't squeeze all others into one."""
    low, first, last, high = ranks.quantiles([0, 0.01, 0.99, 1]).tolist()
    if ranks.exact and (ranks.distinct or 0) <= bins:
        values, counts = ranks.pairs()
        gaps = np.diff(values)
        if not len(gaps) or gaps.max() < 4 * gaps.min():
            step = float(gaps.min()) if len(gaps) else 1.0
            places = np.concatenate([values - step / 2, values[-1:] + step / 2])
            return Bins(places, counts.astype(np.float64))
    start, stop = low, high
    if last > first:
        if high - last > 2 * (last - first):
            stop = last
        if first - low > 2 * (last - first):
            start = first
    if start == stop:
        start, stop = start - 0.5, stop + 0.5
    edges = np.linspace(start, stop, bins + 1)
    below = ranks.below(edges)
    # The first edge belongs to the first bar.
    below[0] = float(ranks.below(np.nextafter(start, -math.inf)))
    return Bins(edges, np.maximum(np.diff(below), 0), float(below[0]), float(ranks.count - below[-1]))


def ranks_of(column: ColumnProfile) -> Ranks | None:
    """The distribution of a column of numbers or times, if it has one."""
    return column.ranks if isinstance(column, NumberProfile | TimeProfile) and column.ranks.count else None


def text_of(column: ColumnProfile, value: float) -> str:
    """A value of a column of numbers or times."""
    return time_text(value, column.kind) if isinstance(column, TimeProfile) else number_text(value)


class Classes:
    """Which class of the target each row of the sample has, to divide bars by.

    Attributes:
        names: Of the classes, the most frequent first; none, where bars aren't divided.
    """

    def __init__(self, analysis: Analysis) -> None:
        self.names: list[str] = []
        self._frame, self._weights = analysis.profile.sample.frame, analysis.profile.sample.weights
        self._codes = np.zeros(0, np.int64)
        target = analysis.columns.get(analysis.target or "")
        if target is None or not 1 < target.different[0] <= MOST_CLASSES or target.name not in self._frame.columns:
            return
        from lamina.data.analysis.relations import codes_of

        codes, count = codes_of(self._frame[target.name])
        firsts = [int(np.flatnonzero(codes == code)[0]) for code in range(count) if (codes == code).any()]
        held = np.bincount(codes[codes >= 0], weights=self._weights[codes >= 0], minlength=count)
        order = np.argsort(-held, kind="stable")
        places = np.argsort(order)
        self._codes = np.where(codes >= 0, places[np.maximum(codes, 0)], -1)
        values = [self._frame[target.name][first] for first in firsts]
        self.names = [_word(values[code]) for code in order.tolist()]
        self.target = target.name

    def shares(self, name: str, groups: np.ndarray, count: int) -> np.ndarray | None:
        """For each group of rows the share of each class, ``[count, classes]``; None, where bars aren't divided."""
        if not self.names or name == self.target or not len(groups):
            return None
        known = (groups >= 0) & (self._codes >= 0)
        width = len(self.names)
        table = np.bincount(groups[known] * width + self._codes[known], weights=self._weights[known], minlength=count * width)
        table = table.reshape(count, width)
        total = table.sum(axis=1, keepdims=True)
        overall = np.bincount(self._codes[self._codes >= 0], weights=self._weights[self._codes >= 0], minlength=width)
        filled: np.ndarray = np.where(total > 0, table / np.maximum(total, 1e-300), overall / overall.sum())
        return filled

    def groups(self, name: str, edges: np.ndarray | None = None, values: list[str] | None = None) -> np.ndarray:
        """Which bar each row of the sample is in, -1 for none."""
        import polars as pl

        from lamina.data.analysis.columns import microseconds

        if not self.names or name not in self._frame.columns:
            return np.zeros(0, np.int64)
        series = self._frame[name]
        if values is not None:
            words = [None if value is None else _word(value) for value in series.to_list()]
            known = {value: i for i, value in enumerate(values)}
            return np.array([-1 if word is None else known.get(word, -1) for word in words], np.int64)
        if edges is None:
            return np.zeros(0, np.int64)
        numbers = np.full(len(series), np.nan)
        known_rows = series.is_not_null().to_numpy()
        present = series.drop_nulls()
        numbers[known_rows] = microseconds(present) if series.dtype.is_temporal() else present.cast(pl.Float64).to_numpy()
        places = np.searchsorted(edges, numbers, side="right") - 1
        places = np.where(numbers == edges[-1], len(edges) - 2, places)
        return np.where(np.isnan(numbers) | (places < 0) | (places >= len(edges) - 1), -1, places)


def distribution(column: ColumnProfile, classes: Classes) -> str:
    """The drawing of a column: a histogram of numbers and times, bars of texts; nothing, where there is neither."""
    ranks = ranks_of(column)
    if ranks is not None:
        return _histogram(column, ranks, classes)
    most = column.most(8)
    return _bars(column, most, classes) if most and (most[0][1] > 1 or len(most) < 8) else ""


def _histogram(column: ColumnProfile, ranks: Ranks, classes: Classes) -> str:
    found = bins_of(ranks)
    shares = classes.shares(column.name, classes.groups(column.name, found.edges), len(found.counts))
    stacks = [[count] for count in found.counts] if shares is None else (found.counts[:, None] * shares).tolist()
    single = len(found.counts) <= BINS and ranks.distinct == len(found.counts)
    titles = []
    for i, count in enumerate(found.counts):
        ends = (text_of(column, float(found.edges[i])), text_of(column, float(found.edges[i + 1])))
        where = text_of(column, float(ranks.pairs()[0][i])) if single else f"{ends[0]} to {ends[1]}"
        titles.append(f"{where}: {_count(count)} ({share(count, ranks.count)})")
    low, high = float(found.edges[0]), float(found.edges[-1])
    middle = float(ranks.quantiles([0.5])[0])
    marks = [((middle - low) / (high - low), f"median {text_of(column, middle)}")] if high > low else []
    label = f"Histogram of {readable(column.name)}, from {text_of(column, ranks.low)} to {text_of(column, ranks.high)}"
    values = ranks.pairs()[0] if single else None
    left = text_of(column, float(values[0]) if values is not None else low)
    right = text_of(column, float(values[-1]) if values is not None else high)
    if found.low:
        left = f"{left} \u00b7 {_count(found.low)} below"
    if found.high:
        right = f"{_count(found.high)} above \u00b7 {right}"
    ends_html = [visible(left), f"median {visible(text_of(column, middle))}", visible(right)]
    scale = f'<p class="scale">{"".join(f"<span>{end}</span>" for end in ends_html)}</p>'
    return histogram(stacks, titles, label, marks) + scale


def _bars(column: ColumnProfile, most: list[tuple[str, int]], classes: Classes) -> str:
    shares = classes.shares(column.name, classes.groups(column.name, values=[value for value, _ in most]), len(most))
    top = max(count for _, count in most)
    rows: list[tuple[str, Any, str]] = []
    for i, (value, count) in enumerate(most):
        parts = [count / top] if shares is None else (count / top * shares[i]).tolist()
        rows.append((visible(value, 30), parts, f"{_count(count)} \u00b7 {share(count, column.present)}"))
    rest = column.present - sum(count for _, count in most)
    table = bars(rows, f"Most frequent values of {readable(column.name)}")
    different, _ = column.different
    if rest > 0:
        others = f" of {different - len(most)} others" if different > len(most) else ""
        table += f'<p class="scale"><span>and {_count(rest)}{others} ({share(rest, column.present)})</span></p>'
    return table


def _count(value: float) -> str:
    return f"{round(value):,}"


def _word(value: Any) -> str:
    """A value as it is counted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(float(value))
    return str(value)
