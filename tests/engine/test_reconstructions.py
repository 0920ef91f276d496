"""Reconstructions against torch.distributions."""

from __future__ import annotations

import pytest
import torch
from torch import distributions as D

from lamina.engine.losses import loss_function
from lamina.engine.reconstructions import reconstructor
from lamina.errors import LaminaError
from lamina.network.activations import Tanh
from lamina.network.losses import MeanAbsoluteError
from lamina.network.reconstructions import (
    BernoulliReconstruction,
    CompositeReconstruction,
    ExponentialReconstruction,
    GaussianReconstruction,
    LossReconstruction,
    Part,
)

SCORES = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
VALUES = torch.rand(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_bernoulli() -> None:
    run = reconstructor(BernoulliReconstruction(), 6)
    wanted = D.Bernoulli(logits=SCORES, validate_args=False)
    assert torch.allclose(run.cost(SCORES, VALUES), -wanted.log_prob(VALUES).sum(-1))
    assert torch.allclose(run.mean(SCORES), wanted.mean)
    clipped = reconstructor(BernoulliReconstruction(activation="hard_sigmoid"), 6)
    p = (0.2 * SCORES + 0.5).clamp(1e-5, 1 - 1e-5)
    assert torch.allclose(clipped.cost(SCORES, VALUES), -D.Bernoulli(p, validate_args=False).log_prob(VALUES).sum(-1))


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_gaussian(activation: str) -> None:
    run = reconstructor(GaussianReconstruction(activation=activation), 3)
    scores = torch.tanh(SCORES) if activation == "tanh" else SCORES
    wanted = D.Normal(scores[:, :3], (0.5 * scores[:, 3:]).exp())
    assert torch.allclose(run.cost(SCORES, VALUES[:, :3]), -wanted.log_prob(VALUES[:, :3]).sum(-1))
    assert torch.allclose(run.mean(SCORES), wanted.mean)
    many = run.draw(SCORES.repeat(20_000, 1), torch.Generator().manual_seed(0)).reshape(20_000, 4, 3)
    assert torch.allclose(many.std(0), wanted.stddev, rtol=0.05)


def test_exponential() -> None:
    run = reconstructor(ExponentialReconstruction(), 6)
    wanted = D.Exponential(SCORES.exp())
    assert torch.allclose(run.cost(SCORES, VALUES), -wanted.log_prob(VALUES).sum(-1))
    assert torch.allclose(run.mean(SCORES), wanted.mean)
    assert run.wrong(torch.tensor([[-1.0, 0.0]])).tolist() == [[True, False]]  # type: ignore[union-attr]


def test_loss() -> None:
    run = reconstructor(LossReconstruction("mae", activation="tanh", weight=2.5), 6)
    wanted = loss_function(MeanAbsoluteError(), Tanh()).per_sample(SCORES, VALUES)
    assert torch.allclose(run.cost(SCORES, VALUES), 2.5 * wanted)
    assert torch.equal(run.mean(SCORES), run.draw(SCORES, None))
    assert not LossReconstruction().has_probability


def test_composite_parts_are_independent() -> None:
    parts = [Part(2, GaussianReconstruction()), Part(1, BernoulliReconstruction()), Part(1, ExponentialReconstruction())]
    both = CompositeReconstruction(parts)
    assert both.size(4) == 6
    run, x = reconstructor(both, 4), VALUES[:, :4]
    wanted = D.Normal(SCORES[:, :2], (0.5 * SCORES[:, 2:4]).exp()).log_prob(x[:, :2]).sum(-1)
    wanted = (
        wanted
        + D.Bernoulli(logits=SCORES[:, 4], validate_args=False).log_prob(x[:, 2])
        + D.Exponential(SCORES[:, 5].exp()).log_prob(x[:, 3])
    )
    assert torch.allclose(run.cost(SCORES, x), -wanted)
    assert run.wrong(torch.tensor([[-1.0, 0.0, 2.0, -1.0]])).tolist() == [[False, False, True, True]]  # type: ignore[union-attr]
    assert not CompositeReconstruction([Part(2, LossReconstruction())]).has_probability


def test_an_activation_that_gives_no_probability() -> None:
    with pytest.raises(LaminaError, match="SP004"):
        BernoulliReconstruction(activation="tanh")
    with pytest.raises(LaminaError, match="SP004"):
        LossReconstruction("cross_entropy")
