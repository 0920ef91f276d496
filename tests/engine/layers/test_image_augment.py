"""Recipes of random changes: what they choose from, how often, and how they blend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from lamina.engine.build import build
from lamina.engine.layers.image_augment import dirichlet
from lamina.engine.network import NetworkModule
from lamina.network import layers as L
from lamina.shapes import Image
from lamina.testing.layers import plan_of

COLOURED = Image(channels=3, height=12, width=10)


def network(layer: L.Layer, shape: Image = COLOURED) -> NetworkModule:
    return build(plan_of(layer, (shape,)), 3, dtype=torch.float64)


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((1, 3, 12, 10), generator=generator, dtype=torch.float64).repeat(count, 1, 1, 1)


def run(layer: L.Layer, x: Tensor, seed: int) -> Tensor:
    torch.manual_seed(seed)
    y: Tensor = network(layer).train()(x)["tested"]
    return y


class Marked(torch.nn.Module):
    """Stands for a change, and leaves a digit: 10 x + number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return 10 * x + self.number


def test_what_is_chosen_from_follows_the_factor_and_the_channels() -> None:
    names = [layer.type_name for layer in L.RandAugment(factor=0.6).changes(COLOURED)]
    assert len(names) == len(set(names)) == 11
    assert "random_color_degeneration" not in [layer.type_name for layer in L.RandAugment().changes(Image(1, 4, 4))]
    assert [layer.type_name for layer in L.AugMix(all_changes=False).changes(COLOURED)] == names[:7]
    bits: Any = L.RandAugment(factor=0.6).changes(COLOURED)[3]
    assert bits == L.RandomPosterization(4)
    turned: Any = L.AugMix(factor=0.2, interpolation="nearest").changes(COLOURED)[2]
    assert turned == L.RandomRotation(0.2, interpolation="nearest")


def test_each_image_goes_its_own_way_and_all_ways_are_as_likely() -> None:
    net = network(L.RandAugment(2, value_range=(0.0, 1e9))).train()
    module: Any = net.modules_of_nodes[0]
    module.changes = torch.nn.ModuleList(Marked(number) for number in range(5))
    torch.manual_seed(0)
    found = net(torch.zeros(2500, 3, 12, 10, dtype=torch.float64))["tested"]
    assert (found == found[:, :1, :1, :1]).all()
    ways, counts = np.unique(found[:, 0, 0, 0].numpy().astype(int), return_counts=True)
    assert ways.tolist() == [10 * a + b for a in range(5) for b in range(5)]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_versions_are_blended_by_weights_that_add_up_to_one() -> None:
    net = network(L.AugMix(3, 2, value_range=(-1e9, 1e9))).train()
    module: Any = net.modules_of_nodes[0]

    class Plus(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    module.changes = torch.nn.ModuleList([Plus()])
    x = images(4000)
    torch.manual_seed(0)
    found = net(x)["tested"] - x
    assert torch.allclose(found, found[:, :1, :1, :1].expand_as(found))
    moved = found[:, 0, 0, 0].numpy()
    # Each of two places has the one change or none: one step on average, of which half is kept.
    assert moved.min() > -1e-9
    assert moved.max() < 2 + 1e-9
    assert moved.mean() == pytest.approx(0.5, abs=0.03)
    module.changes = torch.nn.ModuleList([torch.nn.Identity()])
    assert torch.allclose(net(x)["tested"], x)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_weights_have_a_dirichlet_distribution(alpha: float) -> None:
    torch.manual_seed(0)
    weights = dirichlet(torch.zeros(3000, 1, dtype=torch.float64), alpha, 3).numpy()
    assert np.allclose(weights.sum(1), 1)
    assert stats.kstest(weights[:, 0], stats.beta(alpha, 2 * alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("layer", [L.RandAugment(), L.AugMix()], ids=lambda layer: layer.type_name)
def test_seeds_and_prediction(layer: L.Layer) -> None:
    x = images(6)
    found = run(layer, x, 4)
    assert torch.equal(found, run(layer, x, 4))
    assert not torch.equal(found, run(layer, x, 5))
    assert len({tuple(image.flatten().tolist()) for image in found}) == 6
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert torch.equal(network(layer).eval()(x)["tested"], x)
