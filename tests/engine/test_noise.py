"""Noise has the moments that the description states."""

from __future__ import annotations

import math

import pytest
import torch

from lamina.engine.noise import noise_module, weight_noise_function
from lamina.network import noise as N
from lamina.network.initializers import Normal, Uniform
from lamina.network.layers.layer import Parameter

ONES = torch.ones(400, 500)


def noisy(noise: N.Noise, x: torch.Tensor = ONES) -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return noise_module(noise).train()(x)


def test_dropout_drops_its_rate_and_scales_the_rest() -> None:
    y = noisy(N.DropoutNoise(0.3))
    assert y.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)


def test_gaussian_dropout_has_the_variance_of_dropout() -> None:
    y = noisy(N.GaussianDropoutNoise(0.2))
    assert y.mean().item() == pytest.approx(1, abs=0.005)
    assert y.var().item() == pytest.approx(0.25, rel=0.02)


def test_gaussian_noise_is_added() -> None:
    y = noisy(N.GaussianNoise(0.5), 3 * ONES)
    assert y.mean().item() == pytest.approx(3, abs=0.005)
    assert y.std().item() == pytest.approx(0.5, rel=0.02)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    y = noisy(N.AlphaDropoutNoise(0.3), torch.randn(400, 500, generator=torch.Generator().manual_seed(0)))
    assert y.mean().item() == pytest.approx(0, abs=0.01)
    assert y.var().item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(("shape", "axes"), [((40, 30, 50), (1,)), ((40, 50, 6, 7), (2, 3)), ((40, 50, 3, 4, 5), (2, 3, 4))])
def test_spatial_dropout_drops_whole_features(shape, axes) -> None:
    y = noisy(N.SpatialDropoutNoise(0.4), torch.ones(shape))
    assert (y.amax(axes) == y.amin(axes)).all()
    assert (y == 0).float().mean().item() == pytest.approx(0.4, abs=0.04)
    assert (y.amax(axes)[0] == 0).any()
    assert (y.amax(axes)[0] != 0).any()


def test_spatial_alpha_dropout_is_torchs_and_drops_steps_of_a_feature_together() -> None:
    x = torch.randn(300, 200, 3, 2, generator=torch.Generator().manual_seed(0))
    y = noisy(N.SpatialAlphaDropoutNoise(0.3), x)
    assert y.mean().item() == pytest.approx(0, abs=0.02)
    assert y.var().item() == pytest.approx(1, rel=0.03)
    with torch.random.fork_rng(devices=[]):
        theirs = torch.nn.FeatureAlphaDropout(0.3).train()(x)
    # What a value becomes, dropped or kept, is the same; which are dropped is drawn otherwise.
    lowest, slope = (((z - z.amin((2, 3), keepdim=True)).abs() < 1e-6).all(3).all(2) for z in (y, theirs))
    assert lowest.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert slope.float().mean().item() == pytest.approx(0.3, abs=0.01)
    torch.testing.assert_close(y[lowest][0, 0, 0], theirs[slope][0, 0, 0])
    both = ~lowest & ~slope
    torch.testing.assert_close(y[both], theirs[both])
    steps = noisy(N.SpatialAlphaDropoutNoise(0.4), torch.randn(50, 9, 40))
    dropped = (steps - steps[:, :1]).abs().amax(1) < 1e-6
    assert dropped.float().mean().item() == pytest.approx(0.4, abs=0.05)


def test_a_bare_number_is_dropout() -> None:
    from lamina.network.layers import Dense

    layer = Dense(3, dropout=0.25, weight_noise=0.5)
    assert layer.dropout == N.DropoutNoise(0.25)
    assert layer.weight_noise == N.DropConnect(0.5)


def test_weight_noise() -> None:
    weight = 2 * ONES
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        dropped = weight_noise_function(N.DropConnect(0.25), Parameter(tuple(ONES.shape)))(weight)
        added = weight_noise_function(N.DrawnWeightNoise(Normal(std=0.1)), Parameter(tuple(ONES.shape)))(weight)
        multiplied = weight_noise_function(N.DrawnWeightNoise(Uniform(0.5, 1.5), additive=False), Parameter(tuple(ONES.shape)))(weight)
        by_fan = weight_noise_function(N.DrawnWeightNoise(Normal()), Parameter(tuple(ONES.shape), fan_in=16))(weight)
    assert dropped.unique().tolist() == pytest.approx([0, 2 / 0.75])
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert added.std().item() == pytest.approx(0.1, rel=0.02)
    assert multiplied.std().item() == pytest.approx(2 / math.sqrt(12), rel=0.02)
    assert by_fan.std().item() == pytest.approx(0.25, rel=0.02)
