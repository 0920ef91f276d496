"""How two columns hang together, each row counting as often as it was there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import polars as pl

MOST_COLUMNS = 60
"""Columns that are compared with each other; of wider tables the first."""
MOST_CATEGORIES = 200
"""Different texts up to which a column counts as one of categories."""
FEW_NUMBERS = 20
"""Different whole numbers up to which a column counts as one of categories, too."""
HUGE = 1e100
ROWS_EACH = 5
"""Rows that a category must have on average to count as one."""
Measure = Literal["pearson", "correlation_ratio", "cramers_v"]


@dataclass(frozen=True)
class View:
    """A column as numbers, as categories, or both.

    Attributes:
        name: Of the column.
        values: As float64, NaN where missing; None if it has no order.
        codes: As numbers of categories, -1 where missing; None if there are too many.
        categories: How many there are.
    """

    name: str
    values: np.ndarray | None
    codes: np.ndarray | None
    categories: int = 0


def view_of(series: pl.Series, weights: np.ndarray) -> View | None:
    """A column of a sample, as it can be compared with others; None if it can't.

    Args:
        series: The column.
        weights: How often each row is there.
    """
    import polars as pl

    from lamina.data.analysis.columns import microseconds

    dtype = series.dtype
    values = None
    if dtype == pl.Boolean or dtype.is_numeric():
        values = series.cast(pl.Float64).fill_null(math.nan).to_numpy().astype(np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
    elif dtype.is_temporal():
        values = np.full(len(series), np.nan)
        values[series.is_not_null().to_numpy()] = microseconds(series.drop_nulls())
    elif dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    if values is not None:
        # No relation depends on the unit, and squares of very large numbers are none.
        largest = float(np.nanmax(np.abs(values), initial=0))
        values = values / largest if largest > HUGE else values
    found, count = codes_of(series)
    most = MOST_CATEGORIES if values is None or dtype == pl.Boolean else FEW_NUMBERS if dtype.is_integer() else 0
    # With a few rows each, categories fit anything.
    codes = found if count <= min(most, max(2, int(weights[found >= 0].sum()) // ROWS_EACH)) else None
    return None if values is None and codes is None else View(series.name, values, codes, 0 if codes is None else count)


def codes_of(series: pl.Series) -> tuple[np.ndarray, int]:
    """Numbers of the different values of a column in their order, -1 where missing; and how many there are."""
    import polars as pl

    ranks = series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series
    if ranks.dtype.is_float():
        ranks = ranks.fill_nan(None)
    codes = ranks.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return codes, int(codes.max(initial=-1)) + 1


def pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Pearson's correlation of the rows where both are there; NaN where one doesn't change.

    Example:
        >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]), np.ones(3))
        1.0
    """
    both = ~(np.isnan(x) | np.isnan(y))
    x, y, w = x[both], y[both], weights[both]
    if not len(x):
        return math.nan
    w = w / w.sum()
    scale = 10 * np.finfo(np.float64).eps
    largest = float(np.abs(x).max()), float(np.abs(y).max())
    x, y = x - w @ x, y - w @ y
    spread = math.sqrt(float(w @ x**2)), math.sqrt(float(w @ y**2))
    if spread[0] <= scale * largest[0] or spread[1] <= scale * largest[1]:
        return math.nan
    return float(np.clip(float(w @ (x * y)) / (spread[0] * spread[1]), -1, 1))


