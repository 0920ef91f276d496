"""Constraints against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lamina.engine.constraints import constrain
from lamina.errors import DescriptionError
from lamina.network import constraints as C

WEIGHT = np.random.default_rng(0).normal(size=(6, 4)) * np.array([[0.05], [0.3], [0.6], [1.0], [2.0], [4.0]])
NORMS = np.linalg.norm(WEIGHT, axis=1, keepdims=True)


def constrained(constraint, values=WEIGHT) -> np.ndarray:
    tensor = torch.tensor(values)
    constrain(tensor, constraint)
    return tensor.numpy()


def test_max_norm_shortens_what_is_longer_and_leaves_the_rest_bit_for_bit() -> None:
    found = constrained(C.MaxNorm(1.0))
    long = NORMS[:, 0] > 1
    assert 0 < long.sum() < 6
    np.testing.assert_allclose(found[long], (WEIGHT / NORMS)[long], rtol=1e-12)
    np.testing.assert_array_equal(found[~long], WEIGHT[~long])


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_min_max_norm(rate) -> None:
    wanted = np.clip(NORMS, 0.5, 1.5)
    np.testing.assert_allclose(constrained(C.MinMaxNorm(0.5, 1.5, rate=rate)), WEIGHT * (rate * wanted / NORMS + 1 - rate), rtol=1e-12)


def test_unit_norm_and_non_negative() -> None:
    np.testing.assert_allclose(np.linalg.norm(constrained(C.UnitNorm()), axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(constrained(C.NonNegativeConstraint()), np.maximum(WEIGHT, 0))


def test_a_filter_is_one_unit_and_each_value_of_a_bias_too() -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 2, 5, 5)) * 3
    found = constrained(C.MaxNorm(2.0), kernel)
    np.testing.assert_allclose(np.sqrt((found**2).sum((1, 2, 3))), 2.0, rtol=1e-12)
    np.testing.assert_allclose(constrained(C.MaxNorm(0.5), np.array([0.2, -3.0])), [0.2, -0.5])


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(DescriptionError) as caught:
        C.MinMaxNorm(2.0, 1.0)
    assert caught.value.problems[0].fix == "exchange minimum and maximum"


def test_value_range() -> None:
    np.testing.assert_array_equal(constrained(C.ValueRange(-0.2, 0.5)), np.clip(WEIGHT, -0.2, 0.5))
    with pytest.raises(DescriptionError, match="swapped"):
        C.ValueRange(1.0, 0.0)
