"""Losses for classes, labels and signs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.losses.function import Activated, BatchLoss, Factors, LossFunction, Positions, computes
from lamina.network import losses as L
from lamina.network.activations import LogSoftmax, Sigmoid, Softmax
from lamina.network.losses.classification import SmoothedClassLoss

# Deeplearning4j's clipping of probabilities, for activations other than the natural one.
LEAST_SHARE = 1e-10
LEAST_PROBABILITY = 1e-5

# Keeps the derivative of (1 - y)^gamma finite at y = 1 for gamma below 1.
_LEAST_REST = 1e-12


def log_shares(activate: Activated) -> Callable[[Tensor], Tensor]:
    """From scores to the logarithms of class probabilities."""
    if activate.is_a(Softmax, LogSoftmax):
        return lambda scores: torch.log_softmax(scores, feature_axis(scores.dim()))
    return lambda scores: activate(scores).clamp_min(LEAST_SHARE).log()


def pick(values: Tensor, target: Tensor) -> Tensor:
    """``sum_j t_j values_j`` for targets that are class indices or a distribution."""
    axis = feature_axis(values.dim())
    if target.is_floating_point():
        return (values * target).sum(axis)
    return values.gather(axis, target.unsqueeze(axis)).squeeze(axis)


@computes(SmoothedClassLoss)
def _cross_entropy(loss: SmoothedClassLoss, activate: Activated) -> LossFunction:
    smoothing = loss.label_smoothing
    weights = Factors(loss.weights) if loss.weights is not None else None
    if not activate.is_a(Softmax, LogSoftmax):
        return LossFunction(loss, _clipped_cross_entropy(activate, weights, smoothing))

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        factors = None if weights is None else weights.like(scores).flatten()
        flat, flat_target = _class_axis_second(scores, target)
        values = F.cross_entropy(flat, flat_target, factors, reduction="none", label_smoothing=smoothing)
        return values.reshape(scores.shape[:2]) if scores.dim() == 3 else values

    if weights is not None:
        # Not torch's mean, which divides by the sum of the weights of the classes that occur.
        return LossFunction(loss, positions)

    def whole(scores: Tensor, target: Tensor) -> Tensor:
        if scores.dim() == 2:
            return F.cross_entropy(scores, target, label_smoothing=smoothing)
        return positions(scores, target).mean()

    return LossFunction(loss, positions, whole)


def _class_axis_second(scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Steps of sequences as samples: torch wants the classes on axis 1."""
    if scores.dim() != 3:
        return scores, target
    return scores.flatten(0, 1), target.flatten(0, 1)


def _clipped_cross_entropy(activate: Activated, weights: Factors | None, smoothing: float) -> Positions:
    logs = log_shares(activate)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        terms = -logs(scores)
        if weights is not None:
            terms = terms * weights.like(scores)
        right = pick(terms, target)
        return right if smoothing == 0 else (1 - smoothing) * right + smoothing * terms.mean(feature_axis(terms.dim()))

    return positions


@computes(L.Focal)
def _focal(loss: L.Focal, activate: Activated) -> Positions:
    logs = log_shares(activate)
    weights = Factors(loss.weights) if loss.weights is not None else None

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        logarithms = logs(scores)
        terms = -logarithms * _rest(logarithms).pow(loss.gamma)
        if weights is not None:
            terms = terms * weights.like(scores)
        return pick(terms, target)

    return positions


def _rest(logarithm: Tensor) -> Tensor:
    """``1 - y`` from ``log(y)``."""
    return (-torch.expm1(logarithm)).clamp_min(_LEAST_REST)


@computes(L.GeneralizedCrossEntropy)
def _generalized(loss: L.GeneralizedCrossEntropy, activate: Activated) -> Positions:
    logs = log_shares(activate)
    weights = Factors(loss.weights) if loss.weights is not None else None

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        terms = -torch.expm1(loss.q * logs(scores)) / loss.q
        if weights is not None:
            terms = terms * weights.like(scores)
        return pick(terms, target)

    return positions


@computes(L.Ordinal)
def _ordinal(loss: L.Ordinal, activate: Activated) -> Positions:
    logs = log_shares(activate)
    weights = Factors(loss.weights) if loss.weights is not None else None

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        logarithms, axis = logs(scores), feature_axis(scores.dim())
        cuts = logarithms.shape[axis] - 1
        up_to = logarithms.logcumsumexp(axis).narrow(axis, 0, cuts)
        beyond = logarithms.flip(axis).logcumsumexp(axis).flip(axis).narrow(axis, 1, cuts)
        # Of class t, the cuts below t are passed and the others are not: what each class costs, at once.
        passed = torch.cat([torch.zeros_like(beyond.narrow(axis, 0, 1)), beyond.cumsum(axis)], axis)
        held = torch.cat([up_to.flip(axis).cumsum(axis).flip(axis), torch.zeros_like(up_to.narrow(axis, 0, 1))], axis)
        terms = -(passed + held) / cuts
        if weights is not None:
            terms = terms * weights.like(scores)
        return pick(terms, target)

    return positions


@computes(L.CategoricalHinge)
def _categorical_hinge(loss: L.CategoricalHinge, activate: Activated) -> Positions:
    def positions(scores: Tensor, target: Tensor) -> Tensor:
        outputs, axis = activate(scores), feature_axis(scores.dim())
        right = right_class(target, outputs)
        wrong = outputs.scatter(axis, right, -torch.inf).amax(axis)
        return (1 + wrong - outputs.gather(axis, right).squeeze(axis)).clamp_min(0)

    return positions


