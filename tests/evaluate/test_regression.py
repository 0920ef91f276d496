"""Regression against scikit-learn, and against rational numbers where floats would cancel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from lamina.errors import LaminaWarning
from lamina.evaluate import Regression
from lamina.evaluate.points import LIMIT, PointSample

RNG = np.random.default_rng(4)
T = RNG.normal(size=(150, 3)) * [1, 10, 100]
P = T + RNG.normal(size=T.shape)
W = RNG.random(150)


def judge(predictions, targets, weight=None, **settings):
    accumulator = Regression(**settings).start()
    accumulator.update(predictions, targets, weight)
    return accumulator.result()


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_equals_scikit_learn(weight) -> None:
    result, extra = judge(P, T, weight), {"sample_weight": weight}
    assert result["mse"] == pytest.approx(sk.mean_squared_error(T, P, **extra), rel=1e-13)
    assert result["rmse"] == pytest.approx(sk.root_mean_squared_error(T, P, **extra), rel=1e-13)
    assert result["mae"] == pytest.approx(sk.mean_absolute_error(T, P, **extra), rel=1e-13)
    assert result["mape"] == pytest.approx(sk.mean_absolute_percentage_error(T, P, **extra), rel=1e-13)
    assert result["r2"] == pytest.approx(sk.r2_score(T, P, **extra), rel=1e-13)
    assert result["explained_variance"] == pytest.approx(sk.explained_variance_score(T, P, **extra), rel=1e-13)
    assert result["max_error"] == np.abs(P - T).max()
    assert result["rse"] == pytest.approx(1 - result["r2"], rel=1e-12)


def test_correlation() -> None:
    assert judge(P, T)["correlation"] == pytest.approx(np.mean([stats.pearsonr(P[:, i], T[:, i])[0] for i in range(3)]))
    assert judge(-P, T)["correlation"] == pytest.approx(-judge(P, T)["correlation"])


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_nothing_cancels_far_from_zero(weight) -> None:
    target = 1e8 + RNG.normal(size=150) * 1e-3
    prediction = target + RNG.normal(size=150) * 1e-4
    result = judge(prediction, target, weight)
    t, p = [Fraction(float(v)) for v in target], [Fraction(float(v)) for v in prediction]
    w = [Fraction(1)] * 150 if weight is None else [Fraction(float(v)) for v in weight]
    total = sum(w)
    mean = sum(a * b for a, b in zip(w, t, strict=True)) / total
    squared = sum(a * (b - c) ** 2 for a, b, c in zip(w, p, t, strict=True))
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, t, strict=True))
    # To the last bit, not approximately.
    assert result["mse"] == float(squared / total)
    assert result["r2"] == float(1 - squared / spread)
    assert result["mae"] == float(sum(a * abs(b - c) for a, b, c in zip(w, p, t, strict=True)) / total)


def test_one_column_in_any_shape() -> None:
    flat = judge(P[:, 0], T[:, 0])
    assert flat.metrics == judge(P[:, :1], T[:, 0]).metrics == judge(P[:, :1], T[:, :1]).metrics
    assert flat.metrics == judge(P[:, 0].reshape(30, 5, 1), T[:, 0].reshape(30, 5, 1)).metrics


def test_every_column_by_name() -> None:
    result = judge(P, T, per_column=True)
    assert result["mse/column=1"] == pytest.approx(sk.mean_squared_error(T[:, 1], P[:, 1]))


@pytest.mark.parametrize(("prediction", "r2"), [([2.0, 2.0], 1.0), ([2.0, 3.0], 0.0)])
def test_a_constant_target(prediction, r2) -> None:
    with pytest.warns(LaminaWarning, match=r"\[EV012\].*\n.*\n.*the same target everywhere in column 0"):
        result = judge(prediction, [2.0, 2.0])
    assert result["r2"] == r2 == sk.r2_score([2.0, 2.0], prediction)
    assert result["correlation"] == 0.0


def test_huge_and_tiny_numbers() -> None:
    assert judge([1e200, -1e200], [0.0, 1.0])["mse"] == np.inf
    overflowing = judge([1.7e308, 0.0], [-1.7e308, 0.0])
    assert overflowing["mae"] == overflowing["max_error"] == np.inf
    assert judge([1e-200, 3e-200], [1e-200, 2e-200])["r2"] == -1.0


def test_the_points_drawn_do_not_depend_on_the_split() -> None:
    pairs = RNG.normal(size=(3 * LIMIT, 2, 1))
    pairs[: 2 * LIMIT] = pairs[0]
    whole, parts = PointSample(1), [PointSample(1) for _ in range(3)]
    whole.add(pairs[:, 0], pairs[:, 1])
    for i, row in enumerate(RNG.permutation(3 * LIMIT)):
        parts[i % 3].add(pairs[row : row + 1, 0], pairs[row : row + 1, 1])
    parts[2].merge(parts[0])
    parts[2].merge(parts[1])
    assert parts[2].state_dict() == whole.state_dict()
    assert len(whole.state_dict()["kept"][0]) == LIMIT
