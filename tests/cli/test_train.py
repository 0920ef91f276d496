"""``lamina train``: exit codes, what is written and what isn't, stopping and going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm

LIMIT_SECONDS = 120.0
Lamina = Callable[..., Any]
Entries = Callable[[Path], list[str]]


def test_a_run_directory_holds_everything(trained: Path) -> None:
    names = {entry.name for entry in trained.iterdir()}
    assert names >= {"recipe.yaml", "environment.json", "metrics.jsonl", "timing.jsonl", "checkpoints", "model.lamina"}
    assert names >= {"evaluation.json", "evaluation.html"}
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"train/loss", "validation/accuracy"} <= set(rows[0])
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert evaluation["metrics"]["accuracy"] > 0.5
    assert "loss" in evaluation["metrics"]


def test_the_resolved_recipe_trains_the_same(trained: Path, lamina: Lamina, tmp_path: Path) -> None:
    assert lamina("train", trained / "recipe.yaml", "--run-dir", tmp_path / "again").code == 0
    assert (tmp_path / "again/metrics.jsonl").read_bytes() == (trained / "metrics.jsonl").read_bytes()
    assert (tmp_path / "again/model.lamina").read_bytes() == (trained / "model.lamina").read_bytes()


def test_json(recipe: Path, lamina: Lamina) -> None:
    outcome = lamina("train", recipe, "--json", "--set", "train.epochs=1")
    assert outcome.code == 0
    assert outcome.data["directory"] == "runs/iris"
    assert len(outcome.data["history"]) == 1
    assert 0 <= outcome.data["evaluation"]["metrics"]["accuracy"] <= 1
    assert outcome.data["interrupted"] is False


def test_settings_from_the_command_line(recipe: Path, lamina: Lamina, tmp_path: Path) -> None:
    words = ("--set", "train.epochs=2", "--set", "network.layers[0].units=5", "--set", "train.optimizer.learning_rate=0.5")
    assert lamina("train", recipe, "--run-dir", tmp_path / "run", *words).code == 0
    kept = lm.load(tmp_path / "run/model.lamina")
    assert kept.parameters()["dense_1/weight"].shape == (5, 4)
    written = lm.Recipe.load(tmp_path / "run/recipe.yaml")
    assert written.train.epochs == 2
    assert written.train.optimizer.learning_rate == 0.5


WRONG = {
    "train.epochs=0": "SP004",
    "train.epochz=3": "SP002",
    "network.layers[1].units=4": "TR054",
    "network.layers[0].activation=rellu": "SP003",
    "train.early_stopping={monitor: validation/acuracy}": "TR055",
    "data.source={type: iriss}": "SP003",
    "data.split={test: 0.9999, stratify: true}": "DA011",
    "train.device=quantum": "SP004",
    "network.layers[7].units=4": "SP007",
}


@pytest.mark.parametrize(("setting", "code"), WRONG.items(), ids=WRONG)
def test_wrong_input_writes_nothing(recipe: Path, lamina: Lamina, tmp_path: Path, setting: str, code: str, entries: Entries) -> None:
    before = entries(tmp_path)
    outcome = lamina("train", recipe, "--json", "--set", setting)
    assert outcome.code == 2
    assert code in outcome.problems
    problem = next(p for p in outcome.data["problems"] if p["code"] == code)
    assert all(problem[part] for part in ("where", "expected", "got", "cause", "fix"))
    assert entries(tmp_path) == before


def test_all_problems_at_once_with_lines(recipe: Path, lamina: Lamina, tmp_path: Path, entries: Entries) -> None:
    recipe.write_text(recipe.read_text().replace("units: 16", "unitz: 16").replace("epochs: 3", "epochs: three"))
    outcome = lamina("train", recipe)
    assert outcome.code == 2
    assert f"{recipe}:10:" in outcome.err
    assert f"{recipe}:13:" in outcome.err
    assert "did you mean 'units'" in outcome.err
    assert outcome.out == ""
    assert entries(tmp_path) == ["folder", "iris.yaml"]


def test_no_recipe(lamina: Lamina) -> None:
    outcome = lamina("train", "missing.yaml")
    assert outcome.code == 2
    assert "SP010" in outcome.err


@pytest.mark.parametrize("words", [("train",), ("trian",), ("train", "a.yaml", "--nope")])
def test_usage(lamina: Lamina, words: tuple[str, ...]) -> None:
    assert lamina(*words).code == 2


def test_a_taken_directory(trained: Path, recipe: Path, lamina: Lamina, entries: Entries) -> None:
    before = entries(trained)
    outcome = lamina("train", recipe, "--run-dir", trained, "--json")
    assert outcome.code != 0
    assert outcome.problems == ["TR001"]
    assert entries(trained) == before


def test_a_run_that_fails_exits_with_3(recipe: Path, lamina: Lamina, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text().replace("{type: output, units: 3}", "{type: output, units: 3, activation: identity, loss: mse}"))
    words = ("--set", "data.source={type: diabetes}", "--set", "data.split={validation: 0.1}", "--set", "network.layers[1].units=1")
    explode = ("--set", "train.optimizer={type: sgd, learning_rate: 1.0e+30}", "--set", "network.layers[0].activation=identity")
    outcome = lamina("train", recipe, "--run-dir", tmp_path / "run", "--json", *words, *explode)
    assert outcome.code == 3
    assert outcome.problems == ["TR010"]


def test_float64(recipe: Path, lamina: Lamina, tmp_path: Path) -> None:
    assert lamina("train", recipe, "--run-dir", tmp_path / "run", "--set", "train.precision=float64").code == 0
    assert lm.load(tmp_path / "run/model.lamina").parameters()["dense_1/weight"].dtype == np.float64


# -- real processes -------------------------------------------------------------------------------------------------------


def start(recipe: Path, run_dir: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lamina", "train", str(recipe), "--run-dir", str(run_dir), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_a_log_stays_short(recipe: Path, tmp_path: Path) -> None:
    out, err = start(recipe, tmp_path / "run").communicate(timeout=LIMIT_SECONDS)
    lines = [*out.splitlines(), *err.splitlines()]
    assert len(lines) <= 20
    assert sum(line.startswith("epoch ") for line in lines) == 3
    assert "\x1b" not in out + err
    assert "\r" not in out + err


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_by_a_signal_and_resumed(recipe: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    recipe.write_text(recipe.read_text().replace("epochs: 3", "epochs: 150"))
    whole, parts = start(recipe, tmp_path / "whole"), tmp_path / "parts"
    assert whole.wait(timeout=LIMIT_SECONDS) == 0
    stopped = start(recipe, parts)
    wait_for(lambda: (parts / "metrics.jsonl").exists() and (parts / "metrics.jsonl").stat().st_size > 0, stopped)
    stopped.send_signal(number)
    out, err = stopped.communicate(timeout=LIMIT_SECONDS)
    assert stopped.returncode == code, err
    assert "--resume" in out + err
    assert not (parts / "model.lamina").exists()
    assert list((parts / "checkpoints").glob("step-*.json"))

    resumed = start(recipe, parts, "--resume")
    assert resumed.wait(timeout=LIMIT_SECONDS) == 0
    for process in (whole, resumed):
        process.communicate()
    assert (parts / "metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
    assert (parts / "model.lamina").read_bytes() == (tmp_path / "whole/model.lamina").read_bytes()


def test_a_missing_part_exits_with_4(
    recipe: Path, lamina: Lamina, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    outcome = lamina("train", recipe)
    assert outcome.code == 4
    assert "pip install" in outcome.err
    assert entries(tmp_path) == ["folder", "iris.yaml"]
