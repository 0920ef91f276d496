"""How well one column alone says the target, judged on rows it wasn't learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.analysis.relations import ROWS_EACH, codes_of, contingency, entropy, mutual_information, pearson, view_of

if TYPE_CHECKING:
    import polars as pl

BINS = 32
"""Groups that numbers are put into, about equally many in each."""
OFTEN = 10
"""How often a row must be there to be in both halves."""
DOUBT = 0.3
"""Rows of the usual kind that are added to every group."""
FEW_CLASSES = 20
"""Different whole numbers up to which a target counts as classes."""


@dataclass(frozen=True)
class Predictivity:
    """What one column says of the target.

    Attributes:
        name: Of the column.
        skill: The share of the squared error (of the number, or of the probabilities of the classes) that looking at the column removes,
            on rows that weren't learned from: 1 is perfect, 0 no better than not looking.
        information: Mutual information with the target as a share of all that there is to know (its entropy), 0 to 1; NaN for
            columns that have nearly as many different values as there are rows, which know everything by chance.
    """

    name: str
    skill: float
    information: float


def is_classes(series: pl.Series) -> bool:
    """Whether a target is one of classes rather than numbers."""
    import polars as pl

    if series.dtype.is_float() or series.dtype.is_temporal():
        return False
    return not series.dtype.is_integer() or series.dtype == pl.Boolean or series.n_unique() <= FEW_CLASSES


def predictivities(frame: pl.DataFrame, weights: np.ndarray, halves: np.ndarray, target: str) -> list[Predictivity]:
    """What each column says of the target, the most telling first.

    Args:
        frame: Different rows.
        weights: How often each is there.
        halves: Which half each belongs to: what is learned from one is judged on the other, and the other way round.
        target: The column to learn.
    """
    known = np.flatnonzero(frame[target].is_not_null().to_numpy())
    # Rows that are there many times are in both halves: there may be few others.
    often = known[weights[known] >= OFTEN]
    places = np.concatenate([known, often])
    shares = np.where(weights >= OFTEN, weights / 2, weights)
    sides = np.concatenate([(weights[known] >= OFTEN) | halves[known], np.zeros(len(often), bool)])
    frame, weights, halves = frame[places], shares[places], sides
    if len(frame) < 4:
        return []
    classes = is_classes(frame[target])
    goal = frame[target]
    view = view_of(goal, weights)
    if classes:
        codes, count = codes_of(goal)
        if count < 2 or count > max(FEW_CLASSES, len(frame) // 4):
            return []
        numbers = None
    elif view is None or view.values is None:
        return []
    else:
        numbers = view.values
        codes = binned(numbers, weights)
    found = []
    share = entropy(np.bincount(codes[codes >= 0], weights=weights[codes >= 0]))
    for series in frame.iter_columns():
        views = [] if series.name == target else _groups(series, weights)
        if not views:
            continue
        skills = [_skill(own, codes, weights, halves) if numbers is None else _explained(own, numbers, weights, halves) for own in views]
        own = view_of(series, weights)
        if numbers is not None and own is not None and own.values is not None:
            # A line has one slope to learn: what it explains of these rows it explains of others.
            line = pearson(own.values, numbers, weights)
            skills.append(0.0 if math.isnan(line) else line**2)
        groups = views[0]
        few = len(np.unique(groups)) * ROWS_EACH > weights.sum()
        information = mutual_information(contingency(groups, codes, weights)) / share if share > 0 else 0.0
        found.append(Predictivity(series.name, max(skills), math.nan if few else min(1.0, information)))
    return sorted(found, key=lambda own: (-own.skill, own.name))


def binned(values: np.ndarray, weights: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Groups of numbers, each different one alone where there are few; -1 where missing."""
    known = ~np.isnan(values)
    different, place = np.unique(values[known], return_inverse=True)
    codes = np.full(len(values), -1)
    if len(different) > bins:
        held = np.cumsum(np.bincount(place, weights=weights[known]))
        group = np.minimum((held - 1e-9) / held[-1] * bins, bins - 1).astype(np.int64)
        _, group = np.unique(group, return_inverse=True)
        place = group[place]
    codes[known] = place
    return codes


def _groups(series: pl.Series, weights: np.ndarray) -> list[np.ndarray]:
    """Groups of a column, fine and coarse, missing values being one of their own; none, where there are no values to compare."""
    import polars as pl

    view = view_of(series, weights)
    if view is not None and view.values is not None:
        found = [binned(view.values, weights, bins) for bins in (BINS, BINS // 4)]
    elif series.dtype in (pl.String, pl.Categorical, pl.Enum):
        found = [codes_of(series)[0]]
    else:
        return []
    return [np.where(codes < 0, codes.max(initial=-1) + 1, codes) for codes in found]


def _skill(groups: np.ndarray, classes: np.ndarray, weights: np.ndarray, halves: np.ndarray) -> float:
    """As `_explained`, of the probabilities of classes."""
    known = classes >= 0
    groups, classes, weights, halves = groups[known], classes[known], weights[known], halves[known]
    lost = total = 0.0
    count, width = int(groups.max(initial=0)) + 1, int(classes.max(initial=0)) + 1
    for learned in (halves, ~halves):
        judged = ~learned
        if not learned.any() or not judged.any():
            return 0.0
        seen = np.bincount(groups[learned] * width + classes[learned], weights=weights[learned], minlength=count * width).reshape(
            count, width
        )
        usual = seen.sum(axis=0) / seen.sum()
        # A little of the usual kind more: a group of one row doesn't know everything.
        expected = (seen + DOUBT * usual) / (seen.sum(axis=1, keepdims=True) + DOUBT)
        own, right = weights[judged], np.eye(width)[classes[judged]]
        lost += float(own @ ((right - expected[groups[judged]]) ** 2).sum(axis=1))
        total += float(own @ ((right - usual) ** 2).sum(axis=1))
    return max(0.0, 1 - lost / total) if total > 0 else 0.0


def _explained(groups: np.ndarray, values: np.ndarray, weights: np.ndarray, halves: np.ndarray) -> float:
    known = ~np.isnan(values)
    groups, values, weights, halves = groups[known], values[known], weights[known], halves[known]
    lost = total = 0.0
    count = int(groups.max(initial=0)) + 1
    for learned in (halves, ~halves):
        judged = ~learned
        if not learned.any() or not judged.any():
            return 0.0
        mean = float(weights[learned] @ values[learned] / weights[learned].sum())
        held = np.bincount(groups[learned], weights=weights[learned], minlength=count)
        sums = np.bincount(groups[learned], weights=weights[learned] * (values[learned] - mean), minlength=count)
        expected = mean + np.divide(sums, held, out=np.zeros(count), where=held > 0)
        own = weights[judged]
        lost += float(own @ (values[judged] - expected[groups[judged]]) ** 2)
        total += float(own @ (values[judged] - mean) ** 2)
    return max(0.0, 1 - lost / total) if total > 0 and math.isfinite(lost) else 0.0
