"""A run killed with SIGKILL at any moment and resumed ends as the run that was never killed, bit for bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lamina.archive import Archive

RECIPE = """
seed: 5
data:
  source: {type: digits}
  split: {validation: 0.1, test: 0.2, stratify: true}
  batch_size: 32
  workers: WORKERS
network:
  type: sequential
  defaults: {activation: relu}
  layers:
    - {type: conv2d, filters: 16, kernel: 3, padding: same}
    - {type: batch_norm}
    - {type: max_pool2d, size: 2}
    - {type: dropout, rate: 0.3}
    - {type: dense, units: 128, dropout: 0.2}
    - {type: output, units: 10, loss: cross_entropy}
train:
  epochs: 4
  threads: 1
  optimizer: {type: adam, learning_rate: {type: exponential, initial: 0.002, gamma: 0.99}}
  clip: 5.0
  checkpoints: {type: checkpoint, every: {type: every, count: 4, unit: steps}}
"""
KILLS = 5
LIMIT_SECONDS = 120.0

# Data as small as these are put in order as a whole, and threads would have nothing to do; here every batch is gathered.
LAMINA = """
from lamina.cli import main
from lamina.data.loader import Loader

Loader.__init__.__kwdefaults__["resident_bytes"] = 0
main()
"""


def start(recipe: Path, run_dir: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", LAMINA, "train", str(recipe), "--run-dir", str(run_dir), *words]
    with (run_dir.parent / f"{run_dir.name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))


def log_of(run_dir: Path) -> str:
    return (run_dir.parent / f"{run_dir.name}.log").read_text()


def writing(run_dir: Path) -> bool:
    """Whether a checkpoint is being written this moment."""
    folder = run_dir / "checkpoints"
    return folder.is_dir() and any(path.name.endswith(".part") for path in folder.iterdir())


def steps_kept(run_dir: Path) -> int:
    names = [path.stem for path in (run_dir / "checkpoints").glob("step-*.json")]
    return max((int(name.split("-")[1]) for name in names), default=0)


def kill_once(process: subprocess.Popen[bytes], run_dir: Path, *, inside_write: bool, after: int) -> bool:
    """Kill when ``after`` steps are kept, inside a write or a moment later; False if the run was done before."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if steps_kept(run_dir) >= after and (not inside_write or writing(run_dir)):
            break
    if not inside_write:
        time.sleep(random.random() * 0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=LIMIT_SECONDS)
    return process.returncode == -signal.SIGKILL


@pytest.mark.timeout(420)
@pytest.mark.parametrize("workers", [0, 2])
def test_killed_five_times_equals_never_killed(tmp_path: Path, workers: int) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("WORKERS", str(workers)))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(recipe, whole).wait(timeout=LIMIT_SECONDS) == 0, log_of(whole)

    moments = sorted(random.sample(range(4, 150), KILLS))
    inside = 0
    for number, moment in enumerate(moments):
        process = start(recipe, killed, *(["--resume"] if number else []))
        was_killed = kill_once(process, killed, inside_write=number % 2 == 1, after=moment)
        assert was_killed, f"finished before kill {number} at step {moment}:\n{log_of(killed)}"
        inside += any(path.name.endswith(".part") for path in (killed / "checkpoints").iterdir())
    assert start(recipe, killed, "--resume").wait(timeout=LIMIT_SECONDS) == 0, log_of(killed)
    assert inside >= 1, "no kill fell into the writing of a checkpoint"

    assert (killed / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert (killed / "evaluation.json").read_bytes() == (whole / "evaluation.json").read_bytes()
    one, other = last_checkpoint(whole), last_checkpoint(killed)
    for member in ("weights.safetensors", "training.safetensors"):
        before, after = one.arrays(member), other.arrays(member)
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name], err_msg=f"{member}: {name}")
    assert one.json("training.json") == other.json("training.json")


def last_checkpoint(run_dir: Path) -> Archive:
    return Archive(max((run_dir / "checkpoints").glob("step-*.lamina")))
