"""Outputs that don't match the labels, and labels out of range wherever they stand: found before the first step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm

UNITS = """\
data: {source: {type: SOURCE}}
network:
  type: sequential
  layers:
    - {type: dense, units: 8, activation: relu}
    - {type: output, units: NUMBER, loss: LOSS}
train: {epochs: 1}
"""


@pytest.mark.parametrize("command", ["check", "train", "summary"])
@pytest.mark.parametrize(
    ("source", "units", "loss", "wanted"),
    [
        ("digits", 7, "cross_entropy", 10),
        ("iris", 4, "cross_entropy", 3),
        ("breast_cancer", 3, "cross_entropy", 2),
        ("diabetes", 2, "mse", 1),
    ],
)
def test_units_that_are_not_the_labels(
    refused: Callable[..., Any], recipe: Callable[..., Path], command: str, source: str, units: int, loss: str, wanted: int
) -> None:
    file = recipe(UNITS.replace("SOURCE", source).replace("NUMBER", str(units)).replace("LOSS", loss))
    (problem,) = refused(command, file)
    assert problem.code == "TR054"
    assert problem.at(file, 6, 22)
    assert "network.layers[1] 'output_1' (output)" in problem.head
    assert f"{wanted} unit" in problem.expected
    assert problem.got == str(units)
    assert problem.fix == f"write units: {wanted}"


@pytest.mark.parametrize(
    ("source", "units", "loss"), [("iris", 3, "mse"), ("iris", 3, "binary_cross_entropy"), ("diabetes", 1, "cross_entropy")]
)
def test_losses_for_other_labels(refused: Callable[..., Any], recipe: Callable[..., Path], source: str, units: int, loss: str) -> None:
    file = recipe(UNITS.replace("SOURCE", source).replace("NUMBER", str(units)).replace("LOSS", loss))
    for command in ("check", "train"):
        problem = refused(command, file)[0]
        assert problem.at(file, 6), problem.head
        assert "network.layers[1] 'output_1' (output)" in problem.head
        assert "loss" in problem.fix


# -- from Python ------------------------------------------------------------------------------------------------------


def data(count: int = 70) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)).astype(np.float32), np.arange(count) % 3


def model(units: int = 3, **settings: Any) -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(4), [lm.Dense(4), lm.Output(units, **settings)]), seed=1)


def refusal(call: Callable[[], object]) -> Any:
    with pytest.raises(lm.LaminaError) as caught:
        call()
    assert caught.value.exit_code == 2
    for problem in caught.value.problems:
        assert all((problem.where, problem.expected, problem.got, problem.cause, problem.fix))
    return caught.value.problems[0]


def test_units_that_are_not_the_labels_in_fit(tmp_path: Path) -> None:
    x, y = data()
    for units in (2, 5):
        made = model(units)
        before = made.parameters()
        problem = refusal(lambda made=made: made.fit(x, y, epochs=1, run_dir=tmp_path / "run"))
        assert problem.fix.startswith("write units: 3")
        assert "output_1" in problem.where
        assert list(tmp_path.iterdir()) == []
        for name, array in made.parameters().items():
            np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("wrong", [3, 99, -1])
@pytest.mark.parametrize("part", ["training", "validation", "evaluation", "evaluation of a fresh model"])
def test_one_label_out_of_range_in_the_very_last_sample(tmp_path: Path, wrong: int, part: str) -> None:
    x, y = data()
    bad = y.copy()
    bad[-1] = wrong
    made = model()
    calls = {
        "training": lambda: made.fit(x, bad, epochs=1, batch_size=8, run_dir=tmp_path / "run"),
        "validation": lambda: made.fit(x, y, validation=(x, bad), epochs=1, batch_size=8, run_dir=tmp_path / "run"),
        "evaluation": lambda: made.evaluate(x, bad, batch_size=8),
        "evaluation of a fresh model": lambda: model().evaluate(x, bad, batch_size=8),
    }
    if part == "evaluation":
        made.fit(x, y, epochs=1, progress=False)
    problem = refusal(calls[part])
    assert "sample 69" in f"{problem.where} {problem.got}", problem
    assert str(wrong) in problem.got
    assert "0 to 2" in problem.expected or problem.expected == "a class number from 0 up"
    assert list(tmp_path.iterdir()) == []


def test_labels_that_count_from_one() -> None:
    x, y = data()
    problem = refusal(lambda: model().fit(x, y + 1, epochs=1))
    assert "subtract 1" in problem.fix


def test_unknown_names_of_classes_in_the_last_sample(tmp_path: Path) -> None:
    x, y = data()
    names = np.array(["cat", "dog", "owl"])[y]
    odd = names.copy()
    odd[-1] = "dgo"
    made = model()
    problem = refusal(lambda: made.fit(x, names, validation=(x, odd), epochs=1, run_dir=tmp_path / "run"))
    assert "sample 69" in problem.where
    assert problem.fix == "did you mean 'dog'?"
    assert list(tmp_path.iterdir()) == []


def test_labels_with_a_fraction_or_missing() -> None:
    x, y = data()
    for value in (0.5, np.nan):
        floats = y.astype(np.float64)
        floats[-1] = value
        problem = refusal(lambda floats=floats: model().fit(x, floats, epochs=1))
        assert "69" in f"{problem.where} {problem.got}"


def test_one_label_for_each_sample() -> None:
    x, y = data()
    problem = refusal(lambda: model().fit(x, y[:-1], epochs=1))
    assert problem.expected.startswith("70 samples")
    assert problem.got == "69"


def test_binary_labels_that_are_neither_0_nor_1() -> None:
    x, y = data()
    problem = refusal(lambda: model(1, loss="binary_cross_entropy").fit(x, y, epochs=1))
    assert problem.fix.startswith("write units: 3")


def test_numbers_that_are_missing_in_a_regression(tmp_path: Path) -> None:
    x, y = data()
    target = y.astype(np.float32)
    target[-1] = np.inf
    problem = refusal(lambda: model(1, loss="mse").fit(x, target, epochs=1, run_dir=tmp_path / "run"))
    assert "sample 69" in problem.where
    assert list(tmp_path.iterdir()) == []


def test_labels_for_each_step_or_for_each_sample() -> None:
    network = lm.Sequential(lm.sequence(5, 2), [lm.LSTM(4), lm.Output(3)])
    x, y = np.zeros((8, 5, 2), np.float32), np.arange(8) % 3
    problem = refusal(lambda: lm.Model(network).fit(x, y, epochs=1))
    assert problem.code == "EN033"
    assert "return_sequences: false" in problem.fix


# -- labels of files --------------------------------------------------------------------------------------------------


CSV = """\
data:
  source: {type: csv, path: train.csv, target: kind}
  test_source: {type: csv, path: test.csv, target: kind}
network:
  type: sequential
  layers:
    - {type: output, units: 2}
train: {epochs: 1}
"""


def test_a_class_of_the_test_file_that_training_never_saw(refused: Callable[..., Any], recipe: Callable[..., Path], tmp_path: Path) -> None:
    rows = "".join(f"{i},{i * 2},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "train.csv").write_text("x,y,kind\n" + rows)
    (tmp_path / "test.csv").write_text("x,y,kind\n" + rows + "1,2,c\n")
    (problem,) = refused("train", recipe(CSV))
    assert "'c'" in problem.got
    assert "20" in problem.head
