"""Losses for distributions and counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.losses.classification import averaged, log_shares, pick
from lamina.engine.losses.function import Activated, Positions, computes
from lamina.engine.losses.regression import factors
from lamina.network import losses as L
from lamina.network.activations import Exp

_LEAST_RATE = 1e-8


@computes(L.KlDivergence)
def _kl_divergence(loss: L.KlDivergence, activate: Activated) -> Positions:
    logs = log_shares(activate)
    weights = factors(loss)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        terms = -logs(scores)
        if weights is not None:
            terms = terms * weights.like(scores)
        value = pick(terms, target)
        if not target.is_floating_point():
            return value  # a sure class has no entropy of its own
        entropy = torch.xlogy(target, target)
        if weights is not None:
            entropy = entropy * weights.like(scores)
        return value + entropy.sum(feature_axis(scores.dim()))

    return positions


@computes(L.Poisson)
def _poisson(loss: L.Poisson, activate: Activated) -> Positions:
    if activate.is_a(Exp):
        return averaged(lambda scores, target: scores.exp() - target * scores, factors(loss))

    def terms(scores: Tensor, target: Tensor) -> Tensor:
        rate = activate(scores)
        return rate - target * rate.clamp_min(_LEAST_RATE).log()

    return averaged(terms, factors(loss))


@computes(L.Wasserstein)
def _wasserstein(loss: L.Wasserstein, activate: Activated) -> Positions:
    return averaged(lambda scores, target: target * activate(scores), factors(loss))


@computes(L.GaussianNll)
def _gaussian(loss: L.GaussianNll, activate: Activated) -> Positions:
    constant = math.log(2 * math.pi) if loss.full else 0.0

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        axis = feature_axis(scores.dim())
        mean, log_variance = activate(scores).chunk(2, axis)
        return (log_variance + (target - mean).square() * torch.exp(-log_variance) + constant).mean(axis) / 2

    return positions


@computes(L.NegativeBinomial)
def _negative_binomial(loss: L.NegativeBinomial, activate: Activated) -> Positions:
    stable = activate.is_a(Exp)

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        axis = feature_axis(scores.dim())
        logs = scores if stable else activate(scores).clamp_min(_LEAST_RATE).log()
        if loss.dispersion is None:
            mean, dispersion = logs.chunk(2, axis)
        else:
            mean, dispersion = logs, torch.full_like(logs, math.log(loss.dispersion))
        # The size r = 1 / a; r / (r + m) and m / (r + m) are the sigmoids of these.
        odds = mean + dispersion
        likelihood = _rising(torch.exp(-dispersion), target) - F.softplus(odds) * torch.exp(-dispersion) - target * F.softplus(-odds)
        return -likelihood.mean(axis)

    return positions


def _rising(size: Tensor, count: Tensor) -> Tensor:
    """``log(Gamma(t + r) / (Gamma(r) t!))``: in float64, where the difference of large logarithms keeps its digits."""
    r, t = size.double(), count.double()
    return (torch.lgamma(t + r) - torch.lgamma(r) - torch.lgamma(t + 1)).to(size.dtype)


@computes(L.MixtureDensity)
def _mixture_density(loss: L.MixtureDensity, activate: Activated) -> Positions:
    count, width = loss.mixtures, loss.width

    def positions(scores: Tensor, target: Tensor) -> Tensor:
        axis = feature_axis(scores.dim())
        outputs, target = activate(scores).movedim(axis, -1), target.movedim(axis, -1)
        shares = torch.log_softmax(outputs[..., :count], -1)
        log_sigma = outputs[..., count : 2 * count]
        means = outputs[..., 2 * count :].reshape(*outputs.shape[:-1], count, width)
        distance = (target.unsqueeze(-2) - means).square().sum(-1) * torch.exp(-2 * log_sigma)
        densities = shares - width * log_sigma - distance / 2 - width / 2 * math.log(2 * math.pi)
        return -densities.logsumexp(-1)

    return positions
