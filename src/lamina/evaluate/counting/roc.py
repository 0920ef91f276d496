"""Counting for `lamina.evaluate.roc`: scores, one by one or in bins, and the rankings they make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.errors import Problem
from lamina.evaluate.batches import Array, class_batch, column_batch
from lamina.evaluate.confusion import ratio
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import Counts, Floats
from lamina.evaluate.result import Chart, Result, Series, Table, metric_table, whole
from lamina.evaluate.roc import METRICS, Roc

_CHARTED = 10
"""Most classes whose curves are drawn."""
_POINTS = 300
"""Most points of a drawn curve."""


@dataclass(frozen=True)
class Ranking:
    """How many positives and negatives there are at each score, from the highest score down.

    Attributes:
        scores: Distinct scores, falling.
        positives: Weight of the positive samples at each.
        negatives: Weight of the others.
    """

    scores: Floats
    positives: Floats
    negatives: Floats

    @classmethod
    def of(cls, scores: Floats, positive: Array, weight: Floats) -> Ranking:
        """From single samples, in any order."""
        # A full order of the samples: sums of weights then don't depend on the order they came in.
        order = np.lexsort((weight, positive, scores))[::-1]
        scores, positive, weight = scores[order], positive[order], weight[order]
        first = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
        sums = [np.add.reduceat(np.where(chosen, weight, 0.0), first) for chosen in (positive, ~positive)]
        return cls(scores[first], *sums)

    @property
    def defined(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(self.positives.sum() > 0 and self.negatives.sum() > 0)

    def roc(self) -> tuple[Floats, Floats]:
        """False and true positive rates, from (0, 0) to (1, 1)."""
        return _share(self.negatives), _share(self.positives)

    def precision_recall(self) -> tuple[Floats, Floats]:
        """Recalls, rising from 0, and the precisions at them; the precision at recall 0 is 1."""
        found = np.cumsum(self.positives)
        return _share(self.positives), np.concatenate([[1.0], ratio(found, found + np.cumsum(self.negatives))])

    def roc_auc(self) -> float:
        """Area under the ROC curve."""
        below = np.concatenate([[0.0], np.cumsum(self.positives)])
        # In counts, whose sums are exact: twice the area of each trapezoid.
        twice = float((self.negatives * (below[1:] + below[:-1])).sum())
        return twice / (2 * float(self.positives.sum()) * float(self.negatives.sum()))

    def average_precision(self) -> float:
        """Sum of precision times gain in recall."""
        _, precision = self.precision_recall()
        return float((self.positives * precision[1:]).sum() / self.positives.sum())

    def pr_auc(self) -> float:
        """Area under the precision-recall curve, by trapezoids."""
        recall, precision = self.precision_recall()
        return float((np.diff(recall) * (precision[1:] + precision[:-1])).sum() / 2)

    def best(self) -> tuple[float, float, float]:
        """Threshold with the largest Youden's J, and the false and true positive rate there."""
        false, true = self.roc()
        place = int(np.argmax((true - false)[1:]))
        return float(self.scores[place]), float(false[place + 1]), float(true[place + 1])


class _Ranker(Accumulator):
    """What the exact and the binned way share."""

    evaluation: Roc

    def _least_width(self) -> int:
        return 2 if self.kind == "classes" else 1

    @property
    def _single(self) -> bool:
        return self.kind == "classes" and self.width == 2

    def _read(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> tuple[Array, Array, Floats | None]:
        """Scores ``[rows, rankings]``, which of them are positive, weights ``[rows]``."""
        where, rule = "evaluation 'roc'", self.evaluation
        if self.kind == "multilabel":
            batch = column_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen, labels=True)
            positive = batch.targets == 1
        else:
            checked = rule.probabilities or rule.bins is not None
            batch = class_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen, probabilities=checked)
            positive = batch.targets[:, None] == np.arange(batch.predictions.shape[1])
        if self.width is None:
            self._open(batch.predictions.shape[1])
        self.samples += len(positive)
        if self._single:
            return batch.predictions[:, 1:], positive[:, 1:], batch.weight
        return batch.predictions, positive, batch.weight

    def ranking(self, place: int) -> Ranking:
        """Samples of one ranking: that of the positive class where there are two, that of a class or label otherwise."""
        raise NotImplementedError

    def _result(self) -> Result:
        places = [1] if self._single else list(range(self.width or 0))
        rankings = {place: self.ranking(i) for i, place in enumerate(places)}
        good = {place: ranking for place, ranking in rankings.items() if ranking.defined}
        weights = np.array([float(r.positives.sum()) for r in good.values()])
        areas = np.array([(r.roc_auc(), r.average_precision(), r.pr_auc()) for r in good.values()]).reshape(-1, 3)
        if good:
            mean, weighted = areas.mean(axis=0).tolist(), (areas * weights[:, None]).sum(axis=0) / weights.sum()
            values = (mean[0], float(weighted[0]), mean[1], float(weighted[1]), mean[2])
        else:
            values = (math.nan,) * 5
        metrics = dict(zip(METRICS, values, strict=True))
        rows = tuple(
            (self.label(place), *areas[i].tolist(), *ranking.best(), whole(float(weights[i])))
            for i, (place, ranking) in enumerate(good.items())
        )
        columns = ("class", "roc_auc", "average_precision", "pr_auc", "best threshold", "fpr there", "tpr there", "positives")
        tables = (metric_table(metrics, METRICS), Table("Thresholds", columns, rows)) if rows else (metric_table(metrics, METRICS),)
        notes = self._undefined([self.label(place) for place in rankings if place not in good])
        return Result("roc", self.samples, metrics, tables, self._charts(good), notes)

    def _charts(self, rankings: Mapping[int, Ranking]) -> tuple[Chart, ...]:
        shown = dict(list(rankings.items())[:_CHARTED])
        if not shown:
            return ()
        roc = tuple(_series(self.label(place), *ranking.roc()) for place, ranking in shown.items())
        recall = tuple(_series(self.label(place), *ranking.precision_recall()) for place, ranking in shown.items())
        return (
            Chart("lines", "ROC", "false positive rate", "true positive rate", roc, diagonal=True, unit_square=True),
            Chart("lines", "Precision and recall", "recall", "precision", recall, unit_square=True),
        )

    def _undefined(self, labels: list[str]) -> tuple[Problem, ...]:
        if not labels:
            return ()
        note = Problem(
            code="EV012",
            where="evaluation 'roc'",
            expected="positive and negative samples of every class or label",
            got=f"only one kind for {', '.join(labels[:10])}" + (" ..." if len(labels) > 10 else ""),
            cause="A ranking needs both, so these have no curve and are left out of the means",
            fix="judge on more data, or split with stratify: true",
        )
        return (note,)


