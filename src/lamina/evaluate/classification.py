"""Judging a classifier: one class a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from lamina.errors import EvaluationError, Problem
from lamina.evaluate.batches import Array, Batch, class_batch
from lamina.evaluate.confusion import Confusion, f_name, ratio
from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.evaluate.exact import Counts, ExactSum, Floats, Integers
from lamina.evaluate.result import Chart, Result, Table, metric_table
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive, listed

AVERAGES = ("macro", "micro", "weighted")
MAX_SHOWN = 20
"""Most classes whose confusion matrix is printed."""


@register("classification")
class Classification(Evaluation):
    """Accuracy and what else a confusion matrix tells, and the log loss.

    Predictions: probabilities ``[batch, classes]``, ``[batch, steps, classes]`` (each step is judged) or ``[batch, classes,
    height, width]`` (each pixel); for two classes also the probability of the second, ``[batch]``, ``[batch, 1]`` or
    ``[batch, steps, 1]``. Targets: class indices, or one-hot in the shape of the predictions.

    The class of the largest probability is predicted, the first of equals. The plain names ``precision``, ``recall``, ``f1``,
    ``g_measure``, ``false_positive_rate`` and ``false_negative_rate`` mean those of the second (positive) class where there are
    two classes, and the macro average otherwise; ``average`` changes that. ``/macro``, ``/micro`` and ``/weighted`` are there
    always. Where a figure would divide by zero it is 0; classes that are neither target nor prediction of any sample are
    left out of macro averages, and classes never seen as target out of the balanced accuracy (both as scikit-learn has it).

    Log loss: ``-log(p)`` of the right class, averaged; ``p`` is cut to [e, 1 - e], where e is the machine epsilon of the
    predictions' precision (1.2e-7 for float32).

    Attributes:
        top_n: Also count how often the right class is among the ``top_n`` most probable (``top_3_accuracy``); a class whose
            probability equals that of the right one does not push it out.
        beta: Also give the F score of this beta (``f2``): recall counts ``beta`` times as much as precision.
        average: What the plain names mean.
        threshold: For two classes: predict the second where its probability is at least this.
        cost: A factor for the probability of each class before the largest is chosen.
        per_class: Also give precision, recall and F1 of each class as metrics (``recall/class=cat``), not just in the table.
        probabilities: Whether predictions must be probabilities; False judges plain scores, without log loss.

    Example:
        >>> accumulator = Classification().start()
        >>> accumulator.update([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1])
        >>> accumulator.result()["accuracy"]
        0.6666666666666666
    """

    judges: ClassVar[tuple[Kind, ...]] = ("classes",)
    smaller_is_better: ClassVar[tuple[str, ...]] = ("log_loss", "error_rate", "false_positive_rate", "false_negative_rate")

    top_n: Count = 1
    beta: Positive = 1.0
    average: Literal["auto", "macro", "micro", "weighted"] = "auto"
    threshold: float | None = Field(default=None, ge=0, le=1)
    cost: listed(Positive) = ()  # type: ignore[valid-type]
    per_class: bool = False
    probabilities: bool = True

    @model_validator(mode="after")
    def _one_rule(self) -> Classification:
        if self.threshold is not None and self.cost:
            raise wrong_value(
                expected="threshold or cost, not both",
                cause="both say how a class is chosen",
                fix="remove one; for two classes the threshold t is the cost [t, 1 - t]",
            )
        return self

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        return _ClassCounter(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        found = ["accuracy", "error_rate", "balanced_accuracy"]
        found += [f"top_{self.top_n}_accuracy"] if self.top_n > 1 else []
        averaged = ["precision", "recall", "f1", *([f_name(self.beta)] if self.beta != 1 else []), "g_measure"]
        averaged += ["false_positive_rate", "false_negative_rate"]
        found += [f"{name}{suffix}" for name in averaged for suffix in ("", *(f"/{a}" for a in AVERAGES))]
        found += ["mcc", "kappa"] + (["log_loss"] if self.probabilities else [])
        if self.per_class:
            labels = names or [str(i) for i in range(max(width or 0, 2))]
            found += [f"{name}/class={label}" for name in ("precision", "recall", "f1") for label in labels]
        return found

    @classmethod
    def examples(cls) -> list[Classification]:
        return [
            Classification(),
            Classification(top_n=2, beta=2.0, average="weighted", per_class=True),
            Classification(cost=(1.0, 2.0, 0.5), probabilities=False),
        ]


class _ClassCounter(Accumulator):
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

    def _merge(self, other: _ClassCounter) -> None:
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


def whole(value: float) -> int | float:
    """A count as a whole number, unless weights made it a fraction."""
    return int(value) if float(value).is_integer() else float(value)


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
