"""Parts that would be empty, or without one of the classes: refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm

RECIPE = """\
data:
  source: {type: csv, path: rows.csv, target: kind, part: part, time: day, group: who}
  split: SPLIT
network: {type: sequential, layers: [{type: output, units: 2}]}
train: {epochs: 1}
"""


@pytest.fixture
def table(recipe: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A recipe with this split, on a table with these classes."""

    def write(split: str, classes: str = "abababab", parts: str = "train", groups: int = 4) -> Path:
        rows = [f"{i},{kind},{parts},{i},{i % groups}" for i, kind in enumerate(classes)]
        (tmp_path / "rows.csv").write_text("\n".join(["x,kind,part,day,who", *rows]) + "\n")
        return recipe(RECIPE.replace("SPLIT", split))

    return write


@pytest.mark.parametrize(
    "split",
    [
        "{validation: 0.01}",
        "{test: 0.01}",
        "{validation: 0.01, stratify: true}",
        "{validation: 0.5, test: 0.5}",
        "{validation: 4, test: 4}",
        "{test: 100}",
        "{type: by_time, validation: 0.01}",
        "{type: by_time, test: 8}",
        "{type: grouped, test: 0.01}",
    ],
)
def test_parts_that_would_be_empty(refused: Callable[..., Any], table: Callable[..., Path], split: str) -> None:
    file = table(split)
    (problem,) = refused("train", file)
    assert problem.code == "DA011"
    assert problem.at(file, 3), problem.head
    assert "data.split" in problem.head
    assert "write" in problem.fix


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_predefined_parts_that_are_empty(refused: Callable[..., Any], table: Callable[..., Path], part: str) -> None:
    file = table("{type: predefined}", parts=part)
    (problem,) = refused("train", file)
    assert problem.code == "DA011"


def test_one_group_alone(refused: Callable[..., Any], table: Callable[..., Path]) -> None:
    (problem,) = refused("train", table("{type: grouped, test: 0.5}", groups=1))
    assert problem.code == "DA011"


@pytest.mark.parametrize("classes", ["aaaaaaab", "aaaaaabb"])
def test_too_few_samples_of_a_class(refused: Callable[..., Any], table: Callable[..., Path], classes: str) -> None:
    (problem,) = refused("train", table("{validation: 0.25, test: 0.25, stratify: true}", classes=classes))
    assert problem.code == "DA011"
    assert "'b'" in f"{problem.head} {problem.got} {problem.expected}"
    assert "stratify" in problem.fix


@pytest.mark.parametrize(
    ("split", "near"),
    [
        ("{validaton: 0.1}", "validation"),
        ("{test: 1.5}", None),
        ("{test: -0.1}", None),
        ("{type: groupd, test: 0.1}", "grouped"),
        ("0.2", None),
    ],
)
def test_splits_that_are_none(refused: Callable[..., Any], table: Callable[..., Path], split: str, near: str | None) -> None:
    file = table(split)
    problem = refused("check", file)[0]
    assert problem.at(file, 3)
    if near:
        assert problem.fix == f"did you mean {near!r}?"


def test_a_split_that_needs_another_role(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    for split, role in (("by_time", "time"), ("grouped", "group"), ("predefined", "part")):
        file = recipe(
            f"data:\n  source: {{type: iris}}\n  split: {{type: {split}}}\n"
            "network: {type: sequential, layers: [{type: output, units: 3}]}\n"
        )
        (problem,) = refused("train", file)
        assert problem.code == "DA013"
        assert role in problem.fix


def test_batches_that_can_not_be(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    text = (
        "data: {source: {type: iris}, batch_size: 200, drop_last: true}\nnetwork: {type: sequential, layers: [{type: output, units: 3}]}\n"
    )
    file = recipe(text)
    (problem,) = refused("train", file)
    assert problem.code == "DA020"
    for value in ("0", "-1", "1.5", "many", "true"):
        (problem,) = refused("check", file, "--set", f"data.batch_size={value}")
        assert problem.code == "SP004"
        assert "--set data.batch_size:1:" in problem.head


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_a_validation_part_from_python_that_would_be_empty(tmp_path: Path, fraction: float) -> None:
    x, y = np.zeros((20, 4), np.float32), np.arange(20) % 2
    with pytest.raises(lm.LaminaError) as caught:
        lm.Model(lm.Sequential(lm.features(4), [lm.Output(2)])).fit(x, y, validation=fraction, epochs=1, run_dir=tmp_path / "run")
    assert caught.value.code == "DA011"
    assert list(tmp_path.iterdir()) == []
