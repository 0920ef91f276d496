"""Whether two tables were drawn from the same: the training and the test part, last year and this one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.data.analysis.columns import BooleanProfile, ColumnProfile, NumberProfile, TextProfile, TimeProfile
from lamina.data.analysis.findings import Finding, ordered
from lamina.data.analysis.profile import Profile
from lamina.data.analysis.relations import ROWS_EACH
from lamina.data.analysis.rules import share
from lamina.data.statistics.ranks import Ranks

BINS = 10
PSI, DISTANCE = 0.2, 0.2
"""From where on a column counts as distributed otherwise."""
MISSING_POINTS = 0.05
FEW_TEXTS = 20
_LEAST = 1e-4
"""What an empty bin counts as: otherwise the index would be infinite."""
_MOST_CATEGORIES = 200
"""Categories compared one by one; rarer ones are joined."""


@dataclass(frozen=True)
class ColumnDrift:
    """How one column differs between two tables.

    Attributes:
        name: Of the column.
        psi: Population stability index over tenths of the first table, or over categories: 0 if equal, from 0.1 on noticeable, from 0.2
            on large. Of texts that are no categories the lengths are compared. NaN where it isn't defined.
        distance: Of Kolmogorov and Smirnov, the largest difference of the shares below a number; of categories the largest difference
            of their shares. NaN where it isn't defined.
        probability: Of a difference as large by chance alone (Kolmogorov-Smirnov, or chi-square); tiny for large tables even where the
            difference is too small to matter. NaN where it isn't defined.
        missing: Shares of missing values in both.
        new: Categories that only the second table has, with their counts.
        gone: How many categories only the first has.
    """

    name: str
    psi: float
    distance: float
    probability: float
    missing: tuple[float, float]
    new: tuple[tuple[str, int], ...] = ()
    gone: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON)."""
        from dataclasses import asdict

        return asdict(self)


@dataclass(frozen=True)
class Drift:
    """How two tables differ.

    Attributes:
        names: What the tables are called.
        columns: Of the columns that both have.
        missing: Columns that only the first has.
        new: Columns that only the second has.
        changed: Columns of another kind: name, kind in the first, kind in the second.
        shared_rows: Different rows of the second table that are in the first, too; only where both have the same columns.
        rows: Rows of both.
        findings: The worst first.
    """

    names: tuple[str, str]
    columns: tuple[ColumnDrift, ...]
    missing: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]
    shared_rows: int | None
    rows: tuple[int, int]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON)."""
        return {
            "tables": list(self.names),
            "rows": list(self.rows),
            "columns": [column.to_dict() for column in self.columns],
            "missing_columns": list(self.missing),
            "new_columns": list(self.new),
            "changed_columns": [list(change) for change in self.changed],
            "shared_rows": self.shared_rows,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def compare(first: Profile, second: Profile, names: tuple[str, str] = ("the first table", "the second table")) -> Drift:
    """Compare two tables by what was counted of them.

    Args:
        first: What a model learned from, say.
        second: What it shall be used for.
        names: What to call them.

    Example:
        >>> import numpy as np, polars as pl
        >>> old, new = (Profile.of(pl.DataFrame({"x": np.arange(100.0) + shift})) for shift in (0, 40.5))
        >>> drift = compare(old, new)
        >>> round(drift.columns[0].distance, 2), drift.findings[0].code
        (0.41, 'AN040')
    """
    both = [name for name in first.columns if name in second.columns]
    changed = tuple(
        (name, first.columns[name].kind, second.columns[name].kind)
        for name in both
        if not _alike(first.columns[name], second.columns[name])
    )
    other = {name for name, _, _ in changed}
    columns = tuple(_column(first.columns[name], second.columns[name]) for name in both if name not in other)
    missing = tuple(name for name in first.columns if name not in second.columns)
    new = tuple(name for name in second.columns if name not in first.columns)
    shared = None if missing or new else first.sample.distinct.shared(second.sample.distinct)
    drift = Drift(names, columns, missing, new, changed, shared, (first.rows, second.rows), ())
    exact = first.sample.distinct.exact and second.sample.distinct.exact
    return Drift(names, columns, missing, new, changed, shared, drift.rows, tuple(ordered(_findings(drift, first, second, exact=exact))))


def is_category(column: TextProfile) -> bool:
    """Whether texts repeat so much that they are categories; of all others the lengths are compared."""
    return column.different[0] <= FEW_TEXTS or column.different[0] * ROWS_EACH <= column.present


def _alike(one: ColumnProfile, other: ColumnProfile) -> bool:
    return type(one) is type(other) or ColumnProfile in (type(one), type(other))


def _column(one: ColumnProfile, other: ColumnProfile) -> ColumnDrift:
    missing = tuple(column.missing / column.rows if column.rows else math.nan for column in (one, other))
    shares = (missing[0], missing[1])
    if isinstance(one, NumberProfile | TimeProfile) and isinstance(other, NumberProfile | TimeProfile):
        distance, probability = kolmogorov_smirnov(one.ranks, other.ranks)
        return ColumnDrift(one.name, number_psi(one.ranks, other.ranks), distance, probability, shares)
    if isinstance(one, TextProfile) and isinstance(other, TextProfile) and not (is_category(one) and is_category(other)):
        distance, probability = kolmogorov_smirnov(one.lengths, other.lengths)
        return ColumnDrift(one.name, number_psi(one.lengths, other.lengths), distance, probability, shares)
    if isinstance(one, TextProfile | BooleanProfile) and isinstance(other, TextProfile | BooleanProfile):
        return _of_categories(one, other, shares)
    return ColumnDrift(one.name, math.nan, math.nan, math.nan, shares)


def _of_categories(one: TextProfile | BooleanProfile, other: TextProfile | BooleanProfile, missing: tuple[float, float]) -> ColumnDrift:
    left, right = dict(one.most(None)), dict(other.most(None))
    exact = all(isinstance(column, BooleanProfile) or column.frequencies.exact for column in (one, other))
    new = tuple((value, count) for value, count in right.items() if value not in left) if exact else ()
    gone = sum(value not in right for value in left) if exact else 0
    if not left or not right:
        return ColumnDrift(one.name, math.nan, math.nan, math.nan, missing, new, gone)
    frequent = sorted({*left, *right}, key=lambda value: (-left.get(value, 0) - right.get(value, 0), value))
    shown, rest = frequent[:_MOST_CATEGORIES], frequent[_MOST_CATEGORIES:]
    counts = np.array(
        [[side.get(value, 0) for value in shown] + [sum(side.get(value, 0) for value in rest)] for side in (left, right)], float
    )
    counts = counts[:, counts.sum(axis=0) > 0]
    ratio = counts / counts.sum(axis=1, keepdims=True)
    return ColumnDrift(one.name, psi(*ratio), float(np.abs(ratio[0] - ratio[1]).max()), chi_square(counts), missing, new, gone)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two lists of shares."""
    one, other = np.maximum(expected, _LEAST), np.maximum(actual, _LEAST)
    return float(((other - one) * np.log(other / one)).sum())


