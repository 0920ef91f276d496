"""Losses for the time until something happens."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.losses.function import Activated, BatchLoss, LossFunction, computes
from lamina.network import losses as L


@computes(L.Cox)
def _cox(loss: L.Cox, activate: Activated) -> LossFunction:
    def whole(scores: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        risk, time, event = activate(scores).squeeze(1), target[:, 0], target[:, 1] > 0
        weight = torch.ones_like(risk) if weight is None else weight.to(risk.dtype)
        counts = weight > 0
        risk, time, event, weight = risk[counts], time[counts], event[counts], weight[counts]
        order = torch.argsort(time, descending=True, stable=True)
        risk, time, event, weight = risk[order], time[order], event[order], weight[order]
        # Who has the same time is at risk together: the sum up to the last of them.
        last = torch.searchsorted(-time, -time, right=True) - 1
        weight = weight / weight.mean()
        heavy = risk + weight.log()
        at_risk = heavy.logcumsumexp(0)[last]
        weighted = weight * event
        mean_weight = weight
        if loss.ties == "efron":
            mean_weight, correction = _efron(heavy, at_risk, weighted, event, last)
            at_risk = at_risk + correction
        total = (torch.where(event, mean_weight * at_risk - weight * risk, 0.0)).sum()
        return total / weighted.sum().clamp_min(torch.finfo(risk.dtype).tiny)

    return BatchLoss(loss, whole)


def _efron(heavy: Tensor, at_risk: Tensor, weighted: Tensor, event: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Of each sample: the mean weight of the events at its time, and the logarithm of what share of them is still at risk.

    Of ``d`` events at one time, event ``l`` of ``0 ... d - 1`` sees all others but ``l / d`` of what the events themselves add up to.
    """
    size, happened = len(last), event.to(heavy.dtype)
    share = torch.where(event, (heavy - at_risk).exp(), 0.0)
    together = torch.zeros_like(heavy).index_add(0, last, share)[last]
    count = torch.zeros_like(heavy).index_add(0, last, happened)[last].clamp_min(1)
    mean = torch.zeros_like(heavy).index_add(0, last, weighted)[last] / count
    before = happened.cumsum(0) - happened
    first = torch.full((size,), torch.inf, dtype=heavy.dtype, device=heavy.device).scatter_reduce(0, last, before, "amin")
    place = before - first[last]
    # A sample that is no event has no place among them.
    return mean, torch.log1p(-torch.where(event, place / count, 0.0) * together)
