"""Judging a classifier: one class a sample."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.evaluate.names import AVERAGES, f_name
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive, listed


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
        from lamina.evaluate.counting.classification import ClassCounter

        return ClassCounter(self, names, width, kind)

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
