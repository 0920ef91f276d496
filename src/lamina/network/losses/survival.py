"""Losses for the time until something happens, where for some it hadn't happened when one stopped looking."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lamina.network.losses.loss import Loss, Misfit
from lamina.shapes import Features, Shape
from lamina.spec import register


@register("cox")
class Cox(Loss):
    """``1/d sum_{i: event} (log sum_{j: t_j >= t_i} exp(y_j) - y_i)``: the partial likelihood of proportional hazards (Cox 1972).

    The one unit of the output is the logarithm of a sample's relative risk. Targets are two numbers a sample, ``[time, event]``:
    how long it was watched, and 1 if the event happened then, 0 if it hadn't happened yet (censored). ``d`` is the number of
    events (their weights, added up); a batch without any has the loss 0.

    The loss exists for batches only: who is at risk is asked within the batch, so larger batches come nearer to the likelihood of
    all data. Judged by the evaluation `concordance`.

    Attributes:
        ties: Events at the same time: ``efron`` (Efron 1977), nearer to the exact likelihood, or ``breslow`` (Breslow 1974), the
            formula above. Weights are taken relative to their mean; under ``breslow`` a sample that weighs twice as much has the
            gradient of two.
    """

    positional: ClassVar[tuple[str, ...]] = ("ties",)
    judges: ClassVar[tuple[type[Shape], ...]] = (Features,)
    target_rule = "a time of at least 0, and 0 or 1: whether the event happened then"
    per_sample = False
    by_position = False
    judged_by = "concordance"

    ties: Literal["efron", "breslow"] = "efron"

    @property
    def repeats(self) -> bool:
        return False

    def target_width(self, units: int) -> int:
        return 2

    def wrong_targets(self, values: Any) -> Any:
        wrong = values < 0
        wrong[..., 1] |= (values[..., 1] != 0) & (values[..., 1] != 1)
        return wrong

    def misfit(self, units: int) -> Misfit | None:
        if units == 1:
            return None
        return Misfit(
            expected="one output unit: the logarithm of the relative risk",
            got=f"{units} units",
            cause="cox orders samples by one number each",
            fix="write units: 1",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [Cox(), Cox("breslow")]
