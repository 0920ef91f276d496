"""Judging several yes/no labels a sample, each on its own."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.evaluate.names import AVERAGES, f_name
from lamina.spec import register
from lamina.spec.fields import Positive


@register("multilabel")
class Multilabel(Evaluation):
    """Every label judged as a yes/no question of its own, and averaged over labels.

    Predictions: a probability for each label, ``[batch, labels]`` or ``[batch, steps, labels]``. Targets: 0 or 1, same shape.

    The plain names mean the macro average (every label counts alike); ``/micro`` pools all labels, ``/weighted`` weighs each by
    how often it was true. Where a figure would divide by zero it is 0. ``accuracy`` is the share of right yes/no decisions,
    ``hamming_loss`` that of wrong ones, ``subset_accuracy`` the share of samples with every label right. ``log_loss`` is the mean
    binary cross-entropy of a decision, probabilities cut as in `Classification`.

    Attributes:
        threshold: A label is predicted where its probability is at least this.
        beta: Also give the F score of this beta.

    Example:
        >>> accumulator = Multilabel().start()
        >>> accumulator.update([[0.9, 0.1], [0.2, 0.8]], [[1, 0], [1, 1]])
        >>> accumulator.result()["subset_accuracy"]
        0.5
    """

    judges: ClassVar[tuple[Kind, ...]] = ("multilabel",)
    smaller_is_better: ClassVar[tuple[str, ...]] = ("hamming_loss", "log_loss", "false_positive_rate", "false_negative_rate")

    threshold: float = Field(default=0.5, ge=0, le=1)
    beta: Positive = 1.0

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        from lamina.evaluate.counting.multilabel import LabelCounter

        return LabelCounter(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        averaged = ["precision", "recall", "f1", *([f_name(self.beta)] if self.beta != 1 else []), "g_measure"]
        averaged += ["false_positive_rate", "false_negative_rate"]
        found = ["accuracy", "subset_accuracy", "hamming_loss", "balanced_accuracy"]
        found += [f"{name}{suffix}" for name in averaged for suffix in ("", *(f"/{a}" for a in AVERAGES))]
        return [*found, "mcc", "log_loss"]

    @classmethod
    def examples(cls) -> list[Multilabel]:
        return [Multilabel(), Multilabel(threshold=0.3, beta=0.5)]