def ranked(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks, the mean one for equal values; NaN stays."""
    known = ~np.isnan(values)
    different, place = np.unique(values[known], return_inverse=True)
    held = np.bincount(place, weights=weights[known], minlength=len(different))
    middle = np.cumsum(held) - held / 2
    result = np.full(len(values), np.nan)
    result[known] = middle[place]
    return result


def spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Spearman's correlation: Pearson's of the ranks, of the rows where both are there."""
    both = ~(np.isnan(x) | np.isnan(y))
    x, y, w = x[both], y[both], weights[both]
    return pearson(ranked(x, w), ranked(y, w), w)


def contingency(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How often each pair of categories is there, without missing ones; empty rows and columns left out."""
    both = (a >= 0) & (b >= 0)
    a, b, w = a[both], b[both], weights[both]
    if not len(a):
        return np.zeros((0, 0))
    table = np.bincount(a * (b.max() + 1) + b, weights=w, minlength=(a.max() + 1) * (b.max() + 1)).reshape(a.max() + 1, b.max() + 1)
    kept: np.ndarray = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return kept


def cramers_v(table: np.ndarray) -> float:
    """Cramer's V of a contingency table: 0 for independent categories, 1 if one says the other; NaN where one doesn't change.

    Example:
        >>> round(cramers_v(np.array([[5.0, 0.0], [0.0, 7.0]])), 6)
        1.0
    """
    if min(table.shape) < 2:
        return math.nan
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    chi = float(((table - expected) ** 2 / expected).sum())
    return math.sqrt(min(1.0, chi / total / (min(table.shape) - 1)))


def correlation_ratio(codes: np.ndarray, values: np.ndarray, weights: np.ndarray) -> float:
    """How much of the spread of numbers is between categories: 0 none of it, 1 all; NaN where one doesn't change."""
    both = (codes >= 0) & ~np.isnan(values)
    codes, values, w = codes[both], values[both], weights[both]
    if not len(codes) or len(np.unique(codes)) < 2:
        return math.nan
    mean = float(w @ values / w.sum())
    total = float(w @ (values - mean) ** 2)
    if math.sqrt(total / w.sum()) <= 10 * np.finfo(np.float64).eps * float(np.abs(values).max()):
        return math.nan
    held = np.bincount(codes, weights=w)
    sums = np.bincount(codes, weights=w * (values - mean))
    between = float((sums[held > 0] ** 2 / held[held > 0]).sum())
    return math.sqrt(min(1.0, between / total))


def mutual_information(table: np.ndarray) -> float:
    """How much one category says of the other, in nats, of a contingency table.

    Example:
        >>> round(mutual_information(np.array([[1.0, 0.0], [0.0, 1.0]])), 4)  # the logarithm of 2
        0.6931
    """
    total = table.sum()
    if not total:
        return 0.0
    share = table / total
    alone = np.outer(share.sum(axis=1), share.sum(axis=0))
    some = share > 0
    return max(0.0, float((share[some] * np.log(share[some] / alone[some])).sum()))


def entropy(counts: np.ndarray) -> float:
    """Of categories with these counts, in nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


@dataclass(frozen=True)
class Relations:
    """How columns hang together.

    Attributes:
        names: Of the columns compared.
        strength: ``[column, column]``: Pearson's correlation of two columns of numbers, the correlation ratio of numbers and
            categories, Cramer's V of two columns of categories; NaN where there is none.
        rank: ``[column, column]``: Spearman's correlation of two columns of numbers, else NaN.
        measures: Which of them stands at each place of ``strength``; empty where none does.
        left_out: Columns that weren't compared, since there were too many.
    """

    names: tuple[str, ...]
    strength: np.ndarray
    rank: np.ndarray
    measures: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[str, str, float, float, str]]:
        """Pairs of columns by strength: both names, the strength, Spearman's correlation, the measure."""
        found = []
        for i, one in enumerate(self.names):
            for j in range(i + 1, len(self.names)):
                if not math.isnan(self.strength[i, j]):
                    found.append((one, self.names[j], float(self.strength[i, j]), float(self.rank[i, j]), self.measures[i][j]))
        return sorted(found, key=lambda pair: (-abs(pair[2]), pair[0], pair[1]))


def relations(frame: pl.DataFrame, weights: np.ndarray) -> Relations:
    """Compare all columns of a sample with each other.

    Args:
        frame: Different rows.
        weights: How often each is there.
    """
    views = [view for series in frame.iter_columns() if (view := view_of(series, weights)) is not None]
    left_out = tuple(view.name for view in views[MOST_COLUMNS:])
    views = views[:MOST_COLUMNS]
    count = len(views)
    strength, rank = np.full((count, count), np.nan), np.full((count, count), np.nan)
    measures = [[""] * count for _ in range(count)]
    for i, one in enumerate(views):
        for j in range(i, count):
            measure, found, ranks = _compare(one, views[j], weights)
            strength[i, j] = strength[j, i] = found
            rank[i, j] = rank[j, i] = ranks
            measures[i][j] = measures[j][i] = measure if not math.isnan(found) else ""
    return Relations(tuple(view.name for view in views), strength, rank, tuple(map(tuple, measures)), left_out)


def _compare(one: View, other: View, weights: np.ndarray) -> tuple[Measure, float, float]:
    if one.values is not None and other.values is not None:
        return "pearson", pearson(one.values, other.values, weights), spearman(one.values, other.values, weights)
    if one.values is None and other.values is None and one.codes is not None and other.codes is not None:
        return "cramers_v", cramers_v(contingency(one.codes, other.codes, weights)), math.nan
    codes = one.codes if one.values is None else other.codes
    values = one.values if one.values is not None else other.values
    found = correlation_ratio(codes, values, weights) if codes is not None and values is not None else math.nan
    return "correlation_ratio", found, math.nan
