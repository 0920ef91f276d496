"""Commands called as the shell calls them, and one trained run that the other commands work on."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamina.cli import main

RECIPE = """\
seed: 3
data:
  source: {type: iris}
  split: {validation: 0.1, test: 0.2, stratify: true}
  batch_size: 16
  normalize: standardize
network:
  type: sequential
  layers:
    - {type: dense, units: 16, activation: relu}
    - {type: output, units: 3}
train:
  epochs: 3
  threads: 1
  optimizer: {type: adam, learning_rate: 0.02}
"""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as strict JSON."""
        return json.loads(self.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))

    @property
    def problems(self) -> list[str]:
        return [problem["code"] for problem in self.data["problems"]]


def call(*words: object) -> Outcome:
    """Run ``lamina WORDS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        warnings.simplefilter("default")
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture
def lamina(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """The command, in an empty folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return call


@pytest.fixture(scope="session")
def anywhere() -> Callable[..., Outcome]:
    """The command, wherever the tests run."""
    return call


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "iris.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory; ``recipe.yaml`` stands beside it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "recipe.yaml").write_text(RECIPE)
    outcome = call("train", folder / "recipe.yaml", "--run-dir", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.fixture(scope="session")
def model(trained: Path) -> Path:
    return trained / "model.lamina"


@pytest.fixture(scope="session")
def entries() -> Callable[[Path], list[str]]:
    """Lists everything in a folder and below."""
    return lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
