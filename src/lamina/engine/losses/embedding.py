"""Losses that place samples near to those of their group."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.losses.function import Activated, BatchLoss, LossFunction, computes
from lamina.network import losses as L
from lamina.network.losses.embedding import EmbeddingLoss

Anchors = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""From embeddings, and for each pair whether they are of one group, and of two: values, and the anchor of each value."""


def _over_anchors(loss: EmbeddingLoss, activate: Activated, anchors: Anchors) -> LossFunction:
    """The mean over all values, each weighing what its anchor weighs."""

    def whole(scores: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        if weight is not None:
            # What doesn't count must not be near or far from anything either.
            counts = weight > 0
            scores, target, weight = scores[counts], target[counts], weight[counts]
        if len(target) == 0:
            return scores.sum()
        same = target.unsqueeze(1) == target.unsqueeze(0)
        values, anchor = anchors(activate(scores), same & ~torch.eye(len(target), dtype=torch.bool, device=target.device), ~same)
        shares = torch.ones_like(values) if weight is None else weight.to(values.dtype)[anchor]
        return (values * shares).sum() / shares.sum().clamp_min(torch.finfo(values.dtype).tiny)

    return BatchLoss(loss, whole)


def _cosines(embeddings: Tensor) -> Tensor:
    unit = F.normalize(embeddings, dim=1)
    return unit @ unit.T


def _distances(embeddings: Tensor, kind: str) -> Tensor:
    if kind == "cosine":
        return 1 - _cosines(embeddings)
    # Not by products: the distance of what is near would be rounding errors.
    distances = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.square() if kind == "squared" else distances


@computes(L.Triplet)
def _triplet(loss: L.Triplet, activate: Activated) -> LossFunction:
    def hard(distances: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        furthest = distances.where(same, -torch.inf).amax(1)
        nearest = distances.where(other, torch.inf).amin(1)
        (anchor,) = (same.any(1) & other.any(1)).nonzero(as_tuple=True)
        return furthest[anchor] - nearest[anchor], anchor

    def semi_hard(distances: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        anchor, positive = (same & other.any(1, keepdim=True)).nonzero(as_tuple=True)
        pairs, others, allowed = distances[anchor, positive], distances[anchor], other[anchor]
        further = others.where(allowed & (others > pairs.unsqueeze(1)), torch.inf).amin(1)
        furthest = others.where(allowed, -torch.inf).amax(1)
        return pairs - torch.where(further.isfinite(), further, furthest), anchor

    def every(distances: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        anchor, positive, negative = (same.unsqueeze(2) & other.unsqueeze(1)).nonzero(as_tuple=True)
        return distances[anchor, positive] - distances[anchor, negative], anchor

    mine = {"hard": hard, "semi_hard": semi_hard, "all": every}[loss.mining]

    def anchors(embeddings: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        differences, anchor = mine(_distances(embeddings, loss.distance), same, other)
        return (differences + loss.margin).clamp_min(0), anchor

    return _over_anchors(loss, activate, anchors)


@computes(L.Circle)
def _circle(loss: L.Circle, activate: Activated) -> LossFunction:
    def anchors(embeddings: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        (anchor,) = (same.any(1) & other.any(1)).nonzero(as_tuple=True)
        cosines, same, other = _cosines(embeddings)[anchor], same[anchor], other[anchor]
        fixed = cosines.detach()
        near = -loss.gamma * (1 + loss.margin - fixed).clamp_min(0) * (cosines - 1 + loss.margin)
        far = loss.gamma * (fixed + loss.margin).clamp_min(0) * (cosines - loss.margin)
        near, far = near.where(same, -torch.inf).logsumexp(1), far.where(other, -torch.inf).logsumexp(1)
        return F.softplus(near + far), anchor

    return _over_anchors(loss, activate, anchors)


@computes(L.InfoNce)
def _info_nce(loss: L.InfoNce, activate: Activated) -> LossFunction:
    def anchors(embeddings: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        (anchor,) = same.any(1).nonzero(as_tuple=True)
        scores, same, everyone = _cosines(embeddings)[anchor] / loss.temperature, same[anchor], (same | other)[anchor]
        total = scores.where(everyone, -torch.inf).logsumexp(1)
        return total - scores.where(same, 0.0).sum(1) / same.sum(1), anchor

    return _over_anchors(loss, activate, anchors)
