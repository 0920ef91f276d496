"""Run directories: made, found again, never overwritten, held by one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.errors import TrainingError
from lamina.train.run import RunDirectory


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_new_folders_are_numbered_and_the_newest_is_resumed() -> None:
    assert [RunDirectory.open(name="digits").path.as_posix() for _ in range(3)] == ["runs/digits", "runs/digits-2", "runs/digits-3"]
    assert RunDirectory.open(name="digits", resume=True).path.as_posix() == "runs/digits-3"


def test_a_folder_with_a_run_is_refused_but_resumed() -> None:
    directory = RunDirectory.open("here")
    directory.write_recipe("seed: 1\n")
    with pytest.raises(TrainingError) as caught:
        RunDirectory.open("here")
    assert caught.value.code == "TR001"
    assert "--resume" in caught.value.problems[0].fix
    assert RunDirectory.open("here", resume=True).recipe.read_text() == "seed: 1\n"


def test_nothing_to_resume_and_a_file_in_the_way() -> None:
    with pytest.raises(TrainingError) as caught:
        RunDirectory.open("nowhere", resume=True)
    assert caught.value.code == "TR002"
    Path("file").write_text("")
    with pytest.raises(TrainingError) as caught:
        RunDirectory.open("file/run")
    assert caught.value.code == "TR004"


def test_environment_has_versions_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush-hush")
    directory = RunDirectory.open("here")
    directory.write_environment(seed=7, device="cpu")
    directory.write_environment(seed=7)
    text = directory.environment.read_text()
    found = json.loads(text)
    assert found["seed"] == 7
    assert found["packages"]["torch"]
    assert found["threads"] >= 1
    assert len(found["resumed"]) == 1
    assert "hush-hush" not in text


HOLD = """
import sys, time
from lamina.train.run import RunDirectory
with RunDirectory("here").locked():
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_process_at_a_time_and_a_dead_ones_lock_holds_nobody_up() -> None:
    directory = RunDirectory.open("here")
    source = str(Path(__file__).parents[2] / "src")
    holder = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": source})
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(TrainingError) as caught, directory.locked():
        pass
    assert caught.value.code == "TR003"
    assert f"process {holder.pid}" in caught.value.problems[0].got
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=30)
    holder.stdout.close()
    with directory.locked(), pytest.raises(TrainingError), directory.locked():
        pass
    assert not (directory.path / ".lock").exists()
