"""Losses for numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.losses.classification import averaged
from lamina.engine.losses.function import Activated, Factors, LossFunction, Positions, computes
from lamina.network import losses as L
from lamina.network.losses import Weighted

# log(1 + y) needs y above -1; far enough above that float32 can tell.
_LEAST_LOGGED = -1 + 1e-6
_LEAST_NORM = 1e-8


def factors(loss: Weighted) -> Factors | None:
    """The loss's weights, ready to multiply."""
    return None if loss.weights is None else Factors(loss.weights)


def _elementwise(loss: Weighted, activate: Activated, each: Callable[[Tensor, Tensor], Tensor]) -> Positions:
    def terms(scores: Tensor, target: Tensor) -> Tensor:
        return each(activate(scores), target)

    return averaged(terms, factors(loss))


def _with_torch(loss: Weighted, activate: Activated, function: Callable[..., Tensor]) -> LossFunction:
    """A loss that torch has: its own mean serves where nothing is weighted."""
    positions = _elementwise(loss, activate, partial(function, reduction="none"))
    if loss.weights is not None:
        return LossFunction(loss, positions)
    if activate.is_identity:
        return LossFunction(loss, positions, function)
    return LossFunction(loss, positions, lambda scores, target: function(activate(scores), target))


@computes(L.MeanSquaredError)
def _mse(loss: L.MeanSquaredError, activate: Activated) -> LossFunction:
    return _with_torch(loss, activate, F.mse_loss)


@computes(L.MeanAbsoluteError)
def _mae(loss: L.MeanAbsoluteError, activate: Activated) -> LossFunction:
    return _with_torch(loss, activate, F.l1_loss)


@computes(L.Huber)
def _huber(loss: L.Huber, activate: Activated) -> LossFunction:
    return _with_torch(loss, activate, partial(F.huber_loss, delta=loss.delta))


@computes(L.SmoothL1)
def _smooth_l1(loss: L.SmoothL1, activate: Activated) -> LossFunction:
    return _with_torch(loss, activate, partial(F.smooth_l1_loss, beta=loss.beta))


@computes(L.SumSquaredError, L.SumAbsoluteError)
def _summed(loss: L.SumSquaredError | L.SumAbsoluteError, activate: Activated) -> Positions:
    weights = factors(loss)
    each: Any = torch.square if isinstance(loss, L.SumSquaredError) else torch.abs

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        values: Tensor = each(activate(scores) - target)
        if weights is not None:
            values = values * weights.like(scores)
        return values.sum(feature_axis(scores.dim()))

    return positions


@computes(L.MeanAbsolutePercentageError)
def _mape(loss: L.MeanAbsolutePercentageError, activate: Activated) -> Positions:
    return _elementwise(loss, activate, lambda y, t: 100 * (y - t).abs() / t.abs())


@computes(L.MeanSquaredLogError)
def _msle(loss: L.MeanSquaredLogError, activate: Activated) -> Positions:
    return _elementwise(loss, activate, lambda y, t: (torch.log1p(y.clamp_min(_LEAST_LOGGED)) - torch.log1p(t)).square())


@computes(L.LogCosh)
def _log_cosh(loss: L.LogCosh, activate: Activated) -> Positions:
    def each(y: Tensor, t: Tensor) -> Tensor:
        error = y - t
        return error + F.softplus(-2 * error) - math.log(2)

    return _elementwise(loss, activate, each)


@computes(L.Quantile)
def _quantile(loss: L.Quantile, activate: Activated) -> Positions:
    several = Factors(loss.quantile) if isinstance(loss.quantile, tuple) else None
    single = loss.quantile if not isinstance(loss.quantile, tuple) else 0.5

    def each(y: Tensor, t: Tensor) -> Tensor:
        # With several quantiles the one target of a position stands against all outputs.
        share = single if several is None else several.like(y)
        short = t - y
        return torch.maximum(share * short, (share - 1) * short)

    return _elementwise(loss, activate, each)


@computes(L.CosineProximity)
def _cosine(loss: L.CosineProximity, activate: Activated) -> Positions:
    weights = factors(loss)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        outputs, axis = activate(scores), feature_axis(scores.dim())
        products = outputs * target
        if weights is not None:
            products = products * weights.like(scores)
        norms = _norm(outputs, axis) * _norm(target, axis)
        return -products.sum(axis) / norms

    return positions


def _norm(values: Tensor, axis: int) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(values, dim=axis)
    return norm.clamp_min(_LEAST_NORM)
