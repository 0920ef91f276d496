"""Real processes on this machine: what is handed over, what comes back, what happens when one fails or is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import lamina as lm
from lamina.distribute.supervise import Supervisor
from lamina.errors import DescriptionError, TrainingError
from lamina.spec import register, registry
from lamina.train.callbacks import Callback, CallbackRun

ROOT = Path(__file__).parents[2]
RECIPE = """
seed: 3
data: {source: {type: iris}, split: {validation: 0.2, test: 0.2}, batch_size: 8}
network: {type: sequential, layers: [{type: dense, units: 8, activation: tanh}, {type: output, units: 3}]}
train: {epochs: EPOCHS, optimizer: {type: adam, learning_rate: 0.01}, precision: float64, checkpoints: {every: {steps: 20}}}
"""


def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(5), [lm.Dense(8, activation="tanh"), lm.Output(2)]), seed=3)


def data(samples: int = 101) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(samples, 5))
    return x, (x.sum(1) > 0).astype(int)


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found


def gone(pids: list[int], seconds: float = 15.0) -> bool:
    until = time.monotonic() + seconds
    while alive(pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def recipe(folder: Path, epochs: int = 3) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.replace("EPOCHS", str(epochs)))
    return path


def command(*words: str, **more: Any) -> subprocess.Popen[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "lamina", *words], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def test_two_processes_are_one_with_twice_the_batch_and_keep_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, both = model(), model()
    settings = {"epochs": 3, "precision": "float64", "validation": data(), "optimizer": lm.Sgd(0.1)}
    alone = whole.fit(*data(), batch_size=20, progress=False, **settings)
    run = both.fit(*data(), batch_size=10, cluster=lm.Local(2), run_dir=tmp_path / "run", **settings)
    for name, array in whole.parameters().items():
        np.testing.assert_allclose(both.parameters()[name], array, rtol=0, atol=1e-10)
    assert run.history[-1]["validation/accuracy"] == alone.history[-1]["validation/accuracy"]
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 3
    kept = lm.load(tmp_path / "run" / "model.lamina")
    np.testing.assert_array_equal(kept.predict(data()[0]), both.predict(data()[0]))
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert (facts["workers"], facts["threads"]) == (2, max(1, len(os.sched_getaffinity(0)) // 2))
    shown = capsys.readouterr().err
    assert "2 workers" in shown
    assert "samples/s  exchange" in shown


def test_a_process_that_is_killed_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"epochs": 30, "batch_size": 8, "progress": False, "checkpoints": lm.Checkpoint(every={"steps": 10})}
    whole, hurt = model(), model()
    whole.fit(*data(), cluster=lm.Local(2), run_dir=tmp_path / "whole", **settings)
    pids: list[int] = []
    start = Supervisor._start

    def watched(supervisor: Supervisor, rank: int) -> Any:
        process = start(supervisor, rank)
        pids.append(process.pid)
        return process

    def kill() -> None:
        checkpoints = tmp_path / "hurt" / "checkpoints"
        until = time.monotonic() + 60
        while not list(checkpoints.glob("step-*.json")) and time.monotonic() < until:
            time.sleep(0.002)
        os.kill(pids[random.Random(time.time_ns()).randrange(2)], signal.SIGKILL)

    monkeypatch.setattr(Supervisor, "_start", watched)
    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.warns(lm.LaminaWarning, match="DI007.*SIGKILL"):
        hurt.fit(*data(), cluster=lm.Local(2), run_dir=tmp_path / "hurt", **settings)
    killer.join()
    assert len(pids) == 4
    assert gone(pids)
    for name, array in whole.parameters().items():
        np.testing.assert_array_equal(hurt.parameters()[name], array)
    assert (tmp_path / "hurt" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


def test_the_first_error_is_shown_with_its_rank_layer_and_sample(tmp_path: Path) -> None:
    x, y = data(40)
    x[17] = 3e38  # overflows in the first layer, in the process that gets it
    net = lm.Sequential(lm.features(5), [lm.Dense(32, activation="relu"), lm.Output(2)])
    with pytest.raises(TrainingError) as caught:
        lm.Model(net, seed=3).fit(x, y, batch_size=10, epochs=1, progress=False, cluster=lm.Local(2), run_dir=tmp_path / "run")
    problem = caught.value.problems[0]
    assert problem.code == "TR010"
    assert problem.where.startswith("rank ")
    assert "layer 'dense_1'" in problem.where
    assert "sample 17" in problem.got


def test_lost_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Supervisor._start

    def killed(supervisor: Supervisor, rank: int) -> Any:
        process = start(supervisor, rank)
        if rank == 1:
            process.kill()
        return process

    monkeypatch.setattr(Supervisor, "_start", killed)
    with pytest.raises(TrainingError) as caught:
        model().fit(*data(), epochs=1, progress=False, cluster=lm.Local(2, restarts=0))
    assert caught.value.code == "DI006"
    assert "rank 1 was killed by SIGKILL" in str(caught.value)


def test_what_other_processes_dont_know_is_refused_before_any_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    monkeypatch.setattr(registry, "_families", {family: dict(members) for family, members in registry._families.items()})
    monkeypatch.setattr(Supervisor, "_start", lambda *_: pytest.fail("a process was started"))

    @register("my_watch")
    class MyWatch(Callback):
        speaks: ClassVar[bool] = False

        def start(self) -> CallbackRun:
            return CallbackRun(self)

        @classmethod
        def examples(cls) -> list[MyWatch]:
            return [cls()]

    with pytest.raises(DescriptionError, match="MyWatch") as caught:
        model().fit(*data(), callbacks=[MyWatch()], cluster=lm.Local(2))
    assert caught.value.code == "DI008"
    own = lm.Model(nn.Linear(5, 2), input=lm.features(5), loss="cross_entropy")
    with pytest.raises(DescriptionError, match="Linear") as caught:
        own.fit(*data(), cluster=lm.Local(2))
    assert caught.value.code == "DI008"
    with pytest.raises(DescriptionError) as caught:
        model().fit(*data(), cluster=lm.Local(2), exchange="averaging", sharpness="sam")
    assert caught.value.code == "DI002"


def test_the_command_line_and_torchrun_give_the_same_model(tmp_path: Path) -> None:
    path = recipe(tmp_path)
    local = command("train", str(path), "--workers", "2", "--run-dir", str(tmp_path / "local"), "--json")
    out, errors = local.communicate(timeout=120)
    assert local.returncode == 0, errors
    told = json.loads(out)
    assert told["evaluation"]["metrics"]["accuracy"] > 0.3
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    words = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "lamina", "train", str(path)]
    words += ["--run-dir", str(tmp_path / "launched"), "--set", "train.threads=1", "--json"]
    done = subprocess.run([sys.executable, "-m", *words], env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["evaluation"] == told["evaluation"]
    for name in ("metrics.jsonl", "evaluation.json"):
        assert (tmp_path / "launched" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(folder.name))
    return found


def begun(folder: Path, process: subprocess.Popen[str]) -> list[int]:
    until = time.monotonic() + 90
    while not list((folder / "checkpoints").glob("step-*.json")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)
    return children(process.pid)


def test_no_process_outlives_the_one_that_watches(tmp_path: Path) -> None:
    parent = command("train", str(recipe(tmp_path, 100000)), "--workers", "2", "--run-dir", str(tmp_path / "run"))
    pids = begun(tmp_path / "run", parent)
    assert len(pids) == 2
    parent.kill()
    parent.communicate()
    assert gone(pids)


def test_ctrl_c_stops_all_at_one_step_and_the_run_goes_on(tmp_path: Path) -> None:
    path = recipe(tmp_path, 100000)
    parent = command("train", str(path), "--workers", "2", "--run-dir", str(tmp_path / "run"))
    pids = begun(tmp_path / "run", parent)
    parent.send_signal(signal.SIGINT)
    out, errors = parent.communicate(timeout=60)
    assert parent.returncode == 130, errors
    assert "interrupted by SIGINT" in out
    assert gone(pids)
    last = max((tmp_path / "run" / "checkpoints").glob("step-*.json"))
    step = json.loads(last.read_text())["step"]
    again = command("train", str(path), "--run-dir", str(tmp_path / "run"), "--resume", "--set", f"train.max_steps={step + 3}")
    out, errors = again.communicate(timeout=60)  # on one process
    assert again.returncode == 0, errors
    assert "DI004" in errors
