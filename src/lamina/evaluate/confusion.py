"""The figures that follow from a confusion matrix alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lamina.evaluate.exact import Floats, Integers
from lamina.evaluate.names import f_name


def ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    """``part / whole``, and 0 where ``whole`` is 0: the convention of all figures here (and of scikit-learn)."""
    above, below = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    result: Floats = np.divide(above, below, out=np.zeros(above.shape), where=below != 0)
    return result


@dataclass(frozen=True)
class ClassCounts:
    """True and false positives and negatives of each class (or label), ``[classes]`` each."""

    true_positives: Floats
    false_positives: Floats
    false_negatives: Floats
    true_negatives: Floats

    @property
    def support(self) -> Floats:
        """How often each class was the target."""
        return self.true_positives + self.false_negatives

    @property
    def predicted(self) -> Floats:
        """How often each class was predicted."""
        return self.true_positives + self.false_positives

    def precision(self) -> Floats:
        """Share of the predictions of a class that are right."""
        return ratio(self.true_positives, self.predicted)

    def recall(self) -> Floats:
        """Share of the targets of a class that are found."""
        return ratio(self.true_positives, self.support)

    def f_score(self, beta: float) -> Floats:
        """Weighted harmonic mean of precision and recall; recall counts ``beta`` times as much."""
        square = beta * beta
        found = (1 + square) * self.true_positives
        return ratio(found, found + square * self.false_negatives + self.false_positives)

    def g_measure(self) -> Floats:
        """Geometric mean of precision and recall."""
        return np.sqrt(self.precision() * self.recall())

    def false_positive_rate(self) -> Floats:
        """Share of the samples of other classes that are taken for this one."""
        return ratio(self.false_positives, self.false_positives + self.true_negatives)

    def false_negative_rate(self) -> Floats:
        """Share of the targets of a class that are missed."""
        return ratio(self.false_negatives, self.support)

    def matthews(self) -> Floats:
        """Matthews correlation of each class against the rest."""
        tp, fp, fn, tn = self.true_positives, self.false_positives, self.false_negatives, self.true_negatives
        # Roots first: the product of four counts of a large data set overflows.
        scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
        return ratio(tp * tn - fp * fn, scale)

    def pooled(self) -> ClassCounts:
        """The sums over all classes as one class: micro averages are its figures."""
        parts = (self.true_positives, self.false_positives, self.false_negatives, self.true_negatives)
        return ClassCounts(*(np.array([part.sum()]) for part in parts))

    def figures(self, beta: float) -> dict[str, Floats]:
        """What is averaged over classes, by metric name."""
        return {
            "precision": self.precision(),
            "recall": self.recall(),
            "f1": self.f_score(1.0),
            **({} if beta == 1 else {f_name(beta): self.f_score(beta)}),
            "g_measure": self.g_measure(),
            "false_positive_rate": self.false_positive_rate(),
            "false_negative_rate": self.false_negative_rate(),
        }


def _summed(at: Integers, count: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(at, weights=count, minlength=size), dtype=np.float64)


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix, held by its cells that aren't zero.

    Attributes:
        classes: Number of classes.
        target: Row of each cell: the class it should have been.
        predicted: Column of each cell: the class that was predicted.
        count: How often.
    """

    classes: int
    target: Integers
    predicted: Integers
    count: Floats

    @property
    def total(self) -> float:
        """All that was counted."""
        return float(self.count.sum())

    def by_target(self) -> Floats:
        """Row sums."""
        return _summed(self.target, self.count, self.classes)

    def by_prediction(self) -> Floats:
        """Column sums."""
        return _summed(self.predicted, self.count, self.classes)

    def right(self) -> Floats:
        """The diagonal."""
        same = self.target == self.predicted
        return _summed(self.target[same], self.count[same], self.classes)

    def class_counts(self) -> ClassCounts:
        """Each class against the rest."""
        right, support, predicted = self.right(), self.by_target(), self.by_prediction()
        return ClassCounts(right, predicted - right, support - right, self.total - support - predicted + right)

    def matthews(self) -> float:
        """Matthews correlation for any number of classes (J. Gorodkin, 2004); 0 where it is undefined."""
        right, total = float(self.right().sum()), self.total
        support, predicted = self.by_target() / total, self.by_prediction() / total
        covariance = right / total - float((support * predicted).sum())
        spread = (1 - float((support * support).sum())) * (1 - float((predicted * predicted).sum()))
        return covariance / float(np.sqrt(spread)) if spread > 0 else 0.0

    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond chance; 0 where chance alone already agrees wholly."""
        total = self.total
        chance = float((self.by_target() / total * (self.by_prediction() / total)).sum())
        return (float(self.right().sum()) / total - chance) / (1 - chance) if chance < 1 else 0.0

    def dense(self) -> Floats:
        """The matrix itself, ``[classes, classes]``, rows are targets."""
        matrix = np.zeros((self.classes, self.classes))
        matrix[self.target, self.predicted] = self.count
        return matrix
