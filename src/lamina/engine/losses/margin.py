"""Losses that ask for a margin."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.losses.classification import averaged, right_class
from lamina.engine.losses.function import Activated, Positions, computes
from lamina.engine.losses.regression import factors
from lamina.network import losses as L


@computes(L.MultiMargin)
def _multi_margin(loss: L.MultiMargin, activate: Activated) -> Positions:
    weights = factors(loss)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        outputs, axis = activate(scores), feature_axis(scores.dim())
        right = right_class(target, outputs)
        missing = (loss.margin + outputs - outputs.gather(axis, right)).clamp_min(0).pow(loss.power)
        # The right class itself lacks nothing.
        value = missing.scatter(axis, right, 0.0).mean(axis)
        if weights is not None:
            value = value * weights.like(scores).expand_as(scores).gather(axis, right).squeeze(axis)
        return value

    return positions


@computes(L.MultiLabelMargin)
def _multi_label_margin(loss: L.MultiLabelMargin, activate: Activated) -> Positions:
    def positions(scores: Tensor, target: Tensor) -> Tensor:
        outputs, axis = activate(scores), feature_axis(scores.dim())
        outputs, there = outputs.movedim(axis, -1), target.movedim(axis, -1) > 0.5
        missing = (1 - outputs.unsqueeze(-1) + outputs.unsqueeze(-2)).clamp_min(0)
        pairs = there.unsqueeze(-1) & ~there.unsqueeze(-2)
        return torch.where(pairs, missing, 0.0).sum((-1, -2)) / outputs.shape[-1]

    return positions


@computes(L.SoftMargin)
def _soft_margin(loss: L.SoftMargin, activate: Activated) -> Positions:
    return averaged(lambda scores, target: F.softplus(-target * activate(scores)), factors(loss))


@computes(L.MarginRanking)
def _margin_ranking(loss: L.MarginRanking, activate: Activated) -> Positions:
    def positions(scores: Tensor, target: Tensor) -> Tensor:
        axis = feature_axis(scores.dim())
        first, second = activate(scores).unbind(axis)
        return (loss.margin - target.squeeze(axis) * (first - second)).clamp_min(0)

    return positions


@computes(L.Contrastive)
def _contrastive(loss: L.Contrastive, activate: Activated) -> Positions:
    def terms(scores: Tensor, target: Tensor) -> Tensor:
        distance = activate(scores)
        apart = (loss.margin - distance).clamp_min(0)
        return (target * distance.square() + (1 - target) * apart.square()) / 2

    return averaged(terms, factors(loss))


@computes(L.HingeEmbedding)
def _hinge_embedding(loss: L.HingeEmbedding, activate: Activated) -> Positions:
    def terms(scores: Tensor, target: Tensor) -> Tensor:
        distance = activate(scores)
        return torch.where(target > 0, distance, (loss.margin - distance).clamp_min(0))

    return averaged(terms, factors(loss))


@computes(L.CosineEmbedding)
def _cosine_embedding(loss: L.CosineEmbedding, activate: Activated) -> Positions:
    def terms(scores: Tensor, target: Tensor) -> Tensor:
        cosine = activate(scores)
        return torch.where(target > 0, 1 - cosine, (cosine - loss.margin).clamp_min(0))

    return averaged(terms, factors(loss))


@computes(L.CapsuleMargin)
def _capsule_margin(loss: L.CapsuleMargin, activate: Activated) -> Positions:
    weights = factors(loss)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        lengths, axis = activate(scores), feature_axis(scores.dim())
        if not target.is_floating_point():
            target = torch.zeros_like(lengths).scatter(axis, target.unsqueeze(axis), 1.0)
        short, long = (loss.present - lengths).clamp_min(0), (lengths - loss.absent).clamp_min(0)
        value = target * short.square() + loss.absent_weight * (1 - target) * long.square()
        return (value if weights is None else value * weights.like(scores)).sum(axis)

    return positions


@computes(L.OneClass)
def _one_class(loss: L.OneClass, activate: Activated) -> Positions:
    def terms(scores: Tensor, target: Tensor) -> Tensor:
        outputs = activate(scores)
        return (target * (-outputs).clamp_min(0) + (1 - target) * outputs.clamp_min(0)) / loss.nu

    return averaged(terms, None)
