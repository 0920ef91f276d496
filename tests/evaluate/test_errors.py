"""What can't be judged is refused with the sample's number and the fix."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lamina.errors import EvaluationError
from lamina.evaluate import Calibration, Classification, Evaluation, Multilabel, Regression, Roc

GOOD = np.full((4, 3), 1 / 3)
LABELS = np.array([0, 1, 2, 0])


def changed(array, place, value):
    result = np.array(array, dtype=np.float64)
    result[place] = value
    return result


CASES = {
    "label too large": (Classification(), GOOD, [0, 1, 3, 0], None, "EV001", "sample 6", "number the classes from 0 to 2"),
    "negative label": (Roc(), GOOD, [0, -1, 2, 0], None, "EV001", "sample 5", "number the classes from 0 to 2"),
    "scores": (Classification(), GOOD * 6, LABELS, None, "EV002", "sample 4, class 0", "activation softmax"),
    "negative": (Calibration(), GOOD - 0.5, LABELS, None, "EV002", "sample 4, class 0", "activation softmax"),
    "sum": (Classification(), GOOD * 0.9, LABELS, None, "EV002", "sample 4", "evaluate: {type: multilabel}"),
    "binary score": (Classification(), [0.5, 1.5], [0, 1], None, "EV002", "sample 5", "activation sigmoid"),
    "label score": (Multilabel(), GOOD * 6, GOOD.round(), None, "EV002", "sample 4, column 0", "activation sigmoid"),
    "NaN": (Classification(), changed(GOOD, (2, 1), np.nan), LABELS, None, "EV003", "sample 6, output 1", "lower learning rate"),
    "infinity": (Regression(), changed(GOOD, (3, 0), np.inf), GOOD, None, "EV003", "sample 7, output 0", "lower learning rate"),
    "words": (Classification(), np.array([["a"]]), [0], None, "EV003", "classification", "model.predict(x)"),
    "fewer targets": (Classification(), GOOD, [0, 1, 2], None, "EV004", "classification", "in the same order"),
    "other columns": (Regression(), GOOD, GOOD[:, :2], None, "EV004", "regression", "in the same order"),
    "label words": (Classification(), GOOD, np.array(["a", "b", "c", "d"]), None, "EV011", "classification", "encode the labels"),
    "half a label": (Classification(), GOOD, [0, 0.5, 1, 1], None, "EV011", "sample 5", "evaluate: {type: regression}"),
    "two labels": (Classification(), GOOD, np.ones((4, 3)), None, "EV011", "sample 4", "evaluate: {type: multilabel}"),
    "missing target": (Regression(), GOOD, changed(GOOD, (1, 2), np.nan), None, "EV011", "sample 5, column 2", "clean the column"),
    "no yes or no": (Multilabel(), GOOD, GOOD * 6, None, "EV011", "sample 4, column 0", "use the classification evaluation"),
    "weights": (Classification(), GOOD, LABELS, [1.0, 2.0], "EV010", "classification", "one weight for each sample"),
    "negative weight": (Regression(), GOOD, GOOD, [1, 1, -1, 1], "EV010", "sample 6", "use 0 to leave the sample out"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_batches(case) -> None:
    evaluation, predictions, targets, weight, code, where, fix = CASES[case]
    accumulator = evaluation.start()
    first = (np.full((4, 3), 0.5), np.eye(4, 3)) if isinstance(evaluation, Multilabel) else (GOOD, GOOD)
    first = first if isinstance(evaluation, Multilabel | Regression) else (GOOD, LABELS)
    first = (np.full(4, 0.5), [0, 1, 0, 1]) if case == "binary score" else first
    accumulator.update(*first)
    before = accumulator.state_dict()
    with pytest.raises(EvaluationError) as caught:
        accumulator.update(predictions, targets, weight)
    problem = caught.value.problems[0]
    assert problem.code == code
    assert where in problem.where
    assert fix in problem.fix
    after = accumulator.state_dict()
    assert str(after) == str(before), "a refused batch leaves nothing behind"


def test_the_step_of_a_sequence_is_named() -> None:
    p = np.full((2, 5, 3), 1 / 3)
    p[1, 3, 0] = np.nan
    with pytest.raises(EvaluationError, match="sample 1, step 3, output 0"):
        Classification().start().update(p, np.zeros((2, 5), dtype=int))


def test_the_numbering_counts_masked_samples() -> None:
    accumulator = Classification().start()
    accumulator.update(GOOD, LABELS, [0, 0, 0, 1])
    with pytest.raises(EvaluationError, match="sample 6"):
        accumulator.update(GOOD, [9, 9, 9, 0], [0, 0, 1, 1])


def test_another_width() -> None:
    accumulator = Classification().start(width=4)
    with pytest.raises(EvaluationError, match="set the units of the output layer to 4") as caught:
        accumulator.update(GOOD, LABELS)
    assert caught.value.code == "EV004"
    with pytest.raises(EvaluationError, match="set the units of the output layer to 2"):
        Classification().start(SimpleNamespace(kind="classes", labels=("a", "b")), width=3)
    with pytest.raises(EvaluationError, match="Got:      1"):
        accumulator.update([0.5], [1])


def test_one_output_for_two_names_is_right() -> None:
    accumulator = Classification().start(SimpleNamespace(kind="classes", labels=("no", "yes")), width=1)
    accumulator.update([[0.2], [0.7]], [0, 1])
    assert accumulator.result()["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("evaluation", "kind"), [(Classification(), "numbers"), (Regression(), "classes"), (Roc(), "numbers"), (Multilabel(), "classes")]
)
def test_the_wrong_kind_of_target(evaluation: Evaluation, kind: str) -> None:
    target = SimpleNamespace(kind=kind, labels=None)
    for call in (evaluation.start, evaluation.metric_names):
        with pytest.raises(EvaluationError, match="evaluate: {type: (regression|classification)}") as caught:
            call(target)
        assert caught.value.code == "EV008"


def test_nothing_to_judge() -> None:
    accumulator = Classification().start(width=3)
    with pytest.raises(EvaluationError, match="check the source and the size of the split") as caught:
        accumulator.result()
    assert caught.value.code == "EV007"
    accumulator.update(GOOD, LABELS, np.zeros(4))
    with pytest.raises(EvaluationError):
        accumulator.result()


def test_what_does_not_belong_together_does_not_merge() -> None:
    named = SimpleNamespace(kind="classes", labels=("a", "b", "c"))
    own = Classification().start(named)
    others = {
        "evaluation": Classification(top_n=2).start(named),
        "names": Classification().start(SimpleNamespace(kind="classes", labels=("c", "b", "a"))),
        "number of classes": Classification().start(width=4),
    }
    for what, other in others.items():
        with pytest.raises(EvaluationError, match=what) as caught:
            own.merge(other)
        assert caught.value.code == "EV005"
        with pytest.raises(EvaluationError, match="same evaluation and the same target"):
            own.load_state_dict(other.state_dict())
    kinds = [Roc().start(SimpleNamespace(kind=kind, labels=None), width=3) for kind in ("classes", "multilabel")]
    with pytest.raises(EvaluationError, match="kind of target"):
        kinds[0].merge(kinds[1])


def test_a_metric_that_does_not_exist() -> None:
    with pytest.raises(EvaluationError, match="did you mean 'r2'") as caught:
        Regression().better("R2 ")
    assert caught.value.code == "EV009"
