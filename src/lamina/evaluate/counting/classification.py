"""Counting for `lamina.evaluate.classification`: the cells of the confusion matrix, and the exact sum of log losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.errors import EvaluationError, Problem
from lamina.evaluate.batches import Array, Batch, class_batch
from lamina.evaluate.classification import Classification
from lamina.evaluate.confusion import Confusion, ratio
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import Counts, ExactSum, Floats, Integers
from lamina.evaluate.names import f_name
from lamina.evaluate.result import Chart, Result, Table, metric_table, whole

MAX_SHOWN = 20
"""Most classes whose confusion matrix is printed."""


class ClassCounter(Accumulator):
    """Confusion counts, and the exact sum of log losses."""

    evaluation: Classification

    def _least_width(self) -> int:
        return 2

    def _open(self, width: int) -> None:
        self.width = width
        self._cells = Counts(width * width)
        self._top = Counts(2)
        self._loss = ExactSum()

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        rule = self.evaluation
        where = "evaluation 'classification'"
        batch = class_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen, probabilities=rule.probabilities)
        width = batch.predictions.shape[1]
        chosen = _choose(rule, batch.predictions)
        if self.width is None:
            self._open(width)
        self._cells.add(batch.targets * width + chosen, batch.weight)
        if rule.top_n > 1:
            self._top.add(_among_top(batch, rule.top_n).astype(np.int64), batch.weight)
        if rule.probabilities:
            self._loss.add(_log_loss(batch), weight=batch.weight)
        self.samples += len(batch.targets)

    def _merge(self, other: ClassCounter) -> None:
        self._cells.merge(other._cells)
        self._top.merge(other._top)
        self._loss.merge(other._loss)

    def _state(self) -> dict[str, Any]:
        return {"cells": self._cells.state_dict(), "top": self._top.state_dict(), "loss": self._loss.state_dict()}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._cells.load_state_dict(state["cells"])
        self._top.load_state_dict(state["top"])
        self._loss.load_state_dict(state["loss"])

    def confusion(self) -> Confusion:
        """The confusion matrix so far."""
        width = self.width or 2
        index, count = self._cells.cells()
        return Confusion(width, index // width, index % width, count)

    def _result(self) -> Result:
        matrix = self.confusion()
        metrics = self._metrics(matrix)
        labels = tuple(self.label(i) for i in range(matrix.classes))
        notes = self._missing(matrix, labels)
        tables = [_summary(metrics, self.evaluation), _class_table(matrix, labels, self.evaluation.beta)]
        charts: list[Chart] = []
        if matrix.classes <= MAX_SHOWN:
            tables.append(_confusion_table(matrix, labels))
            grid = tuple(tuple(row) for row in matrix.dense().tolist())
            charts.append(Chart("heatmap", "Confusion matrix", "predicted", "target", matrix=grid, labels=labels))
        return Result("classification", self.samples, metrics, tuple(tables), tuple(charts), notes)

    def _metrics(self, matrix: Confusion) -> dict[str, float]:
        rule, total, counts = self.evaluation, matrix.total, matrix.class_counts()
        accuracy = float(matrix.right().sum()) / total
        seen = counts.support > 0
        met = seen | (counts.predicted > 0)
        metrics = {"accuracy": accuracy, "error_rate": 1 - accuracy, "balanced_accuracy": float(counts.recall()[seen].mean())}
        if rule.top_n > 1:
            metrics[f"top_{rule.top_n}_accuracy"] = float(self._top.values()[1]) / total
        figures, pooled = counts.figures(rule.beta), counts.pooled().figures(rule.beta)
        for name, values in figures.items():
            averages = {
                "macro": float(values[met].mean()),
                "micro": float(pooled[name][0]),
                "weighted": float((values * counts.support).sum() / total),
            }
            positive = float(values[1]) if matrix.classes == 2 else averages["macro"]
            metrics[name] = positive if rule.average == "auto" else averages[rule.average]
            metrics.update({f"{name}/{average}": value for average, value in averages.items()})
        metrics["mcc"], metrics["kappa"] = matrix.matthews(), matrix.kappa()
        if rule.probabilities:
            metrics["log_loss"] = self._loss.value() / total
        if rule.per_class:
            for name in ("precision", "recall", "f1"):
                metrics.update({f"{name}/class={self.label(i)}": float(v) for i, v in enumerate(figures[name])})
        return metrics

    def _missing(self, matrix: Confusion, labels: tuple[str, ...]) -> tuple[Problem, ...]:
        """One warning for all classes whose figures are 0 by convention only."""
        unseen = [label for label, count in zip(labels, matrix.by_target(), strict=True) if not count]
        unpredicted = [label for label, count in zip(labels, matrix.by_prediction(), strict=True) if not count]
        if not unseen and not unpredicted:
            return ()
        parts = [f"{word}: {_some(found)}" for word, found in (("never seen", unseen), ("never predicted", unpredicted)) if found]
        note = Problem(
            code="EV006",
            where="evaluation 'classification'",
            expected="every class among the targets and among the predictions",
            got="; ".join(parts),
            cause="Recall of a class never seen and precision of a class never predicted count as 0",
            fix="judge on more data, or split with stratify: true; a class never predicted needs more training or samples",
        )
        return (note,)


def _choose(rule: Classification, scores: Array) -> Integers:
    """The predicted class of each row."""
    if rule.threshold is not None and scores.shape[1] == 2:
        return (scores[:, 1] >= rule.threshold).astype(np.int64)
    setting = "threshold" if rule.threshold is not None else "cost"
    wanted = 2 if rule.threshold is not None else len(rule.cost) or scores.shape[1]
    if wanted != scores.shape[1]:
        raise EvaluationError(
            "EV008",
            where=f"evaluation 'classification', {setting}",
            expected=f"a classifier of {wanted} classes, as {setting} is set",
            got=f"{scores.shape[1]} classes",
            cause="a threshold decides between two classes" if setting == "threshold" else "there must be one cost for each class",
            fix=f"remove {setting}" + ("; use cost for more classes" if setting == "threshold" else f", or list {scores.shape[1]} costs"),
        )
    if rule.cost:
        scores = scores * np.asarray(rule.cost, dtype=np.float64)
    chosen: Integers = scores.argmax(axis=1).astype(np.int64)
    return chosen


def _among_top(batch: Batch, top: int) -> Array:
    right = np.take_along_axis(batch.predictions, batch.targets[:, None], axis=1)
    better: Array = (batch.predictions > right).sum(axis=1)
    return better < top


def _log_loss(batch: Batch) -> Floats:
    right = np.take_along_axis(batch.predictions, batch.targets[:, None], axis=1)[:, 0]
    epsilon = float(np.finfo(right.dtype).eps)
    return -np.log(np.clip(right.astype(np.float64), epsilon, 1 - epsilon))


def _summary(metrics: Mapping[str, float], rule: Classification) -> Table:
    shown = ["accuracy", "balanced_accuracy", f"top_{rule.top_n}_accuracy", "precision", "recall", "f1", f_name(rule.beta), "g_measure"]
    shown += ["mcc", "kappa", "log_loss"]
    return metric_table(metrics, [name for name in dict.fromkeys(shown) if name in metrics])


def _class_table(matrix: Confusion, labels: tuple[str, ...], beta: float) -> Table:
    counts = matrix.class_counts()
    columns = ["precision", "recall", "f1", *([f_name(beta)] if beta != 1 else [])]
    figures = counts.figures(beta)
    rows: list[tuple[str | int | float, ...]] = [
        (label, *(float(figures[name][i]) for name in columns), whole(counts.support[i])) for i, label in enumerate(labels)
    ]
    met = (counts.support > 0) | (counts.predicted > 0)
    pooled = counts.pooled().figures(beta)
    rows.append(("macro average", *(float(figures[name][met].mean()) for name in columns), whole(matrix.total)))
    rows.append(("micro average", *(float(pooled[name][0]) for name in columns), whole(matrix.total)))
    shares = ratio(counts.support, matrix.total)
    rows.append(("weighted average", *(float((figures[name] * shares).sum()) for name in columns), whole(matrix.total)))
    return Table("Classes", ("class", *columns, "support"), tuple(rows))


def _confusion_table(matrix: Confusion, labels: tuple[str, ...]) -> Table:
    rows = tuple((label, *(whole(v) for v in row)) for label, row in zip(labels, matrix.dense(), strict=True))
    return Table("Confusion matrix (rows: target, columns: predicted)", ("", *labels), rows)


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
