"""What is drawn has the distribution that the description states."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lamina.engine.initializers import initialize
from lamina.errors import DescriptionError
from lamina.network import initializers as I
from lamina.network.layers.layer import Parameter

WIDE = Parameter((400, 300), "weight", fan_in=300, fan_out=400)


def values(initializer, parameter=WIDE, seed=0) -> np.ndarray:
    tensor = torch.empty(parameter.shape, dtype=torch.float64)
    initialize(tensor, parameter, initializer, torch.Generator().manual_seed(seed))
    return tensor.numpy()


# Initialiser, variance, greatest magnitude (None: unbounded).
SPREADS = [
    (I.XavierUniform(), 2 / 700, math.sqrt(6 / 700)),
    (I.XavierNormal(), 2 / 700, None),
    (I.XavierLegacy(), 1 / 700, None),
    (I.SigmoidUniform(), 32 / 700, 4 * math.sqrt(6 / 700)),
    (I.HeNormal(), 2 / 300, None),
    (I.HeUniform(), 2 / 300, math.sqrt(6 / 300)),
    (I.LecunNormal(), 1 / 300, None),
    (I.LecunUniform(), 1 / 300, math.sqrt(3 / 300)),
    (I.Normal(), 1 / 300, None),
    (I.Uniform(), 1 / 900, 1 / math.sqrt(300)),
    (I.VarianceScaling(3.0, "fan_in", "uniform"), 3 / 300, 3 / math.sqrt(300)),
    (I.VarianceScaling(2.0, "fan_out", "normal"), 2 / 400, None),
    (I.VarianceScaling(), 1 / 300, 2 * math.sqrt(1 / 300) / 0.8796256610),
    (I.TruncatedNormal(0.0, 0.5), (0.8796256610 * 0.5) ** 2, 1.0),
    (I.Normal(0.0, 0.3), 0.09, None),
    (I.Uniform(-0.5, 0.5), 1 / 12, 0.5),
]


@pytest.mark.parametrize(("initializer", "variance", "limit"), SPREADS)
def test_mean_variance_and_limits(initializer, variance, limit) -> None:
    drawn = values(initializer)
    assert abs(drawn.mean()) < 5 * math.sqrt(variance / drawn.size)
    assert drawn.var() == pytest.approx(variance, rel=0.02)
    if limit is not None:
        assert 0.99 * limit < np.abs(drawn).max() <= limit * (1 + 1e-9)


def test_other_distributions() -> None:
    assert values(I.Binomial(10, 0.3)).mean() == pytest.approx(3, abs=0.02)
    assert values(I.Binomial(10, 0.3)).var() == pytest.approx(2.1, rel=0.02)
    assert np.log(values(I.LogNormal(0.5, 0.25))).mean() == pytest.approx(0.5, abs=0.005)
    assert np.log(values(I.LogNormal(0.5, 0.25))).std() == pytest.approx(0.25, rel=0.02)
    assert values(I.Normal(2.0, 0.1)).mean() == pytest.approx(2, abs=0.002)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (5, 2, 3, 3)])
def test_orthogonal(shape) -> None:
    matrix = values(I.Orthogonal(2.0), Parameter(shape)).reshape(shape[0], -1)
    short = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(short, 4 * np.eye(len(short)), atol=1e-12)


def test_sparse_leaves_each_input_its_share_of_weights() -> None:
    drawn = values(I.Sparse(0.75, 0.2))
    assert ((drawn == 0).sum(0) == 300).all()  # of 400 that leave each input
    assert drawn[drawn != 0].std() == pytest.approx(0.2, rel=0.02)
    assert len({tuple(np.flatnonzero(drawn[:, i])) for i in range(300)}) == 300
    kernel = values(I.Sparse(0.3), Parameter((10, 4, 3, 3), "weight", 36, 90))
    assert ((kernel == 0).sum(0) == 3).all()


def test_orthogonal_matrices_are_uniformly_distributed() -> None:
    """Without the correction of signs, diagonals of QR lean to one side."""
    diagonal = [np.diag(values(I.Orthogonal(), Parameter((3, 3)), seed)) for seed in range(300)]
    assert abs(np.mean(diagonal)) < 0.06


def test_gates_are_orthogonal_one_by_one() -> None:
    gates = values(I.Orthogonal(), Parameter((12, 3), blocks=4)).reshape(4, 3, 3)
    for gate in gates:
        np.testing.assert_allclose(gate @ gate.T, np.eye(3), atol=1e-12)
    assert not np.allclose(gates[0], gates[1])


def test_identity_gives_the_input_back() -> None:
    np.testing.assert_array_equal(values(I.IdentityMatrix(0.5), Parameter((3, 4))), 0.5 * np.eye(3, 4))
    kernel = torch.tensor(values(I.IdentityMatrix(), Parameter((2, 2, 3, 5))))
    x = torch.randn(1, 2, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(torch.nn.functional.conv2d(x, kernel, padding="same"), x)


@pytest.mark.parametrize("initializer", [I.Orthogonal(), I.IdentityMatrix()])
def test_matrices_can_not_start_a_bias(initializer) -> None:
    with pytest.raises(DescriptionError) as caught:
        values(initializer, Parameter((3,), "bias"))
    assert caught.value.code == "EN032"
    assert "zeros" in caught.value.problems[0].fix


@pytest.mark.parametrize("settings", [{"low": 1.0}, {"low": 1.0, "high": 0.0}, {"low": 1.0, "high": 1.0}])
def test_uniform_needs_two_limits_in_order(settings) -> None:
    with pytest.raises(DescriptionError) as caught:
        I.Uniform(**settings)
    assert "low and high" in caught.value.problems[0].fix
