"""Recipes that are none, settings from the command line that don't fit, and run directories that are taken."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = """\
data: {source: {type: iris}, split: {test: 0.2}}
network:
  type: sequential
  layers:
    - {type: dense, units: 4, activation: relu}
    - {type: output, units: 3}
train:
  epochs: 1
  progress: false
  optimizer: adam
"""


@pytest.fixture
def good(recipe: Callable[..., Path]) -> Path:
    return recipe(GOOD)


@pytest.mark.parametrize("command", ["train", "check", "summary"])
@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "SP005", 1),
        (b"# only a remark\n", "SP005", 1),
        (b"null\n", "SP005", 1),
        (b"- 1\n- 2\n", "SP004", 1),
        (b"just a word\n", "SP004", 1),
        (b"42\n", "SP004", 1),
        (b"data:\n\tsource: {type: iris}\n", "SP001", 2),
        (b"data: {source: {type: iris}\nnetwork: 1\n", "SP001", 2),
        (b"data: {source: {type: iris}}\ndata: {source: {type: wine}}\n", "SP006", 2),
        (b"a: [1, 2\n", "SP001", 2),
        (b"\x80\x81\x82", "SP010", None),
        (b"PK\x03\x04\x00\x00\x00\x00", "SP001", 1),
        (b"\x00\x01\x02", "SP001", 1),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: *c\n", "SP001", 3),
        (b"seed: !!python/object/apply:os.system ['touch pwned']\n", "SP004", 1),
        (b"[" * 5000, "SP001", 1),
    ],
)
def test_files_that_are_no_recipe(
    refused: Callable[..., Any], tmp_path: Path, command: str, content: bytes, code: str, line: int | None
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    problem = refused(command, file)[0]
    assert problem.code == code
    assert str(file) in problem.head
    if line is not None:
        assert problem.at(file, line), problem.head


def test_aliases_that_unfold_without_end(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (problem,) = refused("check", recipe("\n".join(lines)))
    assert problem.code == "SP001"


def test_a_file_too_large(refused: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    with file.open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    (problem,) = refused("check", file)
    assert problem.code == "SP010"


@pytest.mark.parametrize("command", ["train", "check", "summary"])
def test_files_that_are_not_there(refused: Callable[..., Any], tmp_path: Path, good: Path, command: str) -> None:
    (problem,) = refused(command, tmp_path / "recipe.yml")
    assert problem.code == "SP010"
    assert "recipe.yml" in problem.head
    (problem,) = refused(command, tmp_path)
    assert problem.code == "SP010"


def test_a_file_that_may_not_be_read(refused: Callable[..., Any], good: Path) -> None:
    good.chmod(0)
    try:
        if os.access(good, os.R_OK):
            pytest.skip("this user may read everything")
        (problem,) = refused("check", good)
    finally:
        good.chmod(0o644)
    assert problem.code == "SP010"


@pytest.mark.parametrize("command", ["train", "check", "summary"])
@pytest.mark.parametrize(
    ("assignment", "code", "fix"),
    [
        ("train.epochs", "SP007", "write --set train.epochs=VALUE"),
        ("=3", "SP007", None),
        ("train..epochs=3", "SP007", None),
        ("network.layers[=3", "SP007", None),
        ("network.layers[7].units=3", "SP007", "use a position from 0 to 1"),
        ("network.layers[-3].units=3", "SP007", "use a position from 0 to 1"),
        ("network.layers.first.units=3", "SP007", None),
        ("train.epochs.many=3", "SP007", "end the path at train.epochs"),
        ("train.epohcs=3", "SP002", "did you mean 'epochs'?"),
        ("trian.epochs=3", "SP002", "did you mean 'train'?"),
        ("network.layers[0].unitts=3", "SP002", "did you mean 'units'?"),
        ("train.optimizer.learning_rat=0.1", "SP002", "did you mean 'learning_rate'?"),
        ("train.optimizer=adma", "SP003", "did you mean 'adam'?"),
        ("network.layers[0].type=dnese", "SP003", "did you mean 'dense'?"),
        ("train.epochs=many", "SP004", None),
        ("train.epochs=0", "SP004", None),
        ("train.epochs=1.5", "SP004", None),
        ("train.epochs='3'", "SP004", "write epochs: 3 without quotes"),
        ("train.epochs=[1, 2", "SP001", None),
        ("train.device=gpu", "SP004", None),
        ("train.precision=float8", "SP004", None),
        ("seed=one", "SP004", None),
        ("data.source=irsi", "SP003", "did you mean 'iris'?"),
        ("network.layers[1].units=7", "TR054", "write units: 3"),
        ("network.layers[0]={type: conv2d, filters: 3, kernel: 3}", "NN001", None),
    ],
)
def test_settings_from_the_command_line(
    refused: Callable[..., Any], good: Path, command: str, assignment: str, code: str, fix: str | None
) -> None:
    problem = refused(command, good, "--set", assignment)[0]
    assert problem.code == code, problem
    assert fix is None or problem.fix == fix
    assert str(good) not in problem.head
    if code != "SP007":
        assert f"--set {assignment.partition('=')[0]}:1:" in problem.head


def test_all_wrong_settings_at_once(refused: Callable[..., Any], good: Path) -> None:
    found = refused("check", good, "--set", "train.epochs=many", "--set", "data.bach_size=3", "--set", "seed=x")
    assert [problem.code for problem in found] == ["SP004", "SP002", "SP004"] or len(found) == 3


def test_a_device_that_is_not_there(refused: Callable[..., Any], good: Path) -> None:
    import torch

    number = torch.cuda.device_count()
    (problem,) = refused("train", good, "--set", f"train.device=cuda:{number}")
    assert problem.code == "EN010"
    (problem,) = refused("train", good, "--set", "train.device=cpu", "--set", "train.precision=float16")
    assert problem.code == "EN011"


def test_warnings_of_torch_do_not_hide_what_is_wrong(refused: Callable[..., Any], good: Path) -> None:
    (problem,) = refused("train", good, "--set", "network.layers=[{type: dropout, rate: 0.5}, {type: loss, loss: cross_entropy}]")
    assert problem.code in ("TR054", "EN023", "CK017")


# -- run directories --------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(lamina: Callable[..., Any], good: Path, tmp_path: Path) -> Path:
    """A run that is done."""
    outcome = lamina("train", good, "--run-dir", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    return tmp_path / "run"


def test_a_run_directory_that_holds_a_run(refused: Callable[..., Any], good: Path, trained: Path) -> None:
    (problem,) = refused("train", good, "--run-dir", trained)
    assert problem.code == "TR001"
    assert "--resume" in problem.fix


def test_nothing_to_resume(refused: Callable[..., Any], good: Path, tmp_path: Path) -> None:
    (problem,) = refused("train", good, "--run-dir", tmp_path / "nowhere", "--resume")
    assert problem.code == "TR002"
    (problem,) = refused("train", good, "--resume")
    assert problem.code == "TR002"
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.png").write_bytes(b"png")
    (problem,) = refused("train", good, "--run-dir", other, "--resume")
    assert problem.code == "TR002"


def test_a_file_in_place_of_the_run_directory(refused: Callable[..., Any], good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    for words in ((), ("--resume",)):
        (problem,) = refused("train", good, "--run-dir", tmp_path / "file", *words)
        assert problem.code in ("TR002", "TR004")
    (problem,) = refused("train", good, "--run-dir", tmp_path / "file" / "run")
    assert problem.code == "TR004"
    (tmp_path / "runs").write_text("here")
    (problem,) = refused("train", good)
    assert problem.code == "TR004"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("data.batch_size=8", "TR051"),
        ("data.split.test=0.5", "TR051"),
        ("train.optimizer=sgd", "TR051"),
        ("network.layers[0].units=5", "EN008"),
        ("network.layers[0].name=other", "EN008"),
        ("train.epochs=many", "SP004"),
    ],
)
def test_resumed_with_another_recipe(refused: Callable[..., Any], good: Path, trained: Path, change: str, code: str) -> None:
    problem = refused("train", good, "--run-dir", trained, "--resume", "--set", "train.epochs=2", "--set", change)[0]
    assert problem.code == code, problem


def test_resumed_for_longer(lamina: Callable[..., Any], good: Path, trained: Path) -> None:
    outcome = lamina("train", good, "--run-dir", trained, "--resume", "--set", "train.epochs=3")
    assert outcome.code == 0, outcome.err
    assert len((trained / "metrics.jsonl").read_text().splitlines()) == 3


def test_another_process_trains_there(refused: Callable[..., Any], good: Path, trained: Path) -> None:
    from lamina.train.lock import lock_folder

    with lock_folder(trained):
        (problem,) = refused("train", good, "--run-dir", trained, "--resume")
    assert problem.code == "TR003"


# -- other commands ---------------------------------------------------------------------------------------------------


def test_words_that_no_command_knows(lamina: Callable[..., Any], good: Path) -> None:
    for words in (["trian", good], ["train"], ["train", good, "--epochs", "3"], ["summary", good, "--batch", "0"], ["evaluate", good]):
        outcome = lamina(*words)
        assert outcome.code == 2
        assert "Traceback" not in outcome.err
        assert outcome.err.strip()


def test_places_that_can_not_be_written(refused: Callable[..., Any], trained: Path, tmp_path: Path) -> None:
    refused("schema", "-o", tmp_path / "no" / "folder.json")
    refused("schema", "-o", tmp_path)
    model = trained / "model.lamina"
    refused("evaluate", model, "--data", tmp_path / "recipe.yaml", "--html", tmp_path / "no" / "page.html")
    refused("evaluate", model, "--data", tmp_path / "recipe.yaml", "--html", tmp_path)


def test_data_that_are_none_for_evaluate(refused: Callable[..., Any], trained: Path, tmp_path: Path) -> None:
    model = trained / "model.lamina"
    for data in ("none.yaml", "{source: {type: irsi}}", "{source: {type: digits}}", "{sauce: 3}", "{", "", tmp_path / "recipe.yml"):
        refused("evaluate", model, "--data", data)
    for part in ("tset", ""):
        refused("evaluate", model, "--data", "{source: {type: iris}}", "--part", part)
    refused("evaluate", model, "--data", "{source: {type: iris}}", "--part", "validation")


def test_as_json(lamina: Callable[..., Any], good: Path) -> None:
    import json

    outcome = lamina("check", good, "--json", "--set", "train.epohcs=1")
    assert outcome.code == 2
    (problem,) = json.loads(outcome.out)["problems"]
    assert problem["code"] == "SP002"
    assert (problem["file"], problem["line"]) == ("--set train.epohcs", 1)
    assert all(problem[part] for part in ("where", "expected", "got", "cause", "fix"))
