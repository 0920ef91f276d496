"""Counting for `lamina.evaluate.calibration`: bins of probabilities, and what came true in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.evaluate.batches import Array, class_batch, column_batch
from lamina.evaluate.calibration import METRICS, Calibration
from lamina.evaluate.confusion import ratio
from lamina.evaluate.counting.roc import bin_of
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import Counts, ExactSum, Floats
from lamina.evaluate.result import Chart, Result, Series, Table, metric_table, whole

_CHARTED = 10
"""Most classes whose reliability is drawn."""


class Bins(Accumulator):
    """For each class and bin: how many samples, how many came true, and the exact sum of their probabilities."""

    evaluation: Calibration

    def _least_width(self) -> int:
        return 2 if self.kind == "classes" else 1

    def _open(self, width: int) -> None:
        bins = self.evaluation.bins
        self.width = width
        # Column `width` is the predicted class, whichever it is.
        self._cells = Counts((width + 1) * bins * 2)
        self._mass = ExactSum((width + 1) * bins)
        self._residuals = Counts(bins)
        self._brier = ExactSum()

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        where, bins = "evaluation 'calibration'", self.evaluation.bins
        if self.kind == "multilabel":
            batch = column_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen, labels=True)
            truth = batch.targets == 1
        else:
            batch = class_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen)
            truth = batch.targets[:, None] == np.arange(batch.predictions.shape[1])
        p = batch.predictions.astype(np.float64)
        rows, width = p.shape
        if self.width is None:
            self._open(width)
        heavy = None if batch.weight is None else np.broadcast_to(batch.weight[:, None], p.shape)
        distance = np.abs(truth - p)
        self._count(p, truth, np.broadcast_to(np.arange(width), p.shape), heavy)
        if self.kind == "classes":
            chosen = p.argmax(axis=1)[:, None]
            right = np.take_along_axis(truth, chosen, axis=1)[:, 0]
            self._count(np.take_along_axis(p, chosen, axis=1)[:, 0], right, np.full(rows, width), batch.weight)
        self._residuals.add(bin_of(distance, bins).ravel(), None if heavy is None else heavy.ravel())
        judged, weights = (distance[:, 1], batch.weight) if self.kind == "classes" and width == 2 else (distance, heavy)
        self._brier.add_product([judged, judged, *([] if weights is None else [weights])])
        self.samples += rows

    def _count(self, p: Floats, truth: Array, column: Array, weight: Floats | None) -> None:
        place = column * self.evaluation.bins + bin_of(p, self.evaluation.bins)
        self._cells.add((place * 2 + truth).ravel(), None if weight is None else weight.ravel())
        self._mass.add(p, at=place, weight=weight)

    def _merge(self, other: Bins) -> None:
        self._cells.merge(other._cells)
        self._mass.merge(other._mass)
        self._residuals.merge(other._residuals)
        self._brier.merge(other._brier)

    def _state(self) -> dict[str, Any]:
        return {
            "cells": self._cells.state_dict(),
            "mass": self._mass.state_dict(),
            "residuals": self._residuals.state_dict(),
            "brier": self._brier.state_dict(),
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        self._cells.load_state_dict(state["cells"])
        self._mass.load_state_dict(state["mass"])
        self._residuals.load_state_dict(state["residuals"])
        self._brier.load_state_dict(state["brier"])

    def _result(self) -> Result:
        bins, width = self.evaluation.bins, self.width or 1
        cells = self._cells.values().reshape(width + 1, bins, 2)
        count, true = cells.sum(axis=2), cells[:, :, 1]
        mean, share = ratio(self._mass.values().reshape(width + 1, bins), count), ratio(true, count)
        gap = np.abs(mean - share)
        classwise = float(ratio((gap * count)[:width].sum(axis=1), count[:width].sum(axis=1)).mean())
        total = float(count[0].sum())
        if self.kind == "classes":
            ece, mce = float((gap[width] * count[width]).sum() / total), float(gap[width].max())
        else:
            ece, mce = classwise, float(gap[:width].max())
        metrics = {"ece": ece, "mce": mce, "ece/classwise": classwise}
        metrics["brier"] = self._brier.value() / (total if self.kind == "classes" else total * width)
        shown = width if self.kind == "classes" else 0
        rows = tuple(
            (f"{i / bins:.2f} to {(i + 1) / bins:.2f}", whole(count[shown, i]), float(mean[shown, i]), float(share[shown, i]))
            for i in np.flatnonzero(count[shown])
        )
        title = "Reliability of the predicted class" if self.kind == "classes" else f"Reliability of {self.label(0)}"
        table = Table(title, ("probability", "samples", "mean probability", "came true"), rows)
        return Result("calibration", self.samples, metrics, (metric_table(metrics, METRICS), table), self._charts(count, mean, share))

    def _charts(self, count: Floats, mean: Floats, share: Floats) -> tuple[Chart, ...]:
        width, bins = self.width or 1, self.evaluation.bins
        places = [*([width] if self.kind == "classes" else []), *range(min(width, _CHARTED))]
        lines = []
        for place in places:
            used = count[place] > 0
            name = "predicted class" if place == width else self.label(place)
            lines.append(Series(name, tuple(mean[place, used].tolist()), tuple(share[place, used].tolist())))
        edges = tuple((np.arange(bins + 1) / bins).tolist())
        every = tuple(count[:width].sum(axis=0).tolist())
        residuals = tuple(self._residuals.values().tolist())
        return (
            Chart("lines", "Reliability", "mean probability", "share that came true", tuple(lines), diagonal=True, unit_square=True),
            Chart("bars", "Probabilities", "probability, all classes", "count", (Series("all classes", edges, every),)),
            Chart("bars", "Residuals", "|truth - probability|", "count", (Series("all classes", edges, residuals),)),
        )
