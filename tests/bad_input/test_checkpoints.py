"""Checkpoints cut in half, emptied, flipped, without their manifest: the one before is used, and the run ends as if nothing was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECIPE = """\
seed: 3
data: {source: {type: iris}, split: {validation: 0.2, test: 0.2}, batch_size: 16}
network:
  type: sequential
  layers:
    - {type: dense, units: 16, activation: relu, dropout: 0.2}
    - {type: output, units: 3}
train:
  epochs: 4
  progress: false
  threads: 1
  checkpoints: {type: checkpoint, keep_last: 10}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, train: Callable[[Path, str], Path]) -> Path:
    """A run that was never disturbed, with the checkpoints of all its epochs."""
    return train(tmp_path_factory.mktemp("finished"), RECIPE)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run that was killed before it kept its model."""
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    for name in ("model.lamina", "evaluation.json", "evaluation.html"):
        (copy / name).unlink()
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return copy


def checkpoints(run: Path) -> list[Path]:
    return sorted(path for path in (run / "checkpoints").glob("step-*.lamina") if path.is_file())


def flip(path: Path) -> None:
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 2] ^= 1
    path.write_bytes(blob)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "a byte flipped": flip,
    "gone": lambda path: path.unlink(),
    "zeros at its end": lambda path: path.write_bytes(path.read_bytes()[:-4096] + bytes(4096)),
    "its manifest cut": lambda path: path.with_suffix(".json").write_text('{"format": 1, "file"'),
    "its manifest emptied": lambda path: path.with_suffix(".json").write_text(""),
    "its manifest of another": lambda path: path.with_suffix(".json").write_text("[]"),
    "a folder in its place": lambda path: (path.unlink(), path.mkdir()),
}


def ends_as(run: Path, finished: Path) -> None:
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    assert (run / "model.lamina").read_bytes() == (finished / "model.lamina").read_bytes()
    assert (run / "evaluation.json").read_bytes() == (finished / "evaluation.json").read_bytes()
    assert checkpoints(run)[-1].read_bytes() == checkpoints(finished)[-1].read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_used_with_a_word(lamina: Callable[..., Any], finished: Path, run: Path, tmp_path: Path, damage: str) -> None:
    newest = checkpoints(run)[-1]
    DAMAGES[damage](newest)
    outcome = lamina("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert "[AR002]" in outcome.err
    assert newest.name in outcome.err
    ends_as(run, finished)


def test_several_damaged_ones_are_skipped(lamina: Callable[..., Any], finished: Path, run: Path, tmp_path: Path) -> None:
    for path in checkpoints(run)[1:]:
        DAMAGES["cut in half"](path)
    outcome = lamina("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("[AR002]") == 3
    ends_as(run, finished)


def test_without_a_manifest_it_was_never_finished(lamina: Callable[..., Any], finished: Path, run: Path, tmp_path: Path) -> None:
    checkpoints(run)[-1].with_suffix(".json").unlink()
    outcome = lamina("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert "AR002" not in outcome.err
    ends_as(run, finished)


def test_what_a_kill_left_half_written_is_cleared(lamina: Callable[..., Any], finished: Path, run: Path, tmp_path: Path) -> None:
    folder = run / "checkpoints"
    (folder / ".step-00000099.lamina.part").write_bytes(b"half")
    (folder / ".step-00000099.json.abc.part").write_bytes(b"half")
    (folder / "step-00000099.lamina").write_bytes(b"whole, without its manifest")
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"epoch": 5, "half')
    outcome = lamina("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert not list(folder.glob(".*"))
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    assert (run / "model.lamina").read_bytes() == (finished / "model.lamina").read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_all_damaged(refused: Callable[..., Any], run: Path, tmp_path: Path, damage: str) -> None:
    for path in checkpoints(run):
        DAMAGES[damage](path)
    (problem,) = refused("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert problem.code == "AR002"
    assert str(run / "checkpoints") in problem.head
    assert "4" in problem.got
    assert "--run-dir" in problem.fix


def test_a_checkpoint_that_is_no_checkpoint(refused: Callable[..., Any], finished: Path, run: Path, tmp_path: Path) -> None:
    """The bytes are those of the manifest, but they are a model without the state of training."""
    import hashlib
    import json

    newest = checkpoints(run)[-1]
    newest.write_bytes((finished / "model.lamina").read_bytes())
    manifest = json.loads(newest.with_suffix(".json").read_text())
    manifest |= {"size": newest.stat().st_size, "sha256": hashlib.sha256(newest.read_bytes()).hexdigest()}
    newest.with_suffix(".json").write_text(json.dumps(manifest))
    (problem,) = refused("train", tmp_path / "recipe.yaml", "--run-dir", run, "--resume")
    assert problem.code == "AR022"
    assert "training.json" in problem.head
