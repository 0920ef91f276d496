"""Metrics that nobody computes: found before the first step, wherever something waits for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import lamina as lm
import lamina.train.recipe  # noqa: F401 (fills the registry)
from lamina.spec import registry

RECIPE = """\
data: {source: {type: iris}, split: {validation: 0.2, test: 0.2}}
network: {type: sequential, layers: [{type: output, units: 3}]}
train:
  epochs: 1
"""


def watchers() -> list[Any]:
    """Every registered callback that waits for a metric, and the setting that names it."""
    found = []
    for name, component in registry.components("callback"):
        for example in component.examples():
            found += [pytest.param(example, setting, id=f"{name}-{setting}") for setting in example.monitors]
    return list({entry.id: entry for entry in found}.values())


WATCHERS = watchers()


def test_some_callbacks_wait_for_metrics() -> None:
    assert {"early_stopping-monitor", "checkpoint-monitor"} <= {entry.id for entry in WATCHERS}


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize(("callback", "setting"), WATCHERS)
def test_a_metric_that_does_not_exist(
    refused: Callable[..., Any], recipe: Callable[..., Path], command: str, callback: Any, setting: str
) -> None:
    for metric, near in (
        ("validation/acuracy", "validation/accuracy"),
        ("validaton/loss", "validation/loss"),
        ("trian/loss", "train/loss"),
    ):
        entry = {**callback.to_dict(), setting: metric}
        file = recipe(RECIPE + "  callbacks:\n    - " + yaml.safe_dump(entry, default_flow_style=True, width=10_000))
        (problem,) = refused(command, file)
        assert problem.code == "TR055"
        assert problem.at(file, 6)
        assert f"train.callbacks[0].{setting}" in problem.head
        assert "validation/accuracy" in problem.expected
        assert problem.got == repr(metric)
        assert problem.fix == f"did you mean {near!r}?"


@pytest.mark.parametrize("key", ["early_stopping", "checkpoints"])
def test_in_the_short_forms(refused: Callable[..., Any], recipe: Callable[..., Path], key: str) -> None:
    file = recipe(RECIPE + f"  {key}:\n    monitor: validation/acuracy\n")
    (problem,) = refused("train", file)
    assert problem.at(file, 6, 5)
    assert f"train.{key}.monitor" in problem.head
    assert problem.fix == "did you mean 'validation/accuracy'?"


def test_a_validation_metric_without_validation(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    file = recipe(RECIPE + "  early_stopping: {monitor: validation/loss}\n")
    (problem,) = refused("train", file, "--set", "data.split.validation=0")
    assert problem.code == "TR055"
    assert problem.at(file, 5)
    assert "validation" in problem.fix
    (problem,) = refused("train", file, "--set", "data.split=null")
    assert problem.code == "TR055"


def test_a_metric_of_another_evaluation(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    file = recipe(RECIPE + "  early_stopping: {monitor: validation/rmse}\n")
    assert refused("train", file)[0].code == "TR055"


def test_an_evaluation_of_another_kind(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    file = recipe(RECIPE + "evaluate: {type: regression}\n")
    (problem,) = refused("train", file)
    assert problem.code == "TR052"
    assert problem.at(file, 5), problem.head
    assert "classification" in problem.fix


def test_from_python(tmp_path: Path) -> None:
    x, y = np.zeros((40, 4), np.float32), np.arange(40) % 2
    for settings in (
        {"early_stopping": {"monitor": "validation/acuracy"}},
        {"checkpoints": {"monitor": "validation/acuracy"}},
        {"callbacks": [lm.EarlyStopping("validation/acuracy")]},
    ):
        model = lm.Model(lm.Sequential(lm.features(4), [lm.Output(2)]))
        before = model.parameters()
        with pytest.raises(lm.LaminaError) as caught:
            model.fit(x, y, validation=0.2, epochs=1, run_dir=tmp_path / "run", **settings)
        (problem,) = caught.value.problems
        assert problem.code == "TR055"
        assert problem.fix == "did you mean 'validation/accuracy'?"
        assert caught.value.exit_code == 2
        assert list(tmp_path.iterdir()) == []
        assert all((model.parameters()[name] == array).all() for name, array in before.items())
