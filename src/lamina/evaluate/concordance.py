"""Judging predicted risks against times of which some are not known to the end."""

from __future__ import annotations

from typing import ClassVar

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.spec import register

METRICS = ("concordance",)


@register("concordance")
class Concordance(Evaluation):
    """The concordance index of survival models (Harrell et al. 1982): how often the sample at higher risk fails first.

    Predictions: ``[batch]`` or ``[batch, 1]``, larger for samples that should fail sooner. Targets: ``[batch, 2]``, the time that a
    sample was watched, and 1 if it failed then, 0 if it hadn't failed yet.

    A pair can be compared where the one with the shorter time failed; of two with the same time, where one failed and the other was
    seen to outlive it. ``concordance`` is the share of these pairs in which the one that failed first has the higher risk; equal
    risks count by half. 0.5 is chance. A pair weighs the product of the weights of its samples.

    All predictions are kept: for 1,000,000 samples 32 MB.

    Example:
        >>> accumulator = Concordance().start()
        >>> accumulator.update([2.0, 1.0, 0.0], [[1, 1], [2, 0], [3, 1]])
        >>> accumulator.result()["concordance"]
        1.0
    """

    judges: ClassVar[tuple[Kind, ...]] = ("numbers",)
    columns: ClassVar[tuple[str, ...]] = ("time", "event")

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        from lamina.evaluate.counting.concordance import Risks

        return Risks(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        return list(METRICS)

    @classmethod
    def examples(cls) -> list[Concordance]:
        return [Concordance()]