class Scores(_Ranker):
    """Keeps every score."""

    def _open(self, width: int) -> None:
        self.width = width
        self._kept: list[tuple[Array, Array, Floats | None]] = []

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        scores, positive, heavy = self._read(predictions, targets, weight)
        # Copies: the caller may use its arrays again.
        self._kept.append((scores.copy(), positive, None if heavy is None else heavy.copy()))

    def _merge(self, other: Scores) -> None:
        self._kept.extend(other._kept)

    def _whole(self) -> tuple[Array, Array, Floats]:
        """All that was kept, as three arrays."""
        if len(self._kept) > 1:
            heavy = None if all(kept[2] is None for kept in self._kept) else np.concatenate([_filled(kept) for kept in self._kept])
            scores, positive = (np.concatenate([kept[i] for kept in self._kept]) for i in (0, 1))
            self._kept = [(scores, positive, heavy)]
        scores, positive, _ = self._kept[0]
        return scores, positive, _filled(self._kept[0])

    def ranking(self, place: int) -> Ranking:
        scores, positive, weight = self._whole()
        return Ranking.of(scores[:, place].astype(np.float64), positive[:, place], weight)

    def _state(self) -> dict[str, Any]:
        if not self._kept:
            return {}
        scores, positive, weight = self._whole()
        return {"scores": scores, "positive": positive, "weight": weight}

    def _load(self, state: Mapping[str, Any]) -> None:
        if state:
            self._kept = [(np.asarray(state["scores"]), np.asarray(state["positive"], dtype=bool), np.asarray(state["weight"]))]


class BinnedScores(_Ranker):
    """Keeps how many scores fell into each bin."""

    def _open(self, width: int) -> None:
        self.width = width
        self._cells = Counts((1 if self._single else width) * self._bins * 2)

    @property
    def _bins(self) -> int:
        return self.evaluation.bins or 2

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        scores, positive, heavy = self._read(predictions, targets, weight)
        place = bin_of(scores, self._bins)
        cell = (np.arange(scores.shape[1]) * self._bins + place) * 2 + positive
        self._cells.add(cell.ravel(), None if heavy is None else np.broadcast_to(heavy[:, None], scores.shape).ravel())

    def _merge(self, other: BinnedScores) -> None:
        self._cells.merge(other._cells)

    def ranking(self, place: int) -> Ranking:
        counts = self._cells.values().reshape(-1, self._bins, 2)[place, ::-1]
        used = counts.sum(axis=1) > 0
        edges = np.arange(self._bins)[::-1] / self._bins
        return Ranking(edges[used], counts[used, 1], counts[used, 0])

    def _state(self) -> dict[str, Any]:
        return {"cells": self._cells.state_dict()}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._cells.load_state_dict(state["cells"])


def bin_of(values: Array, bins: int) -> Array:
    """Which of ``bins`` equal parts of [0, 1] each value lies in; 1 is in the last."""
    return np.clip(np.floor(values.astype(np.float64) * bins), 0, bins - 1).astype(np.int64)


def _share(counts: Floats) -> Floats:
    shares: Floats = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return shares


def _filled(kept: tuple[Array, Array, Floats | None]) -> Floats:
    return np.ones(len(kept[0])) if kept[2] is None else kept[2]


def _series(name: str, x: Floats, y: Floats) -> Series:
    if len(x) > _POINTS:
        chosen = np.unique(np.linspace(0, len(x) - 1, _POINTS).round().astype(np.int64))
        x, y = x[chosen], y[chosen]
    return Series(name, tuple(x.tolist()), tuple(y.tolist()))
