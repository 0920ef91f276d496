"""Multi-label against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from lamina.errors import LaminaWarning
from lamina.evaluate import Multilabel

RNG = np.random.default_rng(2)
P, Y, W = RNG.random((150, 5)), RNG.integers(0, 2, (150, 5)), RNG.random(150)
CHOSEN = (P >= 0.5).astype(int)


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_equals_scikit_learn(weight) -> None:
    accumulator = Multilabel(beta=0.5).start()
    accumulator.update(P, Y, weight)
    result = accumulator.result()
    extra = {"sample_weight": weight}
    assert result["subset_accuracy"] == pytest.approx(sk.accuracy_score(Y, CHOSEN, **extra))
    assert result["hamming_loss"] == pytest.approx(sk.hamming_loss(Y, CHOSEN, **extra))
    assert result["accuracy"] == pytest.approx(1 - sk.hamming_loss(Y, CHOSEN, **extra))
    columns = range(5)
    assert result["mcc"] == pytest.approx(np.mean([sk.matthews_corrcoef(Y[:, i], CHOSEN[:, i], **extra) for i in columns]))
    assert result["balanced_accuracy"] == pytest.approx(
        np.mean([sk.balanced_accuracy_score(Y[:, i], CHOSEN[:, i], **extra) for i in columns])
    )
    assert result["log_loss"] == pytest.approx(np.mean([sk.log_loss(Y[:, i], P[:, i], **extra) for i in columns]))
    for average in ("macro", "micro", "weighted"):
        assert result[f"precision/{average}"] == pytest.approx(sk.precision_score(Y, CHOSEN, average=average, **extra))
        assert result[f"recall/{average}"] == pytest.approx(sk.recall_score(Y, CHOSEN, average=average, **extra))
        assert result[f"f1/{average}"] == pytest.approx(sk.f1_score(Y, CHOSEN, average=average, **extra))
        assert result[f"f0.5/{average}"] == pytest.approx(sk.fbeta_score(Y, CHOSEN, beta=0.5, average=average, **extra))


def test_a_label_that_is_never_true() -> None:
    accumulator = Multilabel().start()
    accumulator.update([[0.9, 0.1], [0.8, 0.2]], [[1, 0], [0, 0]])
    with pytest.warns(LaminaWarning, match="never true: 1; never predicted: 1"):
        result = accumulator.result()
    assert result["recall/macro"] == 0.5


def test_threshold() -> None:
    accumulator = Multilabel(threshold=0.3).start()
    accumulator.update([[0.3, 0.2]], [[1, 0]])
    assert accumulator.result(quiet=True)["subset_accuracy"] == 1.0
