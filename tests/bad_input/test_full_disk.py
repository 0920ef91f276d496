"""A disk that fills up at any moment of a run: a message, the last good checkpoint, and a run that goes on once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RECIPE = """\
seed: 3
data: {source: {type: iris}, split: {validation: 0.2, test: 0.2}, batch_size: 16}
network:
  type: sequential
  layers:
    - {type: dense, units: 64, activation: relu}
    - {type: dense, units: 64, activation: relu}
    - {type: output, units: 3}
train:
  epochs: 4
  progress: false
  threads: 1
  checkpoints: {type: checkpoint, keep_last: 10}
  early_stopping: {monitor: validation/loss, patience: 20}
"""
DISK = 1_500 * 1024
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system takes Linux and root; the limit on file sizes is tested everywhere")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", place], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, train: Callable[[Path, str], Path]) -> Path:
    """The same run with room enough."""
    return train(tmp_path_factory.mktemp("finished"), RECIPE)


def fill(disk: Path, left: int) -> Path:
    """Take all room but so many pages."""
    filler = disk / "filler"
    room = os.statvfs(disk)
    with filler.open("wb") as file:
        file.write(bytes(max(room.f_bavail - left, 0) * room.f_frsize))
    return filler


def whole(run: Path) -> list[Path]:
    """Checkpoints that are what their manifests say."""
    from lamina.train.checkpoint import CheckpointStore, _damage

    return [found.path for found in CheckpointStore(run / "checkpoints").all() if _damage(found) is None]


# From no room at all to room for everything but the last file: somewhere in between, each kind of file is the one that fails.
@pytest.mark.parametrize("left", [0, 1, 3, 5, 8, 12, 20, 30, 45, 60, 75, 84, 90, 96, 102, 108])
def test_filled_up_at_any_moment(lamina: Callable[..., Any], disk: Path, tmp_path: Path, finished: Path, left: int) -> None:
    recipe, run = tmp_path / "recipe.yaml", disk / "run"
    recipe.write_text(RECIPE)
    filler = fill(disk, left)
    outcome = lamina("train", recipe, "--run-dir", run)
    assert "Traceback" not in outcome.err
    assert outcome.code or left > 60, "there was room enough: the test tests nothing"
    if outcome.code:
        assert outcome.code == 2, outcome.err
        (problem,) = outcome.problems
        assert problem.code in ("AR001", "AR020", "TR004", "TR009"), outcome.err
        assert "No space left" in problem.got
        assert "space" in problem.fix or problem.code == "TR004"
        kept = whole(run)
        # Whatever has a manifest is whole.
        assert len(kept) == len(list((run / "checkpoints").glob("step-*.json")))
        assert not list((run / "checkpoints").glob(".*.part"))
        if kept:
            assert kept[-1].name in problem.fix or problem.code == "AR020"
        filler.unlink()
        words = ["--resume"] if run.is_dir() else []
        outcome = lamina("train", recipe, "--run-dir", run, *words)
    assert outcome.code == 0, outcome.err
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    assert (run / "model.lamina").read_bytes() == (finished / "model.lamina").read_bytes()
    assert (run / "evaluation.json").read_bytes() == (finished / "evaluation.json").read_bytes()


def test_predictions_and_reports(lamina: Callable[..., Any], disk: Path, tmp_path: Path, finished: Path) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n" + "5.1,3.5,1.4,0.2\n" * 2000)
    old = disk / "out.csv"
    old.write_text("what was there")
    fill(disk, 1)
    model = finished / "model.lamina"
    for words in (
        ("predict", model, rows, "-o", old),
        ("evaluate", model, "--data", "{source: {type: iris}}", "--part", "all", "--html", disk / "page.html"),
        ("schema", "-o", disk / "schema.json"),
    ):
        outcome = lamina(*words)
        assert outcome.code in (2, 3), outcome.err
        (problem,) = outcome.problems
        assert "No space left" in problem.got
    assert sorted(path.name for path in disk.iterdir()) == ["filler", "out.csv"]
    assert old.read_text() == "what was there"


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv.pop(1))
from lamina.cli import main
import lamina.launch
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_a_quota_on_the_size_of_files(process: Callable[..., Any], lamina: Callable[..., Any], tmp_path: Path, finished: Path) -> None:
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(RECIPE.replace("epochs: 4", "epochs: 2"))
    assert lamina("train", recipe, "--run-dir", run).code == 0
    before = {path.name: path.read_bytes() for path in (run / "checkpoints").glob("step-*")}
    recipe.write_text(RECIPE)
    outcome = process(20_000, "train", recipe, "--run-dir", run, "--resume", code=LIMITED)
    assert outcome.code == 2, outcome.err
    (problem,) = outcome.problems
    assert problem.code in ("AR001", "TR009")
    assert "File too large" in problem.got
    for name, content in before.items():
        assert (run / "checkpoints" / name).read_bytes() == content
    assert lamina("train", recipe, "--run-dir", run, "--resume").code == 0
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    assert (run / "model.lamina").read_bytes() == (finished / "model.lamina").read_bytes()