@computes(L.ClassHinge)
def _class_hinge(loss: L.ClassHinge, activate: Activated) -> Positions:
    def positions(scores: Tensor, target: Tensor) -> Tensor:
        outputs, axis = activate(scores), feature_axis(scores.dim())
        signs = torch.full_like(outputs, -1.0).scatter(axis, right_class(target, outputs), 1.0)
        return (1 - signs * outputs).clamp_min(0).pow(loss.power).sum(axis)

    return positions


def right_class(target: Tensor, outputs: Tensor) -> Tensor:
    """Index of the right class, its axis kept; of targets that are a distribution the likeliest."""
    axis = feature_axis(outputs.dim())
    return (target.argmax(axis) if target.is_floating_point() else target).unsqueeze(axis)


def log_pair(activate: Activated) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """From scores to ``log(y)`` and ``log(1 - y)`` of independent probabilities."""
    if activate.is_a(Sigmoid):
        return lambda scores: (F.logsigmoid(scores), F.logsigmoid(-scores))

    def clipped(scores: Tensor) -> tuple[Tensor, Tensor]:
        outputs = activate(scores).clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return outputs.log(), torch.log1p(-outputs)

    return clipped


@computes(L.BinaryCrossEntropy)
def _binary_cross_entropy(loss: L.BinaryCrossEntropy, activate: Activated) -> LossFunction:
    weights = Factors(loss.weights) if loss.weights is not None else None
    positive = Factors(loss.positive_weights) if loss.positive_weights is not None else None
    smoothing = loss.label_smoothing

    def smoothed(target: Tensor) -> Tensor:
        return target if smoothing == 0 else target * (1 - smoothing) + smoothing / 2

    if activate.is_a(Sigmoid):

        def terms(scores: Tensor, target: Tensor) -> Tensor:
            factors = None if positive is None else positive.like(scores)
            return F.binary_cross_entropy_with_logits(scores, smoothed(target), reduction="none", pos_weight=factors)
    else:
        logs = log_pair(activate)

        def terms(scores: Tensor, target: Tensor) -> Tensor:
            yes, no = logs(scores)
            target = smoothed(target)
            return -(target * (yes if positive is None else yes * positive.like(scores)) + (1 - target) * no)

    def whole(scores: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(scores, smoothed(target))

    fast = whole if weights is None and positive is None and activate.is_a(Sigmoid) else None
    return LossFunction(loss, averaged(terms, weights), fast)


def averaged(terms: Positions, weights: Factors | None) -> Positions:
    """``1/k sum_j w_j terms_j``."""

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        values = terms(scores, target)
        if weights is not None:
            values = values * weights.like(scores)
        return values.mean(feature_axis(scores.dim()))

    return positions


@computes(L.BinaryFocal)
def _binary_focal(loss: L.BinaryFocal, activate: Activated) -> Positions:
    logs = log_pair(activate)
    yes_factor, no_factor = (1.0, 1.0) if loss.alpha is None else (loss.alpha, 1 - loss.alpha)

    def terms(scores: Tensor, target: Tensor) -> Tensor:
        yes, no = logs(scores)
        positive = yes_factor * _rest(yes).pow(loss.gamma) * yes
        negative = no_factor * _rest(no).pow(loss.gamma) * no
        return -(target * positive + (1 - target) * negative)

    return averaged(terms, Factors(loss.weights) if loss.weights is not None else None)


@computes(L.Hinge, L.SquaredHinge)
def _hinge(loss: L.Hinge | L.SquaredHinge, activate: Activated) -> Positions:
    squared = isinstance(loss, L.SquaredHinge)

    def terms(scores: Tensor, target: Tensor) -> Tensor:
        margin = (1 - target * activate(scores)).clamp_min(0)
        return margin * margin if squared else margin

    return averaged(terms, Factors(loss.weights) if loss.weights is not None else None)


@computes(L.MultiLabel)
def _multi_label(loss: L.MultiLabel, activate: Activated) -> Positions:
    def positions(scores: Tensor, target: Tensor) -> Tensor:
        # sum_p sum_n exp(y_n - y_p) = sum_n exp(y_n) * sum_p exp(-y_p), in logarithms so that nothing overflows on the way.
        outputs, axis = activate(scores), feature_axis(scores.dim())
        there = target > 0.5
        count, all_units = there.sum(axis), there.shape[axis]
        rankable = (count > 0) & (count < all_units)
        # A position with nothing to rank keeps all its units in both sums: log(0) would spoil its gradient.
        every = ~rankable.unsqueeze(axis)
        absent = torch.where(~there | every, outputs, -torch.inf).logsumexp(axis)
        present = torch.where(there | every, -outputs, -torch.inf).logsumexp(axis)
        pairs = (count * (all_units - count)).clamp_min(1).to(outputs.dtype)  # an int64 logarithm would be float32
        return torch.where(rankable, (absent + present - pairs.log()).exp(), 0.0)

    return positions


@computes(L.FMeasure)
def _f_measure(loss: L.FMeasure, activate: Activated) -> LossFunction:
    square = loss.beta**2

    def whole(scores: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        axis = feature_axis(scores.dim())
        # Of two units (softmax) and of two columns of labels, the second is the positive class.
        outputs, labels = activate(scores).select(axis, -1), target.select(axis, -1)
        if weight is not None:
            weight = weight.to(outputs.dtype).reshape(-1, *(1 for _ in outputs.shape[1:]))
            outputs, labels, missed = outputs * weight, labels, (weight - outputs * weight)
        else:
            missed = 1 - outputs
        hits = (labels * outputs).sum()
        twice = (1 + square) * hits
        everything = twice + square * (labels * missed).sum() + ((1 - labels) * outputs).sum()
        return (everything - twice) / everything.clamp_min(1e-12)

    return BatchLoss(loss, whole)
