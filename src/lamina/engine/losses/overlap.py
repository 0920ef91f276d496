"""Losses over how much two regions overlap."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.losses.function import Activated, LossFunction, SampleLoss, computes
from lamina.engine.losses.regression import factors
from lamina.network import losses as L
from lamina.network.losses.overlap import Overlap


@computes(Overlap)
def _overlap(loss: Overlap, activate: Activated) -> LossFunction:
    weights = factors(loss)

    def samples(scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        axis = feature_axis(scores.dim())
        outputs = activate(scores).movedim(axis, -1)
        if target.is_floating_point():
            target = target.movedim(axis, -1)
        else:
            # Padding may hold classes that don't exist.
            known = target if mask is None else target.where(mask, 0)
            target = F.one_hot(known, outputs.shape[-1]).to(outputs.dtype)
        if mask is not None:
            outputs, target = outputs.where(mask.unsqueeze(-1), 0.0), target.where(mask.unsqueeze(-1), 0.0)
        outputs, target = outputs.flatten(1, -2), target.flatten(1, -2)
        values = _missing(loss, (outputs * target).sum(1), target.sum(1), outputs.sum(1))
        if weights is not None:
            values = values * weights.like(values)
        values = values.mean(1)
        return values if mask is None else values.where(mask.any(1), 0.0)

    return SampleLoss(loss, samples)


def _missing(loss: Overlap, both: Tensor, there: Tensor, found: Tensor) -> Tensor:
    """One minus the share of a region that is found."""
    if isinstance(loss, L.Dice | L.CategoricalDice):
        return 1 - (2 * both + loss.smooth) / (there + found + loss.smooth)
    if isinstance(loss, L.Tversky | L.CategoricalTversky):
        index = (both + loss.smooth) / (both + loss.alpha * (found - both) + loss.beta * (there - both) + loss.smooth)
        # Rounding may leave a little more than everything, which has no power of 0.75.
        return (1 - index).clamp_min(0) if loss.gamma == 1 else (1 - index).clamp_min(1e-7).pow(loss.gamma)
    return 1 - (both + loss.smooth) / (there + found - both + loss.smooth)
