"""Judging predicted numbers."""

from __future__ import annotations

from typing import ClassVar

from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind
from lamina.spec import register

METRICS = ("mse", "rmse", "mae", "mape", "max_error", "rse", "r2", "explained_variance", "correlation")


@register("regression")
class Regression(Evaluation):
    """Errors of predicted numbers, for each column and averaged over the columns.

    Predictions and targets: ``[batch]``, ``[batch, columns]`` or ``[batch, steps, columns]``.

    ``mse``, ``rmse``, ``mae``: mean squared, its root, mean absolute error. ``mape``: mean of ``|error / target|`` (a share, not per
    cent; targets nearer to 0 than 2.2e-16 count as that). ``max_error``: the largest absolute error (over all columns).
    ``r2 = 1 - rse``, where ``rse`` is the squared error relative to that of always predicting the mean. ``explained_variance``: as
    ``r2``, but blind to a constant offset. ``correlation``: Pearson's. Where all targets are equal, ``r2`` is 1 for a perfect
    prediction and 0 otherwise; where targets or predictions are all equal, ``correlation`` is 0.

    All sums of squares and products are exact, so nothing cancels: targets around 1e8 with errors of 1e-3 are judged rightly.

    Attributes:
        per_column: Also give every figure of every column as a metric (``mse/column=price``), not just in the table.

    Example:
        >>> accumulator = Regression().start()
        >>> accumulator.update([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
        >>> accumulator.result()["r2"]
        0.5
    """

    judges: ClassVar[tuple[Kind, ...]] = ("numbers",)
    smaller_is_better: ClassVar[tuple[str, ...]] = ("mse", "rmse", "mae", "mape", "max_error", "rse")

    per_column: bool = False

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        from lamina.evaluate.counting.regression import Moments

        return Moments(self, names, width, kind)

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        labels = names or [str(i) for i in range(width or 1)]
        return [*METRICS, *(f"{name}/column={label}" for label in labels for name in METRICS if self.per_column)]

    @classmethod
    def examples(cls) -> list[Regression]:
        return [Regression(), Regression(per_column=True)]
