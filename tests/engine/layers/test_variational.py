"""Variational autoencoders against a hand-written one, and against the exact likelihood where there is one."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.layers.variational import VariationalModule
from lamina.errors import DataError, ShapeError
from lamina.network.layers import VariationalAutoencoder
from lamina.shapes import Features
from lamina.testing.layers import plan_of


def made(width: int = 5, units: int = 2, **settings: Any) -> VariationalModule:
    described = VariationalAutoencoder(units, **{"encoder": [4], "decoder": [3, 4], "activation": "tanh"} | settings)
    module = build(plan_of(described, (Features(width),)), 5, dtype=torch.float64).layers[0]
    assert isinstance(module, VariationalModule)
    return module


def weights(module: VariationalModule, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    return module.get_parameter(f"{name}_weight"), module.get_parameter(f"{name}_bias")


@pytest.mark.parametrize("samples", [1, 3])
def test_the_bound_is_that_of_a_hand_written_loop(samples: int) -> None:
    module = made(samples=samples, kl_weight=0.7, reconstruction="bernoulli")
    x = torch.rand(6, 5, dtype=torch.float64)
    torch.manual_seed(2)
    loss = module.pretrain_loss(x)

    torch.manual_seed(2)
    hidden = torch.tanh(F.linear(x, *weights(module, "encoder_0")))
    mean, log_variance = F.linear(hidden, *weights(module, "mean")), F.linear(hidden, *weights(module, "log_variance"))
    q = Normal(mean, (0.5 * log_variance).exp())
    noise = torch.randn(samples, 6, 2, dtype=torch.float64)
    bound = torch.zeros(6, dtype=torch.float64)
    for e in noise:
        y = mean + q.stddev * e
        for name in ("decoder_0", "decoder_1"):
            y = torch.tanh(F.linear(y, *weights(module, name)))
        p = Independent(Bernoulli(logits=F.linear(y, *weights(module, "reconstruction")), validate_args=False), 1)
        bound += p.log_prob(x) / samples
    bound -= 0.7 * kl_divergence(q, Normal(torch.zeros(()), torch.ones(()))).sum(-1)
    assert torch.allclose(loss, -bound, rtol=1e-10)
    ours = torch.autograd.grad(loss.mean(), tuple(module.parameters()))
    theirs = torch.autograd.grad(-bound.mean(), tuple(module.parameters()))
    assert all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(ours, theirs, strict=True))
    assert torch.allclose(module(x), mean)


def test_the_latent_activation_works_on_mean_and_spread() -> None:
    module = made(latent_activation="tanh")
    x = torch.rand(3, 5, dtype=torch.float64)
    hidden = torch.tanh(F.linear(x, *weights(module, "encoder_0")))
    for found, name in zip(module.encode(x), ("mean", "log_variance"), strict=True):
        assert torch.allclose(found, torch.tanh(F.linear(hidden, *weights(module, name))))


def test_importance_sampling_finds_the_exact_likelihood_of_a_linear_gaussian_model() -> None:
    module = made(width=3, encoder=[], decoder=[], reconstruction="gaussian")
    with torch.no_grad():
        weight, bias = weights(module, "reconstruction")
        weight[3:].zero_()
        bias.copy_(torch.tensor([0.1, -0.2, 0.3, -1.0, -1.0, -1.0]))
        weights(module, "log_variance")[1].fill_(-0.5)
    loadings, mean = weight[:3].detach(), bias[:3].detach()
    exact = MultivariateNormal(mean, loadings @ loadings.T + math.exp(-1.0) * torch.eye(3, dtype=torch.float64))
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.5
    noise = torch.randn(20_000, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = module.importance(x, noise)
    assert torch.allclose(torch.logsumexp(found, 0) - math.log(20_000), exact.log_prob(x), atol=0.05)
    # Their mean is the bound: the loss of pretraining.
    torch.manual_seed(0)
    bound = -torch.stack([module.pretrain_loss(x) for _ in range(2000)]).mean(0)
    assert torch.allclose(found.mean(0), bound, atol=0.1)
    assert bool((found.mean(0) < exact.log_prob(x) + 0.05).all())


def test_parameters_of_pretraining_are_marked() -> None:
    described = VariationalAutoencoder(2, encoder=[4], decoder=[3]).parameters((Features(5),))
    only = [name for name, parameter in described.items() if parameter.pretraining]
    assert only == [f"{part}_{kind}" for part in ("log_variance", "decoder_0", "reconstruction") for kind in ("weight", "bias")]


def test_values_without_a_probability() -> None:
    with pytest.raises(DataError, match=r"(?s)EN100.*sample 0, value 1.*from 0 to 1"):
        made(width=2, reconstruction="bernoulli").check_inputs(torch.tensor([[0.5, 1.5]]))


def test_parts_must_cover_the_input() -> None:
    parts = {"type": "composite", "parts": [{"size": 3, "distribution": "gaussian"}]}
    with pytest.raises(ShapeError, match=r"(?s)NN070.*3 values together, and 5 come in"):
        VariationalAutoencoder(2, reconstruction=parts).infer((Features(5),))
