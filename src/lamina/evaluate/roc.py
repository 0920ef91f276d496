"""ROC and precision-recall: how well scores rank, over all thresholds."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.spec import register

METRICS = ("roc_auc", "roc_auc/weighted", "average_precision", "average_precision/weighted", "pr_auc")


@register("roc")
class Roc(Evaluation):
    """ROC and precision-recall curves and the areas under them.

    Predictions and targets as for `Classification`, or as for `Multilabel` where the target is of that kind. Two classes: the
    second is the positive one. More classes, or labels: each against the rest, and the mean over them (``/weighted``: weighted by
    how often each was the target). A class without any positive or any negative sample has no curve and is left out.

    ``roc_auc`` is the area under the ROC curve by the trapezoid rule, which counts ties by half; ``average_precision`` the sum of
    precision times gain in recall (no interpolation); ``pr_auc`` the area under the precision-recall curve by the trapezoid rule.
    The best threshold is the one with the largest ``true positive rate - false positive rate`` (Youden's J).

    Memory: without ``bins`` every score is kept (in its own precision): for 1,000,000 samples of 10 classes in float32, 48 MB.
    With ``bins`` it is a few numbers a bin, and the areas are those of scores rounded down to a multiple of ``1/bins``.

    Attributes:
        bins: Number of equal steps that the thresholds from 0 to 1 are cut into; None to use every score.
        probabilities: Whether predictions must be probabilities; plain scores need ``bins`` unset.

    Example:
        >>> accumulator = Roc().start()
        >>> accumulator.update([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        >>> accumulator.result()["roc_auc"]
        0.75
    """

    judges: ClassVar[tuple[Kind, ...]] = ("classes", "multilabel")

    bins: int | None = Field(default=None, ge=2, le=1_000_000)
    probabilities: bool = True

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        from lamina.evaluate.counting.roc import BinnedScores, Scores

        return Scores(self, names, width, kind) if self.bins is None else BinnedScores(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        return list(METRICS)

    @classmethod
    def examples(cls) -> list[Roc]:
        return [Roc(), Roc(bins=50)]
