"""Judging whether probabilities mean what they say."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.spec import register

METRICS = ("ece", "mce", "ece/classwise", "brier")


@register("calibration")
class Calibration(Evaluation):
    """Do things predicted with 70 % happen in 70 % of the cases?

    Predictions and targets as for `Classification`, or as for `Multilabel` where the target is of that kind. Probabilities are
    sorted into equal bins; in each, the mean probability is compared with the share that came true.

    ``ece``, expected calibration error: the mean distance of the two, weighted by the samples of each bin, for the probability of
    the predicted class (of labels: ``ece/classwise``). ``mce``: the largest distance. ``ece/classwise``: the mean over all classes of
    the error of that class's own probability. ``brier``: mean squared distance between probabilities and what came true: of
    the second class where there are two (0 to 1), summed over the classes where there are more (0 to 2), averaged over labels.

    Tables and charts: reliability, histogram of the probabilities, and residuals ``|truth - probability|``.

    Attributes:
        bins: Number of bins.

    Example:
        >>> accumulator = Calibration(bins=2).start()
        >>> accumulator.update([[0.25, 0.75], [0.25, 0.75], [0.75, 0.25], [0.25, 0.75]], [1, 1, 0, 0])
        >>> accumulator.result()["ece"]
        0.0
    """

    judges: ClassVar[tuple[Kind, ...]] = ("classes", "multilabel")
    smaller_is_better: ClassVar[tuple[str, ...]] = ("ece", "mce", "brier")

    bins: int = Field(default=10, ge=2, le=1000)

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        from lamina.evaluate.counting.calibration import Bins

        return Bins(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        return list(METRICS)

    @classmethod
    def examples(cls) -> list[Calibration]:
        return [Calibration(), Calibration(bins=15)]
