"""Losses over whole sequences."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.losses.classification import log_shares
from lamina.engine.losses.function import Activated, LossFunction, SampleLoss, computes
from lamina.network import losses as L


@computes(L.Ctc)
def _ctc(loss: L.Ctc, activate: Activated) -> LossFunction:
    logs = log_shares(activate)

    def samples(scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        # Once more over the labels: torch's gradient is right for distributions only, which clipping can spoil.
        logarithms = logs(scores).log_softmax(2)
        steps = torch.full(scores.shape[:1], scores.shape[1], device=scores.device)
        if mask is not None:
            steps = mask.sum(1)
            logarithms = logarithms.where(mask.unsqueeze(2), 0.0).gather(1, _to_the_front(mask).unsqueeze(2).expand_as(logarithms))
        given = target != loss.padding
        length = given.sum(1)
        labels = target.where(given, 0).gather(1, _to_the_front(given))
        values = F.ctc_loss(
            logarithms.transpose(0, 1),
            labels,
            steps,
            length,
            blank=loss.blank,
            reduction="none",
            zero_infinity=loss.skip_impossible,
        )
        if loss.per_label:
            values = values / length.clamp_min(1)
        return values if mask is None else values.where(steps > 0, 0.0)

    return SampleLoss(loss, samples)


def _to_the_front(chosen: Tensor) -> Tensor:
    """An order of each row that brings the chosen to its beginning, in their order."""
    return (~chosen).to(torch.uint8).argsort(dim=1, stable=True)
