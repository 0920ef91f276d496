"""Counting for `lamina.evaluate.multilabel`: a small confusion matrix for each label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.errors import Problem
from lamina.evaluate.batches import Batch, column_batch
from lamina.evaluate.confusion import ClassCounts, ratio
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import Counts, ExactSum, Floats
from lamina.evaluate.multilabel import Multilabel
from lamina.evaluate.result import Result, Table, metric_table, whole


class LabelCounter(Accumulator):
    """For each label how often target and prediction were 0 and 1."""

    evaluation: Multilabel

    def _open(self, width: int) -> None:
        self.width = width
        # Cell 4 * label + 2 * target + prediction.
        self._cells = Counts(4 * width)
        self._whole = Counts(2)
        self._loss = ExactSum()

    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None:
        where = "evaluation 'multilabel'"
        batch = column_batch(predictions, targets, weight, where=where, width=self.width, seen=self._seen, labels=True)
        rows, width = batch.predictions.shape
        if self.width is None:
            self._open(width)
        chosen = (batch.predictions >= self.evaluation.threshold).astype(np.int64)
        target = batch.targets.astype(np.int64)
        spread = None if batch.weight is None else np.broadcast_to(batch.weight[:, None], (rows, width))
        self._cells.add((4 * np.arange(width) + 2 * target + chosen).ravel(), None if spread is None else spread.ravel())
        self._whole.add((chosen == target).all(axis=1).astype(np.int64), batch.weight)
        self._loss.add(_cross_entropy(batch), weight=spread)
        self.samples += rows

    def _merge(self, other: LabelCounter) -> None:
        self._cells.merge(other._cells)
        self._whole.merge(other._whole)
        self._loss.merge(other._loss)

    def _state(self) -> dict[str, Any]:
        return {"cells": self._cells.state_dict(), "whole": self._whole.state_dict(), "loss": self._loss.state_dict()}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._cells.load_state_dict(state["cells"])
        self._whole.load_state_dict(state["whole"])
        self._loss.load_state_dict(state["loss"])

    def _result(self) -> Result:
        cells = self._cells.values().reshape(-1, 4)
        counts = ClassCounts(cells[:, 3], cells[:, 1], cells[:, 2], cells[:, 0])
        metrics = self._metrics(counts)
        labels = [self.label(i) for i in range(len(cells))]
        figures, accuracy = counts.figures(self.evaluation.beta), _accuracy(counts)
        columns = ["precision", "recall", "f1"]
        rows = tuple(
            (label, float(accuracy[i]), *(float(figures[n][i]) for n in columns), float(counts.matthews()[i]), whole(counts.support[i]))
            for i, label in enumerate(labels)
        )
        main = ["accuracy", "subset_accuracy", "hamming_loss", "balanced_accuracy", *columns, "f1/micro", "mcc", "log_loss"]
        tables = (metric_table(metrics, main), Table("Labels", ("label", "accuracy", *columns, "mcc", "support"), rows))
        return Result("multilabel", self.samples, metrics, tables, cautions=_one_sided(counts, labels))

    def _metrics(self, counts: ClassCounts) -> dict[str, float]:
        whole_counts, beta = self._whole.values(), self.evaluation.beta
        accuracy = _accuracy(counts)
        total = float(whole_counts.sum())
        wrong = float((counts.false_positives + counts.false_negatives).sum())
        decisions = total * len(accuracy)
        metrics = {
            "accuracy": 1 - wrong / decisions,
            "subset_accuracy": float(whole_counts[1]) / total,
            "hamming_loss": wrong / decisions,
            "balanced_accuracy": float(((counts.recall() + 1 - counts.false_positive_rate()) / 2).mean()),
        }
        pooled = counts.pooled().figures(beta)
        for name, values in counts.figures(beta).items():
            metrics[name] = metrics[f"{name}/macro"] = float(values.mean())
            metrics[f"{name}/micro"] = float(pooled[name][0])
            metrics[f"{name}/weighted"] = float(ratio((values * counts.support).sum(), counts.support.sum()))
        metrics["mcc"] = float(counts.matthews().mean())
        metrics["log_loss"] = self._loss.value() / decisions
        return metrics


def _accuracy(counts: ClassCounts) -> Floats:
    right = counts.true_positives + counts.true_negatives
    return ratio(right, right + counts.false_positives + counts.false_negatives)


def _cross_entropy(batch: Batch) -> Floats:
    right = np.where(batch.targets == 1, batch.predictions, 1 - batch.predictions)
    epsilon = float(np.finfo(batch.predictions.dtype).eps)
    return -np.log(np.clip(right.astype(np.float64), epsilon, 1 - epsilon))


def _one_sided(counts: ClassCounts, labels: list[str]) -> tuple[Problem, ...]:
    parts = []
    for word, found in (("never true", counts.support), ("never predicted", counts.predicted)):
        names = [label for label, count in zip(labels, found, strict=True) if not count]
        parts += [f"{word}: {', '.join(names[:10])}" + (" ..." if len(names) > 10 else "")] if names else []
    if not parts:
        return ()
    note = Problem(
        code="EV006",
        where="evaluation 'multilabel'",
        expected="every label true for some samples and predicted for some",
        got="; ".join(parts),
        cause="Recall of a label never true and precision of a label never predicted count as 0",
        fix="judge on more data, or lower threshold",
    )
    return (note,)
