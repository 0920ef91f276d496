"""Mixed batches against what is written by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.compound import CompoundStep
from lamina.engine.mixing import Mixer
from lamina.engine.network import NetworkModule
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.learning import CutMix, Mix, Mixup, Sgd
from lamina.network.layers import Conv2d, Dense, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features, Image, Shape

SIZE = 8


def draws(alpha: float, seed: int, size: int = SIZE) -> tuple[float, Tensor, np.random.Generator]:
    generator = np.random.Generator(np.random.Philox(key=seed))
    share = float(generator.beta(alpha, alpha))
    return share, torch.from_numpy(generator.permutation(size)), generator


def network(shape: Shape, *layers: Any) -> NetworkModule:
    return build(Sequential(shape, layers).resolve(), 1, dtype=torch.float64).train()


def tensors(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(SIZE, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def batch(x: Tensor, y: Tensor, weight: Tensor | None = None) -> Any:
    return SimpleNamespace(inputs={"input": x}, targets={"output": y}, weight=weight, total_weight=float(SIZE), size=SIZE, masks=None)


@pytest.mark.parametrize("weighted", [False, True])
def test_mixup_of_classes(weighted: bool) -> None:
    net, seed = network(Features(6), Dense(5, activation="tanh"), Output(3)), 11
    x, y = tensors((6,)), torch.arange(SIZE) % 3
    weight = torch.linspace(0.5, 2.0, SIZE, dtype=torch.float64) if weighted else None
    found = Mixer(Mixup(0.4)).loss(net, batch(x, y, weight), seed)
    share, order, _ = draws(0.4, seed)
    scores = net(share * x + (1 - share) * x[order])["output_1"]

    def mean(targets: Tensor, w: Tensor | None) -> Tensor:
        values = F.cross_entropy(scores, targets, reduction="none")
        return values.mean() if w is None else (values * w).sum() / w.sum()

    expected = share * mean(y, weight) + (1 - share) * mean(y[order], None if weight is None else weight[order])
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)


def test_mixup_of_distributions_and_numbers() -> None:
    """Of a loss that is linear in its targets, mixing losses and mixing targets is the same; of an absolute error it is not."""
    x, seed = tensors((6,)), 5
    share, order, _ = draws(1.0, seed)
    y = torch.softmax(tensors((3,)), 1)
    net = network(Features(6), Dense(5), Output(3, loss="cross_entropy"))
    both = [Mixer(Mixup(1.0, blend=blend)).loss(net, batch(x, y), seed) for blend in (False, True)]
    assert torch.allclose(*both, rtol=0, atol=1e-12)
    numbers = network(Features(6), Dense(5), Output(3, activation="identity", loss="mae"))
    apart, blended = (Mixer(Mixup(1.0, blend=blend)).loss(numbers, batch(x, y), seed) for blend in (False, True))
    scores = numbers(share * x + (1 - share) * x[order])["output_1"]
    mixed = share * y + (1 - share) * y[order]
    errors = [(scores - target).abs().mean() for target in (mixed, y, y[order])]
    scale = float(blended.detach() / errors[0].detach())
    assert torch.allclose(blended, scale * errors[0], rtol=0, atol=1e-12)
    assert torch.allclose(apart, scale * (share * errors[1] + (1 - share) * errors[2]), rtol=0, atol=1e-12)
    assert abs(float(apart.detach() - blended.detach())) > 1e-3
    assert scale in (pytest.approx(1.0), pytest.approx(3.0))


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_pastes_a_box(seed: int) -> None:
    height, width = 9, 12
    x, y = tensors((2, height, width)), torch.arange(SIZE) % 3
    net = network(Image(2, height, width), Conv2d(3, kernel=3), Output(3))
    share, order, generator = draws(1.0, seed)
    side = math.sqrt(1 - share)
    spans = []
    for size in (height, width):
        length, centre = int(size * side), int(generator.integers(size))
        spans.append((max(centre - length // 2, 0), min(centre + length // 2 + length % 2, size)))
    (top, bottom), (left, right) = spans
    pasted = x.clone()
    for i in range(SIZE):
        pasted[i, :, top:bottom, left:right] = x[order[i], :, top:bottom, left:right]
    area = (bottom - top) * (right - left) / (height * width)
    mixer = Mixer(CutMix())
    found, partner, kept = mixer.mixed({"input": x}, seed)
    assert torch.equal(found["input"], pasted)
    assert torch.equal(partner, order)
    assert kept == pytest.approx(1 - area, abs=1e-12)
    scores = net(pasted)["output_1"]
    expected = (1 - area) * F.cross_entropy(scores, y) + area * F.cross_entropy(scores, y[order])
    assert torch.allclose(mixer.loss(net, batch(x, y), seed), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mixing", [Mixup(0.4), CutMix()])
def test_draws_are_functions_of_seed_and_step(mixing: Mix) -> None:
    x, y = tensors((2, 5, 4)), torch.arange(SIZE) % 3
    losses = []
    for disturb in (False, True):
        net = network(Image(2, 5, 4), Output(3))
        flat = FlatParameters(net)
        run = CompoundStep(
            net, flat, optimizer_for(Sgd(0.1), flat), Precision("float64", torch.device("cpu")), seed=5, mixing=mixing, several=True
        )
        losses.append([])
        for step in range(4):
            if disturb:
                torch.rand(3)
                np.random.rand(3)  # noqa: NPY002 (somebody else's draws)
            losses[-1].append(float(run.update(iter([batch(x, y), batch(x, y)]), step, 0.0)[0]))
    assert losses[0] == losses[1]
    assert len(set(losses[0])) == 4


def test_shares_are_drawn_from_the_beta_distribution() -> None:
    from scipy.stats import beta, kstest

    mixer, x = Mixer(Mixup(0.4)), torch.zeros(2, 1)
    shares = [mixer.mixed({"input": x}, seed)[2] for seed in range(2000)]
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue > 0.01
