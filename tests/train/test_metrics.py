"""Which output is judged against which target, and what the figures are called: one rule, before and after."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.data.schema import DataSchema, Target
from lamina.errors import LaminaError
from lamina.evaluate import Calibration, Classification, Regression, Roc
from lamina.train.evaluator import BLOCK, blocks
from lamina.train.metrics import MetricNames, check_monitors, check_targets, pair_outputs

KIND = Target("classes", labels=["a", "b", "c"])
SIZE = Target("numbers", shape=lm.features(2))


def schema(**targets: Target) -> DataSchema:
    return DataSchema(inputs={"input": lm.features(3)}, targets=targets)


def test_the_only_target_is_for_the_only_output() -> None:
    assert pair_outputs(["out"], schema(whatever=KIND)) == {"out": "whatever"}


def test_several_are_paired_by_name() -> None:
    assert pair_outputs(["b", "a"], schema(a=KIND, b=SIZE)) == {"b": "b", "a": "a"}
    with pytest.raises(lm.LaminaError, match="call the layer 'kind'") as caught:
        pair_outputs(["kin", "size"], schema(kind=KIND, size=SIZE))
    assert caught.value.code == "TR053"


def test_one_output_has_bare_names() -> None:
    names = MetricNames({"out": "out"}, schema(out=KIND))
    assert "accuracy" in names.all()
    assert [judged.key for judged in names.judged] == ["classification"]
    assert names.better("accuracy") == "max"
    assert names.better("log_loss") == "min"


def test_names_that_clash_say_their_evaluation() -> None:
    names = MetricNames({"out": "out"}, schema(out=KIND), [Classification(), Roc(), Roc(bins=50), Calibration()])
    assert "accuracy" in names.all()
    assert "ece" in names.all()
    clashing = [name for name in names.all() if "roc_auc" in name]
    assert clashing
    assert all(name.startswith(("roc/", "roc_2/")) for name in clashing)
    assert len(set(names.all())) == len(names.all())
    assert {names.better(name) for name in clashing} == {"max"}


def test_several_outputs_say_their_name() -> None:
    names = MetricNames({"kind": "kind", "size": "size"}, schema(kind=KIND, size=SIZE))
    assert "kind/accuracy" in names.all()
    assert "size/rmse" in names.all()
    assert names.better("size/rmse") == "min"
    assert names.better("kind/accuracy") == "max"
    assert [judged.key for judged in names.judged] == ["kind/classification", "size/regression"]


@pytest.mark.parametrize(("units", "code"), [(1, "TR054"), (3, "TR056")])
def test_grades_may_be_numbers_to_predict(units: int, code: str) -> None:
    """A column of a few whole numbers is taken for classes; a loss for numbers shows that it was not meant so."""
    plan = lm.Sequential(lm.features(2), [lm.Output(units, loss="mse")]).resolve()
    with pytest.raises(LaminaError) as caught:
        check_targets(plan, schema(output=Target("classes", labels=["1", "2", "3"])))
    assert caught.value.code == code
    assert "write kind: numbers in the source" in caught.value.problems[0].fix
    assert "cross_entropy" in caught.value.problems[0].fix


def test_an_evaluation_for_nothing() -> None:
    with pytest.raises(lm.LaminaError, match="classification") as caught:
        MetricNames({"out": "out"}, schema(out=KIND), [Regression()])
    assert caught.value.code == "TR052"


def test_all_unknown_metrics_at_once() -> None:
    monitors = {"train.callbacks[0]": {"monitor": "validation/acuracy"}, "train.early_stopping": {"monitor": "melody"}}
    with pytest.raises(lm.LaminaError) as caught:
        check_monitors(monitors, ["train/loss", "validation/accuracy"])
    assert [problem.code for problem in caught.value.problems] == ["TR055", "TR055"]
    assert caught.value.problems[0].where == "train.callbacks[0].monitor"
    assert "validation/accuracy" in caught.value.problems[0].fix


@pytest.mark.parametrize(("first", "last"), [(0, 1), (0, 64), (63, 65), (60, 200), (100, 101), (128, 192)])
def test_blocks_put_every_sample_at_its_place(first: int, last: int) -> None:
    indices = np.arange(first, last)
    found = []
    for rows, fill in blocks(indices):
        assert rows.shape == (BLOCK,)
        whole = indices[rows]
        places = np.arange(BLOCK)[fill]
        assert np.array_equal(whole[fill] % BLOCK, places)
        found += whole[fill].tolist()
    assert found == indices.tolist()
