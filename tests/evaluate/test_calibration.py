"""Calibration against scikit-learn and a straight computation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from lamina.evaluate import Calibration

RNG = np.random.default_rng(8)
P = RNG.dirichlet(np.ones(3), 400)
Y = RNG.integers(0, 3, 400)
W = RNG.random(400)


def judge(predictions, targets, weight=None, *, bins: int = 10, **start):
    accumulator = Calibration(bins=bins).start(**start)
    accumulator.update(predictions, targets, weight)
    return accumulator.result()


def ece_of(p, truth, weight, bins):
    gaps, place = [], np.minimum((p * bins).astype(int), bins - 1)
    for i in range(bins):
        chosen = place == i
        if weight[chosen].sum():
            mean, share = (np.average(v[chosen], weights=weight[chosen]) for v in (p, truth))
            gaps.append((weight[chosen].sum() / weight.sum(), abs(mean - share)))
    return sum(share * gap for share, gap in gaps), max(gap for _, gap in gaps)


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_against_a_straight_computation(weight) -> None:
    result = judge(P, Y, weight, bins=7)
    heavy = np.ones(400) if weight is None else weight
    ece, mce = ece_of(P.max(axis=1), P.argmax(axis=1) == Y, heavy, 7)
    assert result["ece"] == pytest.approx(ece)
    assert result["mce"] == pytest.approx(mce)
    assert result["ece/classwise"] == pytest.approx(np.mean([ece_of(P[:, i], i == Y, heavy, 7)[0] for i in range(3)]))
    distance = ((P - np.eye(3)[Y]) ** 2).sum(axis=1)
    assert result["brier"] == pytest.approx(np.average(distance, weights=weight))


def test_two_classes_against_scikit_learn() -> None:
    p, y = RNG.random(300), RNG.integers(0, 2, 300)
    result = judge(p, y)
    assert result["brier"] == pytest.approx(sk.brier_score_loss(y, p))
    share, mean = calibration_curve(y, p, n_bins=10)
    line = next(series for series in result.charts[0].series if series.name == "1")
    assert line.x == pytest.approx(mean)
    assert line.y == pytest.approx(share)


def test_labels() -> None:
    p, y = RNG.random((100, 2)), RNG.integers(0, 2, (100, 2))
    result = judge(p, y, target=SimpleNamespace(kind="multilabel", labels=None))
    assert result["brier"] == pytest.approx(((p - y) ** 2).mean())
    assert result["ece"] == result["ece/classwise"]


def test_histograms_count_every_probability() -> None:
    result = judge(P, Y)
    probabilities, residuals = (chart.series[0] for chart in result.charts[1:])
    assert probabilities.y == tuple(np.histogram(P, bins=10, range=(0, 1))[0])
    assert sum(residuals.y) == P.size