def number_psi(one: Ranks, other: Ranks) -> float:
    """The index over tenths of the first; fewer bins where values are frequent."""
    if not one.count or not other.count:
        return math.nan
    edges = np.unique(one.quantiles(np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [np.diff(np.concatenate([[0.0], ranks.below(edges), [ranks.count]])) / ranks.count for ranks in (one, other)]
    return psi(*shares)


def kolmogorov_smirnov(one: Ranks, other: Ranks) -> tuple[float, float]:
    """The largest difference of two distributions, and the probability of one as large by chance (asymptotic)."""
    if not one.count or not other.count:
        return math.nan, math.nan
    from scipy.special import kolmogorov

    points = np.unique(np.concatenate([one.pairs()[0], other.pairs()[0]]))
    distance = float(np.abs(one.below(points) / one.count - other.below(points) / other.count).max())
    size = one.count * other.count / (one.count + other.count)
    return distance, float(kolmogorov(math.sqrt(size) * distance))


def chi_square(counts: np.ndarray) -> float:
    """The probability that two lists of counts are of one distribution (chi-square of homogeneity)."""
    if counts.shape[1] < 2:
        return 1.0
    from scipy.special import chdtrc

    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    return float(chdtrc(counts.shape[1] - 1, float(((counts - expected) ** 2 / expected).sum())))


def _findings(drift: Drift, first: Profile, second: Profile, *, exact: bool) -> list[Finding]:
    found = [Finding("AN043", (name,), f"{drift.names[1]} doesn't have it.") for name in drift.missing]
    found += [Finding("AN043", (name,), f"Only {drift.names[1]} has it.") for name in drift.new]
    found += [
        Finding("AN043", (name,), f"It is {old} in {drift.names[0]}, and {new} in {drift.names[1]}.") for name, old, new in drift.changed
    ]
    for column in drift.columns:
        one, other = first.columns[column.name], second.columns[column.name]
        if max(column.psi, 0) >= PSI or (isinstance(one, NumberProfile) and column.distance >= DISTANCE):
            numbers = isinstance(one, NumberProfile | TimeProfile)
            texts = isinstance(one, TextProfile) and isinstance(other, TextProfile) and not (is_category(one) and is_category(other))
            what = "Kolmogorov-Smirnov distance" if numbers else "distance of the lengths" if texts else "largest difference of a share"
            where = f" {_moved(one, other)}" if isinstance(one, NumberProfile) and isinstance(other, NumberProfile) else ""
            code = "AN040" if numbers else "AN041"
            found.append(Finding(code, (column.name,), f"Stability index {column.psi:.2f}, {what} {column.distance:.2f}.{where}"))
        if column.new:
            shown = ", ".join(f"{value!r} ({count})" for value, count in column.new[:5]) + (" ..." if len(column.new) > 5 else "")
            found.append(Finding("AN042", (column.name,), f"{len(column.new)} of them: {shown}."))
        if abs(column.missing[0] - column.missing[1]) >= MISSING_POINTS:
            shares = [share(profile.missing, profile.rows) for profile in (one, other)]
            found.append(Finding("AN045", (column.name,), f"{shares[0]} in {drift.names[0]}, {shares[1]} in {drift.names[1]}."))
    if drift.shared_rows:
        about = "" if exact else "About "
        different = second.sample.distinct.count
        found.append(
            Finding("AN044", (), f"{about}{drift.shared_rows} of {different} different rows ({share(drift.shared_rows, different)}).")
        )
    return found


def _moved(one: NumberProfile, other: NumberProfile) -> str:
    from lamina.data.analysis.columns import number_text

    old, new = (number_text(float(column.ranks.quantiles([0.5])[0])) for column in (one, other))
    return f"The median was {old} and is {new}."
