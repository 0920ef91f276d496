"""Every registered evaluation, in every example, keeps its contract."""

from __future__ import annotations

import pytest

import lamina.evaluate  # noqa: F401 (fills the registry)
from lamina.evaluate import Classification, Result
from lamina.spec import registry
from lamina.testing.evaluations import check_evaluation

EXAMPLES = [
    pytest.param(example, id=f"{name}-{i}") for name, kind in registry.components("evaluation") for i, example in enumerate(kind.examples())
]


@pytest.mark.parametrize("evaluation", EXAMPLES)
@pytest.mark.filterwarnings("ignore:.*EV006")
@pytest.mark.filterwarnings("ignore:.*EV012")
def test_contract(evaluation) -> None:
    check_evaluation(evaluation)


def test_all_five_are_registered() -> None:
    assert {"calibration", "classification", "multilabel", "regression", "roc"} <= set(registry.names("evaluation"))


def test_the_suite_notices_wrong_names(monkeypatch) -> None:
    monkeypatch.setattr(Classification, "_metric_names", lambda *_: ["accuracy"])
    with pytest.raises(AssertionError, match="metric_names"):
        check_evaluation(Classification())


def test_the_suite_notices_means_of_means(monkeypatch) -> None:
    from lamina.evaluate.counting.classification import ClassCounter

    real = ClassCounter._result

    def drifting(self) -> Result:
        result = real(self)
        # What a running mean in floats would do: it depends on the number of batches.
        result.metrics["accuracy"] += 1e-16 * self._seen
        return result

    monkeypatch.setattr(ClassCounter, "_result", drifting)
    with pytest.raises(AssertionError, match="same bits"):
        check_evaluation(Classification())
