"""Boltzmann machines against NumPy in float64: free energies by enumeration, contrastive divergence with the same random numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.engine.layers.rbm import RBMModule
from lamina.engine.units import Units
from lamina.errors import DataError, LaminaError, ShapeError, TrainingError
from lamina.network.layers import RBM
from lamina.shapes import Features
from lamina.testing.layers import plan_of

N, H = 4, 3


def machine(width: int = N, units: int = H, *, std: float = 0.8, **settings: Any) -> RBMModule:
    module = build(plan_of(RBM(units, **settings), (Features(width),)), 5, dtype=torch.float64).layers[0]
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data.normal_(0, std, generator=generator)
    assert isinstance(module, RBMModule)
    return module


def arrays(module: RBMModule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(module.get_parameter(name).detach().numpy() for name in ("weight", "bias", "visible_bias"))  # type: ignore[return-value]


def states(count: int) -> np.ndarray:
    return np.array(list(itertools.product([0.0, 1.0], repeat=count)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_free_energy_of_binary_units_is_the_sum_over_all_hidden_states() -> None:
    module = machine()
    w, c, b = arrays(module)
    v, h = states(N), states(H)
    energy = -(v @ b)[:, None] - (h @ c)[None] - v @ w.T @ h.T
    wanted = -np.log(np.exp(-energy).sum(1))
    np.testing.assert_allclose(module.free_energy(torch.tensor(v)).detach(), wanted, rtol=1e-12)


def test_free_energy_of_softmax_units_sums_over_one_unit_on_in_each_group() -> None:
    module = machine(units=4, hidden="softmax", hidden_groups=2)
    w, c, b = arrays(module)
    v = states(N)
    h = np.array([[*one, *other] for one in np.eye(2) for other in np.eye(2)])
    energy = -(v @ b)[:, None] - (h @ c)[None] - v @ w.T @ h.T
    np.testing.assert_allclose(module.free_energy(torch.tensor(v)).detach(), -np.log(np.exp(-energy).sum(1)), rtol=1e-12)


def test_free_energy_of_gaussian_units_is_the_integral() -> None:
    module = machine(units=1, visible="gaussian", hidden="gaussian")
    w, c, b = arrays(module)
    v = np.random.default_rng(0).normal(size=(5, N))
    h = np.linspace(-30, 30, 200_001)
    energy = 0.5 * ((v - b) ** 2).sum(1)[:, None] + 0.5 * h**2 - (v @ w.T + c) * h
    integral = np.exp(-energy).sum(1) * (h[1] - h[0]) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(module.free_energy(torch.tensor(v)).detach(), -np.log(integral), rtol=1e-9)


def test_rectified_units_have_no_free_energy() -> None:
    with pytest.raises(TrainingError, match="EN101"):
        machine(hidden="rectified").free_energy(torch.zeros(1, N, dtype=torch.float64))


@pytest.mark.parametrize("steps", [1, 3])
def test_contrastive_divergence_with_given_uniforms(steps: int) -> None:
    module = machine(gibbs_steps=steps)
    w, c, b = arrays(module)
    v0 = states(N)[[1, 6, 11, 15, 8]]
    torch.manual_seed(3)
    loss = module.pretrain_loss(torch.tensor(v0))
    loss.mean().backward()  # type: ignore[no-untyped-call]

    torch.manual_seed(3)
    v = v0
    for _ in range(steps):
        h = (torch.rand(5, H, dtype=torch.float64).numpy() < sigmoid(v @ w.T + c)).astype(float)
        if v is v0:
            back = sigmoid(h @ w + b)
            shown = -(v0 * np.log(back) + (1 - v0) * np.log(1 - back)).mean(1)
        v = (torch.rand(5, N, dtype=torch.float64).numpy() < sigmoid(h @ w + b)).astype(float)
    h0, hk = sigmoid(v0 @ w.T + c), sigmoid(v @ w.T + c)
    np.testing.assert_allclose(module.weight.grad, -(h0.T @ v0 - hk.T @ v) / 5, atol=1e-12)
    np.testing.assert_allclose(module.get_parameter("bias").grad, -(h0 - hk).mean(0), atol=1e-12)
    np.testing.assert_allclose(module.get_parameter("visible_bias").grad, -(v0 - v).mean(0), atol=1e-12)
    np.testing.assert_allclose(loss.detach(), shown, atol=1e-12)


def test_persistent_chains_go_on_and_are_kept() -> None:
    module = machine(persistent=True, chains=7, gibbs_steps=2)
    w, c, b = arrays(module)
    start = module.chain.numpy().copy()
    assert set(np.unique(start)) == {0.0, 1.0}
    v0 = states(N)[:5]
    torch.manual_seed(3)
    module.pretrain_loss(torch.tensor(v0)).mean().backward()  # type: ignore[no-untyped-call]
    torch.manual_seed(3)
    torch.rand(5, H, dtype=torch.float64)  # what is shown as loss
    v = start
    for _ in range(2):
        h = (torch.rand(7, H, dtype=torch.float64).numpy() < sigmoid(v @ w.T + c)).astype(float)
        v = (torch.rand(7, N, dtype=torch.float64).numpy() < sigmoid(h @ w + b)).astype(float)
    np.testing.assert_array_equal(module.chain, v)
    h0, hk = sigmoid(v0 @ w.T + c), sigmoid(v @ w.T + c)
    np.testing.assert_allclose(module.weight.grad, -(h0.T @ v0 / 5 - hk.T @ v / 7), atol=1e-12)


def test_many_steps_approach_the_gradient_of_the_exact_likelihood() -> None:
    module = machine(gibbs_steps=60, std=0.5)
    w, c, b = arrays(module)
    data = states(N)[[3, 3, 9, 14]]
    free = -(states(N) @ b) - np.logaddexp(0, states(N) @ w.T + c).sum(1)
    p = np.exp(-free) / np.exp(-free).sum()
    h0, hall = sigmoid(data @ w.T + c), sigmoid(states(N) @ w.T + c)
    exact = -(h0.T @ data / 4 - (hall * p[:, None]).T @ states(N))  # of the mean negative log-likelihood
    torch.manual_seed(0)
    module.pretrain_loss(torch.tensor(np.tile(data, (10_000, 1)))).mean().backward()  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(module.weight.grad, exact, atol=0.01)
    assert np.abs(exact).max() > 0.1


def test_the_layer_gives_hidden_means() -> None:
    x = torch.randn(6, N, dtype=torch.float64)
    for kind, wanted in (("binary", torch.sigmoid), ("gaussian", lambda y: y), ("rectified", torch.relu)):
        module = machine(hidden=kind)
        y = x @ module.weight.T + module.get_parameter("bias")
        assert torch.allclose(module(x), wanted(y))
    module = machine(units=6, hidden="softmax", hidden_groups=2)
    y = (x @ module.weight.T + module.get_parameter("bias")).reshape(6, 2, 3)
    assert torch.allclose(module(x), torch.softmax(y, -1).reshape(6, 6))


@pytest.mark.parametrize("kind", ["binary", "gaussian", "softmax"])
def test_draws_have_their_means(kind: str) -> None:
    units = Units(kind, 2 if kind == "softmax" else 1)
    x = torch.tensor([[0.3, -1.0, 2.0, 0.5]], dtype=torch.float64)
    torch.manual_seed(0)
    drawn = units.draw(x.expand(40_000, -1))
    assert torch.allclose(drawn.mean(0), units.mean(x)[0], atol=0.02)
    if kind == "softmax":
        assert torch.equal(drawn.reshape(-1, 2, 2).sum(-1), torch.ones(40_000, 2, dtype=torch.float64))


def test_rectified_draws_are_those_of_nair_and_hinton() -> None:
    x = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    torch.manual_seed(0)
    drawn = Units("rectified").draw(x.expand(1000, -1))
    torch.manual_seed(0)
    noise = torch.randn(1000, 3, dtype=torch.float64)
    assert torch.allclose(drawn, (x + noise * torch.sigmoid(x).sqrt()).clamp_min(0))


@pytest.mark.parametrize(
    ("settings", "x", "said"),
    [
        ({}, [[0.0, 1.0, 0.5, 1.2]], "from 0 to 1"),
        ({"visible": "softmax", "visible_groups": 2}, [[0.5, 0.5, 0.7, 0.7]], "add up to 1"),
        ({"visible": "gaussian"}, [[0.0, float("nan"), 0.0, 0.0]], "finite"),
    ],
)
def test_values_that_the_visible_units_cannot_have(settings: dict[str, Any], x: list[list[float]], said: str) -> None:
    with pytest.raises(DataError, match=rf"(?s)EN100.*'tested' \(rbm\), sample 7.*{said}"):
        machine(**settings).check_inputs(torch.tensor(x, dtype=torch.float64), first=7)
    machine().check_inputs(torch.tensor([[0.0, 1.0, 0.5, 0.2]], dtype=torch.float64))


@pytest.mark.parametrize(
    "settings",
    [
        {"visible_groups": 2},
        {"hidden": "rectified", "hidden_groups": 3},
        {"persistent": True, "draw_visible": False},
        {"activation": "relu"},
    ],
)
def test_settings_that_would_do_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(LaminaError, match="SP004"):
        RBM(3, **settings)


def test_groups_must_divide_the_units() -> None:
    with pytest.raises(ShapeError, match="NN008"):
        RBM(3, visible="softmax", visible_groups=3).infer((Features(4),))
    with pytest.raises(ShapeError, match="NN008"):
        RBM(3, hidden="softmax", hidden_groups=2).infer((Features(4),))
