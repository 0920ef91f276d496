"""Activations against torch's own and against their formulas in NumPy float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lamina.engine.activations import activates, activation_function, identity
from lamina.errors import DescriptionError, RegistrationError
from lamina.network import activations as A

X = np.linspace(-8, 8, 161)
Y = 2 * X / 3

FORMULAS = [
    (A.Identity(), X),
    (A.Cube(), X**3),
    (A.Exp(), np.exp(X)),
    (A.Elu(0.7), np.where(X > 0, X, 0.7 * (np.exp(X) - 1))),
    (A.Celu(0.7), np.where(X > 0, X, 0.7 * (np.exp(X / 0.7) - 1))),
    (A.Selu(), 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * (np.exp(X) - 1))),
    (A.HardSigmoid(), np.clip(0.2 * X + 0.5, 0, 1)),
    (A.HardTanh(), np.clip(X, -1, 1)),
    (A.LeakyRelu(), np.where(X > 0, X, 0.01 * X)),
    (A.LeakyRelu(0.3), np.where(X > 0, X, 0.3 * X)),
    (A.RandomRelu(), np.where(X > 0, X, X * (1 / 8 + 1 / 3) / 2)),
    (A.RationalTanh(), 1.7159 * np.sign(Y) * (1 - 1 / (1 + np.abs(Y) + Y**2 + 1.41645 * Y**4))),
    (A.RectifiedTanh(), np.maximum(0, np.tanh(X))),
    (A.Relu(), np.maximum(0, X)),
    (A.Relu6(), np.clip(X, 0, 6)),
    (A.SquaredRelu(), np.maximum(0, X) ** 2),
    (A.ThresholdedRelu(), np.where(X > 1, X, 0)),
    (A.Sigmoid(), 1 / (1 + np.exp(-X))),
    (A.LogSigmoid(), -np.log1p(np.exp(-X))),
    (A.Softplus(), np.log1p(np.exp(X))),
    (A.Softplus(beta=3.0), np.log1p(np.exp(3 * X)) / 3),
    (A.Squareplus(), (X + np.sqrt(X**2 + 4)) / 2),
    (A.Squareplus(0.5), (X + np.sqrt(X**2 + 0.5)) / 2),
    (A.SparsePlus(), np.where(X <= -1, 0, np.where(X < 1, (X + 1) ** 2 / 4, X))),
    (A.SparseSigmoid(), np.clip((X + 1) / 2, 0, 1)),
    (A.Threshold(-0.52, -2.0), np.where(X > -0.52, X, -2.0)),
    (A.Clamp(-0.3, 4.0), np.clip(X, -0.3, 4.0)),
    (A.Softsign(), X / (1 + np.abs(X))),
    (A.Tanh(), np.tanh(X)),
    (A.TanhShrink(), X - np.tanh(X)),
    (A.SoftShrink(), np.sign(X) * np.maximum(0, np.abs(X) - 0.5)),
    (A.HardShrink(), np.where(np.abs(X) > 0.5, X, 0)),
    (A.Silu(), X / (1 + np.exp(-X))),
    (A.Swish(), X / (1 + np.exp(-X))),
    (A.HardSwish(), X * np.clip(X / 6 + 0.5, 0, 1)),
    (A.Mish(), X * np.tanh(np.log1p(np.exp(X)))),
    (A.Gelu(), X * np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in X])),
    (A.Gelu(approximate=True), 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))),
]


@pytest.mark.parametrize(("activation", "expected"), FORMULAS, ids=[f"{a.type_name}-{i}" for i, (a, _) in enumerate(FORMULAS)])
def test_each_activation_is_its_formula(activation, expected) -> None:
    function = activation_function(activation)
    if isinstance(function, torch.nn.Module):
        function.eval()
    # torch's softplus is linear above 20, its other thresholds are far outside.
    np.testing.assert_allclose(function(torch.tensor(X)).numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("shape", "axis"), [((2, 5), 1), ((2, 3, 5), 2), ((2, 5, 3, 4), 1), ((2, 5, 2, 2, 2), 1)])
def test_softmax_is_over_the_features(shape, axis) -> None:
    x = torch.randn(shape)
    torch.testing.assert_close(activation_function(A.Softmax())(x), F.softmax(x, axis))
    torch.testing.assert_close(activation_function(A.LogSoftmax())(x), F.log_softmax(x, axis))


def test_softmin_turns_softmax_around() -> None:
    x = torch.randn(3, 5)
    torch.testing.assert_close(activation_function(A.Softmin())(x), F.softmin(x, 1))


def test_sparsemax_is_the_nearest_distribution() -> None:
    x = torch.randn(50, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2
    y = activation_function(A.Sparsemax())(x)
    torch.testing.assert_close(y.sum(1), torch.ones(50, dtype=torch.float64))
    assert (y == 0).any()
    # The nearest point of the simplex: from it, no way to another corner leads nearer (Karush, Kuhn and Tucker).
    slope = ((y - x).unsqueeze(1) * (torch.eye(6, dtype=torch.float64) - y.unsqueeze(1))).sum(2)
    assert slope.min() > -1e-12
    torch.testing.assert_close(activation_function(A.Sparsemax())(torch.tensor([[1000.0, 0.0]])), torch.tensor([[1.0, 0.0]]))
    images = torch.randn(2, 5, 3, 4)
    pixels = images.movedim(1, -1)
    torch.testing.assert_close(
        activation_function(A.Sparsemax())(images).movedim(1, -1),
        activation_function(A.Sparsemax())(pixels.reshape(-1, 5)).reshape(pixels.shape),
    )


def test_rational_tanh_has_its_slope_at_zero() -> None:
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    activation_function(A.RationalTanh())(x).backward()
    assert x.grad.item() == pytest.approx(1.7159 * 2 / 3)


def test_rrelu_draws_slopes_between_its_bounds() -> None:
    function = activation_function(A.RandomRelu(lower=0.2, upper=0.4)).train()
    slopes = -function(torch.full((10_000,), -1.0))
    assert 0.2 <= slopes.min() < 0.21
    assert 0.39 < slopes.max() <= 0.4


def test_the_ranges_that_descriptions_state_are_reached() -> None:
    """What checks rely on: bounds are not only safe but tight."""
    wide = torch.linspace(-60, 60, 4001, dtype=torch.float64)
    for activation, _ in FORMULAS:
        function = activation_function(activation)
        if isinstance(function, torch.nn.Module):
            function.eval()
        y = function(wide)
        if math.isfinite(activation.low):
            assert y.min() - activation.low < 0.02, activation
        if math.isfinite(activation.high):
            assert activation.high - y.max() < 0.02, activation


def test_identity_is_recognised() -> None:
    assert activation_function(A.Identity()) is identity


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(DescriptionError) as caught:
        A.RandomRelu(lower=0.5, upper=0.1)
    assert caught.value.problems[0].fix == "exchange lower and upper"


def test_two_functions_for_one_activation_are_refused() -> None:
    with pytest.raises(RegistrationError) as caught:
        activates(A.Relu)(lambda activation: torch.relu)
    assert caught.value.code == "EN030"
    assert caught.value.problems[0].fix.startswith("remove one of them")


def test_an_activation_that_nothing_computes_says_what_to_write() -> None:
    class Unknown(A.Plain):
        """Nothing."""

    with pytest.raises(RegistrationError) as caught:
        activation_function(Unknown())
    assert caught.value.code == "EN031"
    assert caught.value.problems[0].fix.startswith("decorate a function with @activates(Unknown)")
