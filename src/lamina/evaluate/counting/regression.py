"""Counting for `lamina.evaluate.regression`: exact sums of numbers, their squares and products."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.errors import Problem
from lamina.evaluate.batches import column_batch
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import ExactSum, divide, exact_difference
from lamina.evaluate.points import PointSample
from lamina.evaluate.regression import METRICS, Regression
from lamina.evaluate.result import Cell, Chart, Result, Series, Table, metric_table

_CHARTED = 6
"""Most columns that are drawn."""
_SUMS = ("weight", "target", "prediction", "target2", "prediction2", "product", "absolute", "relative")


class Moments(Accumulator):
    """Exact sums, of first and second order, for each column."""

    evaluation: Regression

    def _open(self, width: int) -> None:
        self.width = width
        self._sums = {name: ExactSum(width) for name in _SUMS}
        self._largest = np.zeros(width)
        self._points = PointSample(min(width, _CHARTED))

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        where = "evaluation 'regression'"
        batch = column_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen)
        rows, width = batch.predictions.shape
        if self.width is None:
            self._open(width)
        if not rows:
            return
        p, t = batch.predictions.astype(np.float64), batch.targets.astype(np.float64)
        at = np.broadcast_to(np.arange(width), p.shape)
        extra = [] if batch.weight is None else [np.broadcast_to(batch.weight[:, None], p.shape)]
        with np.errstate(over="ignore", invalid="ignore"):
            # Only numbers beyond 1e307 overflow here; the sums report that as infinity.
            error, lost = exact_difference(p, t)
            relative = np.abs(error) / np.maximum(np.abs(t), np.finfo(np.float64).eps)
        lost = np.where(np.isfinite(error), lost * np.sign(error), 0.0)
        for name, factors in {
            "weight": [np.ones_like(p)],
            "target": [t],
            "prediction": [p],
            "target2": [t, t],
            "prediction2": [p, p],
            "product": [t, p],
            "absolute": [np.abs(error)],
            "relative": [relative],
        }.items():
            self._sums[name].add_product([*factors, *extra], at=at)
        self._sums["absolute"].add_product([lost, *extra], at=at)
        self._largest = np.maximum(self._largest, np.abs(error).max(axis=0))
        self._points.add(p, t)
        self.samples += rows

    def _merge(self, other: Moments) -> None:
        for name, total in self._sums.items():
            total.merge(other._sums[name])
        self._largest = np.maximum(self._largest, other._largest)
        self._points.merge(other._points)

    def _state(self) -> dict[str, Any]:
        sums = {name: total.state_dict() for name, total in self._sums.items()}
        return {"sums": sums, "largest": self._largest.tolist(), "points": self._points.state_dict()}

    def _load(self, state: Mapping[str, Any]) -> None:
        for name, total in self._sums.items():
            total.load_state_dict(state["sums"][name])
        self._largest = np.array(state["largest"], dtype=np.float64)
        self._points.load_state_dict(state["points"])

    def _result(self) -> Result:
        width = self.width or 1
        columns = [self._column(i) for i in range(width)]
        metrics = {name: math.fsum(column[name] for column in columns) / width for name in METRICS}
        metrics["max_error"] = max(column["max_error"] for column in columns)
        if self.evaluation.per_column:
            for i, column in enumerate(columns):
                metrics.update({f"{name}/column={self.label(i)}": column[name] for name in METRICS})
        tables = [metric_table(metrics, METRICS)]
        if width > 1:
            rows: tuple[tuple[Cell, ...], ...] = tuple(
                (self.label(i), *(column[name] for name in METRICS)) for i, column in enumerate(columns)
            )
            tables.append(Table("Columns", ("column", *METRICS), rows))
        return Result("regression", self.samples, metrics, tuple(tables), self._charts(), self._constant())

    def _column(self, place: int) -> dict[str, float]:
        """All figures of one column, from exact integers; each is rounded at the end only."""
        weight, target, prediction, target2, prediction2, product, absolute, relative = (self._sums[n].total(place) for n in _SUMS)
        # Sums of squares, times the weight, in units of UNIT^2: rational numbers are never needed.
        squared = target2 - 2 * product + prediction2
        spread_target = weight * target2 - target * target
        spread_prediction = weight * prediction2 - prediction * prediction
        covariance = weight * product - target * prediction
        spread_error = weight * squared - (prediction - target) ** 2
        both = spread_target * spread_prediction
        mse = divide(squared, weight)
        error = weight * squared
        if spread_target <= 0:
            # Against a constant target there is only right or wrong.
            spread_target, error, spread_error = 1, int(error > 0), int(spread_error > 0)
        correlation = math.sqrt(divide(covariance * covariance, both)) if both > 0 else 0.0
        return {
            "mse": mse,
            "rmse": math.sqrt(mse),
            "mae": divide(absolute, weight) if self._fits("absolute", place) else math.inf,
            "mape": divide(relative, weight) if self._fits("relative", place) else math.inf,
            "max_error": float(self._largest[place]),
            "rse": divide(error, spread_target),
            "r2": divide(spread_target - error, spread_target),
            "explained_variance": divide(spread_target - spread_error, spread_target),
            "correlation": correlation if covariance >= 0 else -correlation,
        }

    def _fits(self, name: str, place: int) -> bool:
        return math.isfinite(self._sums[name].value(place))

    def _constant(self) -> tuple[Problem, ...]:
        names = []
        for place in range(self.width or 0):
            weight, target, target2 = (self._sums[name].total(place) for name in ("weight", "target", "target2"))
            if weight * target2 == target * target:
                names.append(self.label(place))
        if not names:
            return ()
        note = Problem(
            code="EV012",
            where="evaluation 'regression'",
            expected="targets that differ from each other",
            got=f"the same target everywhere in column {', '.join(names[:10])}",
            cause="R2, relative error, explained variance and correlation compare with the spread of the targets, which is 0",
            fix="judge on more samples, or look at mse and mae only",
        )
        return (note,)

    def _charts(self) -> tuple[Chart, ...]:
        charts = []
        for column, (p, t) in enumerate(self._points.columns()):
            label = "" if self.width == 1 and self.names is None else f": {self.label(column)}"
            pairs = Series("samples", tuple(t.tolist()), tuple(p.tolist()))
            charts.append(Chart("points", f"Predicted and true{label}", "target", "prediction", (pairs,), diagonal=True))
            with np.errstate(over="ignore"):
                residual = Series("samples", tuple(p.tolist()), tuple((p - t).tolist()))
            charts.append(Chart("points", f"Residuals{label}", "prediction", "prediction - target", (residual,)))
        return tuple(charts)
