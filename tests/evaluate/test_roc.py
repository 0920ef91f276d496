"""ROC and precision-recall against scikit-learn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sk

from lamina.errors import LaminaWarning
from lamina.evaluate import Roc

RNG = np.random.default_rng(11)
N = 400
# Rounded, so that many scores are tied.
SCORES = np.round(RNG.random(N), 2)
Y = (RNG.random(N) < 0.2 + 0.6 * SCORES).astype(int)
W = RNG.random(N)


def judge(rule: Roc, predictions, targets, weight=None, **start):
    accumulator = rule.start(**start)
    accumulator.update(predictions, targets, weight)
    return accumulator


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("bins", [None, 1000])
def test_two_classes_with_ties(weight, bins) -> None:
    # On a grid of 0.01 the binned way loses nothing.
    accumulator = judge(Roc(bins=bins), SCORES, Y, weight)
    result = accumulator.result()
    extra = {"sample_weight": weight}
    assert result["roc_auc"] == pytest.approx(sk.roc_auc_score(Y, SCORES, **extra), abs=1e-12)
    assert result["average_precision"] == pytest.approx(sk.average_precision_score(Y, SCORES, **extra), abs=1e-12)
    precision, recall, _ = sk.precision_recall_curve(Y, SCORES, **extra)
    assert result["pr_auc"] == pytest.approx(sk.auc(recall, precision), abs=1e-12)
    false, true = accumulator.ranking(0).roc()
    expected = sk.roc_curve(Y, SCORES, drop_intermediate=False, **extra)
    assert false == pytest.approx(expected[0], abs=1e-12)
    assert true == pytest.approx(expected[1], abs=1e-12)


def test_best_threshold_is_youdens() -> None:
    accumulator = judge(Roc(), SCORES, Y)
    threshold, false, true = accumulator.ranking(0).best()
    rates = {t: ((t <= SCORES)[Y == 1].mean(), (t <= SCORES)[Y == 0].mean()) for t in np.unique(SCORES)}
    assert true - false == pytest.approx(max(a - b for a, b in rates.values()))
    assert (true, false) == pytest.approx(rates[threshold])


def test_each_class_against_the_rest() -> None:
    p = RNG.dirichlet(np.ones(4), 300)
    y = RNG.integers(0, 4, 300)
    result = judge(Roc(), p, y).result()
    one_hot = np.eye(4)[y]
    assert result["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), abs=1e-12)
    assert result["roc_auc/weighted"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr", average="weighted"), abs=1e-12)
    assert result["average_precision"] == pytest.approx(sk.average_precision_score(one_hot, p), abs=1e-12)
    assert judge(Roc(bins=2000), p, y).result()["roc_auc"] == pytest.approx(result["roc_auc"], abs=2e-3)


def test_labels_each_on_its_own() -> None:
    p, y = RNG.random((200, 3)), RNG.integers(0, 2, (200, 3))
    target = SimpleNamespace(kind="multilabel", labels=("a", "b", "c"))
    result = judge(Roc(), p, y, target=target).result()
    assert result["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)
    assert [row[0] for row in result.tables[1].rows] == ["a", "b", "c"]


def test_one_class_only_is_undefined() -> None:
    accumulator = judge(Roc(), [0.1, 0.9], [1, 1])
    with pytest.warns(LaminaWarning, match=r"\[EV012\]"):
        result = accumulator.result()
    assert np.isnan(result["roc_auc"])
    assert result.to_dict()["metrics"]["roc_auc"] is None


def test_a_class_without_samples_is_left_out_of_the_mean() -> None:
    p = RNG.dirichlet(np.ones(3), 50)
    y = RNG.integers(0, 2, 50)
    result = judge(Roc(), p, y).result(quiet=True)
    assert result["roc_auc"] == pytest.approx(np.mean([sk.roc_auc_score(y == i, p[:, i]) for i in (0, 1)]))
