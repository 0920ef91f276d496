"""Classification against scikit-learn, and its own conventions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sk

from lamina.errors import DescriptionError, EvaluationError, LaminaWarning
from lamina.evaluate import Classification

RNG = np.random.default_rng(5)
CLASSES = 4
P = RNG.dirichlet(np.ones(CLASSES), 301)
Y = RNG.integers(0, CLASSES, 301)
W = RNG.random(301)
CHOSEN = P.argmax(axis=1)


def judge(evaluation: Classification, predictions, targets, weight=None, **start):
    accumulator = evaluation.start(**start)
    accumulator.update(predictions, targets, weight)
    return accumulator.result()


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_equals_scikit_learn(weight) -> None:
    result = judge(Classification(top_n=2, beta=2.0), P, Y, weight)
    extra = {"sample_weight": weight}
    expected = {
        "accuracy": sk.accuracy_score(Y, CHOSEN, **extra),
        "balanced_accuracy": sk.balanced_accuracy_score(Y, CHOSEN, **extra),
        "top_2_accuracy": sk.top_k_accuracy_score(Y, P, k=2, **extra),
        "mcc": sk.matthews_corrcoef(Y, CHOSEN, **extra),
        "kappa": sk.cohen_kappa_score(Y, CHOSEN, **extra),
        "log_loss": sk.log_loss(Y, P, **extra),
        "precision": sk.precision_score(Y, CHOSEN, average="macro", **extra),
    }
    for average in ("macro", "micro", "weighted"):
        expected[f"precision/{average}"] = sk.precision_score(Y, CHOSEN, average=average, **extra)
        expected[f"recall/{average}"] = sk.recall_score(Y, CHOSEN, average=average, **extra)
        expected[f"f1/{average}"] = sk.f1_score(Y, CHOSEN, average=average, **extra)
        expected[f"f2/{average}"] = sk.fbeta_score(Y, CHOSEN, beta=2, average=average, **extra)
    for name, value in expected.items():
        assert result[name] == pytest.approx(value, abs=1e-13), name


def test_two_classes_mean_the_positive_one() -> None:
    p = RNG.random(200)
    y = RNG.integers(0, 2, 200)
    chosen = (p > 0.5).astype(int)
    shapes = [(p, y), (p[:, None], y[:, None]), (np.stack([1 - p, p], axis=1), np.eye(2)[y]), (p.reshape(50, 4, 1), y.reshape(50, 4))]
    for predictions, targets in shapes:
        result = judge(Classification(), predictions, targets)
        assert result.samples == 200
        assert result["f1"] == pytest.approx(sk.f1_score(y, chosen), abs=1e-14)
        assert result["log_loss"] == pytest.approx(sk.log_loss(y, p), abs=1e-13)
        tn, fp, fn, tp = sk.confusion_matrix(y, chosen).ravel()
        assert result["false_positive_rate"] == pytest.approx(fp / (fp + tn))
        assert result["false_negative_rate"] == pytest.approx(fn / (fn + tp))
        assert result["g_measure"] == pytest.approx(np.sqrt(tp / (tp + fp) * tp / (tp + fn)))


def test_sequences_and_images_count_every_step_and_pixel() -> None:
    flat = judge(Classification(), P[:300], Y[:300], W[:300])
    steps = judge(Classification(), P[:300].reshape(30, 10, 4), Y[:300].reshape(30, 10), W[:300].reshape(30, 10))
    one_hot = judge(Classification(), P[:300].reshape(30, 10, 4), np.eye(4)[Y[:300]].reshape(30, 10, 4), W[:300].reshape(30, 10))
    image = judge(Classification(), np.moveaxis(P[:300].reshape(30, 5, 2, 4), -1, 1), Y[:300].reshape(30, 5, 2), W[:300].reshape(30, 5, 2))
    assert flat.metrics == steps.metrics == one_hot.metrics == image.metrics


def test_masked_steps_may_hold_anything() -> None:
    p, y = P[:300].reshape(30, 10, 4).copy(), Y[:300].reshape(30, 10).copy()
    mask = np.ones((30, 10))
    mask[:, 7:] = 0
    p[:, 7:], y[:, 7:] = np.nan, -1
    result = judge(Classification(), p, y, mask)
    assert result.samples == 210
    assert result["accuracy"] == sk.accuracy_score(y[:, :7].ravel(), p[:, :7].argmax(axis=2).ravel())


def test_confusion_matrix_and_labels_are_shown() -> None:
    target = SimpleNamespace(kind="classes", labels=("cat", "dog", "emu", "fox"))
    result = judge(Classification(per_class=True), P, Y, target=target)
    assert result["recall/class=dog"] == pytest.approx(sk.recall_score(Y, CHOSEN, average=None)[1])
    grid = next(table for table in result.tables if table.title.startswith("Confusion"))
    assert [list(row[1:]) for row in grid.rows] == sk.confusion_matrix(Y, CHOSEN).tolist()
    assert "emu" in str(result)


def test_labels_can_be_given_directly() -> None:
    result = judge(Classification(), [0.2, 0.9], [0, 1], labels=("cat", "dog"))
    assert "cat" in str(result)


def test_threshold_cost_and_average() -> None:
    p, y = np.array([0.2, 0.3, 0.7]), np.array([0, 1, 1])
    assert judge(Classification(threshold=0.3), p, y)["accuracy"] == 1.0
    assert judge(Classification(cost=(1.0, 3.0)), p, y)["accuracy"] == 1.0
    assert judge(Classification(), p, y)["accuracy"] == 2 / 3
    assert judge(Classification(average="macro"), p, y)["f1"] == judge(Classification(), p, y)["f1/macro"]
    with pytest.raises(EvaluationError, match="remove cost, or list 4 costs"):
        judge(Classification(cost=(1.0, 2.0)), P, Y)
    with pytest.raises(DescriptionError, match="threshold or cost, not both"):
        Classification(threshold=0.5, cost=(1.0, 2.0))


def test_plain_scores_are_judged_without_log_loss() -> None:
    rule = Classification(probabilities=False)
    result = judge(rule, np.log(P) * 3, Y)
    assert result["accuracy"] == sk.accuracy_score(Y, CHOSEN)
    assert "log_loss" not in result.metrics
    assert judge(rule, np.array([[-1.5], [2.0]]), [0, 1])["accuracy"] == 1.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_lower_precisions(dtype) -> None:
    result = judge(Classification(), P.astype(dtype), Y)
    assert result["log_loss"] == pytest.approx(sk.log_loss(Y, P), rel=1e-3)


def test_certain_but_wrong_is_cut_at_the_epsilon_of_the_predictions() -> None:
    p = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    assert judge(Classification(), p, [1, 1, 0])["log_loss"] == pytest.approx(sk.log_loss([1, 1, 0], p), rel=1e-6)


def test_classes_that_never_occur() -> None:
    p = np.eye(4)[[0, 0, 1]]
    with pytest.warns(LaminaWarning, match="never seen: 2, 3; never predicted: 2, 3") as caught:
        result = judge(Classification(), p, [0, 1, 1])
    assert len(caught) == 1
    # As scikit-learn: classes that are neither target nor prediction don't count.
    assert result["f1/macro"] == pytest.approx(sk.f1_score([0, 1, 1], [0, 0, 1], average="macro"))
    assert "never seen: 2, 3" in result.notes[0]


def test_many_classes_stay_sparse() -> None:
    classes = 3000
    rng = np.random.default_rng(0)
    y, chosen = rng.integers(0, classes, 500), rng.integers(0, classes, 500)
    chosen[::2] = y[::2]
    accumulator = Classification().start()
    accumulator.update(np.eye(classes, dtype=np.float32)[chosen], y)
    result = accumulator.result(quiet=True)
    assert result["accuracy"] == sk.accuracy_score(y, chosen)
    assert result["f1/macro"] == pytest.approx(sk.f1_score(y, chosen, average="macro"))
    assert len(str(result).splitlines()) < 100


def test_a_million_samples_do_not_overflow() -> None:
    accumulator = Classification().start()
    accumulator.update(np.tile(P[:100], (10_000, 1)), np.tile(Y[:100], 10_000))
    result = accumulator.result()
    assert result["mcc"] == pytest.approx(sk.matthews_corrcoef(Y[:100], CHOSEN[:100]))


def test_directions() -> None:
    rule = Classification(top_n=3)
    assert rule.better("top_3_accuracy") == "max"
    assert rule.better("f1/macro") == "max"
    assert rule.better("log_loss") == "min"
    assert Classification(per_class=True).better("recall/class=cat") == "max"
    for name in ("f1/makro", "recall/class=cat", "top_2_accuracy"):
        with pytest.raises(EvaluationError):
            rule.better(name)
    with pytest.raises(EvaluationError, match="did you mean 'accuracy'") as caught:
        rule.better("acuracy")
    assert caught.value.code == "EV009"
