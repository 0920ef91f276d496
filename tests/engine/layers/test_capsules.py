"""Capsules against NumPy, number by number, and a network of them that learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import lamina as lm
from lamina.engine.build import build
from lamina.engine.losses import loss_function
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.network import losses
from lamina.network.activations import Identity
from lamina.shapes import Image, Sequence, Shape
from lamina.testing.layers import plan_of

Array = np.ndarray[Any, np.dtype[np.float64]]


def squashed(s: Array) -> Array:
    length = float(np.sqrt(np.sum(s * s)))
    return length**2 / (1 + length**2) * s / np.sqrt(length**2 + 1e-5)


def routed(x: Array, weight: Array, bias: Array, routings: int) -> Array:
    """One sample: capsules x [inputs, n], weight [capsules, dimension, inputs, n], bias [capsules, dimension]."""
    capsules, _, inputs, _ = weight.shape
    votes = [[weight[j, :, i] @ x[i] for j in range(capsules)] for i in range(inputs)]
    trust = np.zeros((inputs, capsules))
    v: list[Array] = []
    for _ in range(routings):
        share = np.array([np.exp(row) / np.exp(row).sum() for row in trust])
        v = [squashed(sum((share[i, j] * votes[i][j] for i in range(inputs)), bias[j])) for j in range(capsules)]
        trust = trust + np.array([[votes[i][j] @ v[j] for j in range(capsules)] for i in range(inputs)])
    return np.array(v)


def run(layer: L.Layer, shape: Shape, x: torch.Tensor) -> tuple[Array, dict[str, Array]]:
    network = build(plan_of(layer, (shape,)), 3, dtype=torch.float64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
        y = network(x)["tested"].numpy()
    return y, {name.removeprefix("tested/"): value for name, value in network.named_arrays().items()}


@pytest.mark.parametrize("routings", [1, 2, 3, 5])
@pytest.mark.parametrize("bias", [False, True])
def test_routing_is_the_papers(routings: int, bias: bool) -> None:
    x = torch.randn(3, 5, 4, dtype=torch.float64)
    y, weights = run(L.Capsule(3, 2, routings=routings, bias=bias), Sequence(steps=5, features=4), x)
    added = weights["bias"].reshape(3, 2) if bias else np.zeros((3, 2))
    wanted = [routed(sample, weights["weight"].reshape(3, 2, 5, 4), added, routings) for sample in x.numpy()]
    np.testing.assert_allclose(y, np.array(wanted), rtol=1e-10, atol=1e-12)


def test_primary_capsules_are_filters_of_one_place_or_places_of_one_filter() -> None:
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64)
    shape = Image(channels=3, height=7, width=6)
    for group in ("filters", "places"):
        layer = L.PrimaryCapsules(2, 3, kernel=(3, 2), stride=(2, 1), padding=(1, 0), group=group, activation="relu")
        y, weights = run(layer, shape, x)
        conv = F.conv2d(x, torch.from_numpy(weights["weight"]), torch.from_numpy(weights["bias"]), (2, 1), (1, 0)).relu().numpy()
        wanted = []
        for sample in conv:
            if group == "filters":
                places = [(r, c) for r in range(sample.shape[1]) for c in range(sample.shape[2])]
                wanted.append([squashed(sample[3 * channel : 3 * channel + 3, r, c]) for r, c in places for channel in range(2)])
            else:
                wanted.append([squashed(part) for part in np.split(sample.ravel(), sample.size // 3)])
        np.testing.assert_allclose(y, np.array(wanted), rtol=1e-10, atol=1e-12)


def test_the_papers_network_has_the_papers_sizes() -> None:
    layers = [
        L.Conv2d(256, kernel=9, activation="relu"),
        L.PrimaryCapsules(32, 8),
        L.Capsule(10, 16),
        L.CapsuleStrength(),
        L.LossLayer(loss="capsule_margin"),
    ]
    plan = lm.Sequential(lm.image(1, 28, 28), layers).resolve()
    assert [str(node.output_shape) for node in plan.nodes][1:4] == ["[batch, 1152, 8]", "[batch, 10, 16]", "[batch, 10]"]
    # 1152 capsules of 8 numbers, each with a matrix to 10 capsules of 16.
    assert plan.nodes[2].parameters["weight"].size == 1152 * 8 * 160


def test_strength_is_the_length_and_has_a_gradient_at_zero() -> None:
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    x[0, 1] = 0
    x.requires_grad_()
    y = build(plan_of(L.CapsuleStrength(), (Sequence(steps=4, features=3),)), 1, dtype=torch.float64)(x)["tested"]
    np.testing.assert_allclose(y.detach().numpy(), np.sqrt((x.detach().numpy() ** 2).sum(2)))
    y.sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())
    assert not x.grad[0, 1].any()


def test_capsules_of_length_zero_are_squashed_to_zero_with_a_finite_gradient() -> None:
    network = build(plan_of(L.Capsule(2, 3), (Sequence(steps=4, features=3),)), 1)
    x = torch.zeros(2, 4, 3, requires_grad=True)
    y = network(x)["tested"]
    y.sum().backward()
    assert not y.any()
    assert bool(torch.isfinite(x.grad).all())  # type: ignore[arg-type]


def test_the_margin_loss_is_the_papers() -> None:
    lengths, classes = np.random.default_rng(1).uniform(0, 1, (6, 3)), np.array([0, 2, 1, 1, 0, 2])
    for loss in (losses.CapsuleMargin(), losses.CapsuleMargin(present=0.7, absent=0.2, absent_weight=2.0, weights=[1.0, 3.0, 0.5])):
        weights = loss.weights or (1.0, 1.0, 1.0)
        wanted = 0.0
        for row, right in zip(lengths, classes, strict=True):
            for j, length in enumerate(row):
                short, long = max(0.0, loss.present - length) ** 2, max(0.0, length - loss.absent) ** 2
                wanted += weights[j] * (short if j == right else loss.absent_weight * long) / len(lengths)
        found = loss_function(loss, Identity()).mean(torch.from_numpy(lengths), torch.from_numpy(classes))
        np.testing.assert_allclose(float(found), wanted, rtol=1e-12)


def test_bars_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 128)
    x = rng.normal(0, 0.1, (128, 1, 6, 6)).astype("float32")
    for sample, kind in zip(x[:, 0], y, strict=True):
        place = rng.integers(6)
        sample[(place, slice(None)) if kind else (slice(None), place)] += 1
    layers = [L.PrimaryCapsules(4, 4, kernel=3, stride=1), L.Capsule(2, 4), L.CapsuleStrength(), L.LossLayer(loss="capsule_margin")]
    model = lm.Model(lm.Sequential(lm.image(1, 6, 6), layers), seed=1)
    model.fit(x, y, epochs=20, batch_size=32, optimizer=lm.Adam(0.01), progress=False)
    assert model.evaluate(x, y)["accuracy"] > 0.95


@pytest.mark.parametrize("layer", [L.Capsule(2, 3), L.CapsuleStrength()])
def test_an_unknown_number_of_capsules_is_refused(layer: L.Layer) -> None:
    with pytest.raises(ShapeError) as caught:
        lm.Sequential(lm.sequence(None, 3), [layer]).resolve()
    assert caught.value.code == "NN009"
    assert "primary_capsules" in str(caught.value)


def test_margins_in_the_wrong_order_and_useless_settings_are_refused() -> None:
    with pytest.raises(DescriptionError, match="absent: 0.1"):
        losses.CapsuleMargin(present=0.1, absent=0.9)
    with pytest.raises(DescriptionError, match="activation"):
        L.Capsule(2, 3, activation="relu")
