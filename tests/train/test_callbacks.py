"""What each callback does, on a small trainer with a real network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.errors import DescriptionError, LaminaWarning, TrainingError
from lamina.testing.callbacks import STEPS_PER_EPOCH, SmallTrainer
from lamina.train.callbacks import (
    Callback,
    CallbackRun,
    Checkpoint,
    CsvLog,
    DataWait,
    EarlyStopping,
    GradientWatch,
    JsonlLog,
    LearningRateMonitor,
    NanWatch,
    Progress,
    Signals,
    TensorBoard,
    callbacks_for,
)
from lamina.train.checkpoint import CheckpointStore
from lamina.train.run import RunDirectory
from lamina.train.triggers import Every, every


def trained(*callbacks: Callback, folder: Path | None = None, scores: tuple[float, ...] | None = None) -> SmallTrainer:
    trainer = SmallTrainer([callback.start() for callback in callbacks], None if folder is None else RunDirectory(folder))
    if scores is not None:
        trainer.scores = scores
    trainer.run()
    return trainer


# -- early stopping --------------------------------------------------------------------------------------------------


def test_unknown_metric_is_refused_before_the_first_step() -> None:
    trainer = SmallTrainer([EarlyStopping("validation/acuracy").start()])
    with pytest.raises(DescriptionError) as caught:
        trainer.run()
    assert caught.value.code == "TR055"
    assert caught.value.problems[0].fix == "did you mean 'validation/accuracy'?"
    assert trainer.step == 0


@pytest.mark.parametrize(
    ("settings", "scores", "epochs"),
    [
        ({"patience": 0}, (0.5, 0.6, 0.6, 0.7), 3),
        ({"patience": 1}, (0.5, 0.4, 0.3, 0.2), 3),
        ({"patience": 1, "mode": "min"}, (0.5, 0.4, 0.3, 0.2), 4),
        ({"patience": 1, "min_delta": 0.2}, (0.5, 0.6, 0.65, 0.66), 3),
        ({"target": 0.6}, (0.5, 0.6, 0.7, 0.8), 2),
        ({"max_minutes": 1e-9}, (0.5, 0.6, 0.7, 0.8), 0),
        ({}, (0.5, float("nan"), 0.7, 0.8), 2),
        ({"stop_on_non_finite": False}, (0.5, float("nan"), 0.7, 0.8), 4),
    ],
)
def test_when_early_stopping_stops(settings: dict, scores: tuple[float, ...], epochs: int) -> None:
    trainer = trained(EarlyStopping("validation/accuracy", restore_best=False, **settings), scores=scores)
    assert trainer.epoch == epochs
    assert (trainer.stop_reason is not None) == (epochs < 4)


def test_best_weights_are_restored_and_found_again_by_a_resumed_run(tmp_path: Path) -> None:
    class Recorder(CallbackRun):
        weights: dict = {}

        def on_epoch(self, trainer: SmallTrainer) -> None:
            self.weights[trainer.epoch] = {name: array.copy() for name, array in trainer.network.named_arrays().items()}

    stopping, recorder = EarlyStopping("validation/accuracy").start(), Recorder(NanWatch())
    trainer = SmallTrainer([stopping, recorder], RunDirectory(tmp_path), scores=(0.1, 0.9, 0.2, 0.3))
    trainer.run(until=3 * STEPS_PER_EPOCH)
    state, weights = trainer.state(), trainer.network.named_arrays()
    resumed = SmallTrainer([EarlyStopping("validation/accuracy").start(), Recorder(NanWatch())], RunDirectory(tmp_path))
    resumed.scores = trainer.scores
    resumed.restore(state, weights)
    resumed.run()
    for name, array in resumed.network.named_arrays().items():
        np.testing.assert_array_equal(array, recorder.weights[2][name])
    again = SmallTrainer([EarlyStopping("validation/accuracy").start(), Recorder(NanWatch())], RunDirectory(tmp_path / "gone"))
    again.scores = trainer.scores
    again.restore(state, weights)
    with pytest.warns(LaminaWarning, match="TR007"):
        again.run()


# -- logs -------------------------------------------------------------------------------------------------------------


def test_logs_hold_every_epoch_and_nan_is_null(tmp_path: Path) -> None:
    trained(JsonlLog(), CsvLog(), LearningRateMonitor(), folder=tmp_path, scores=(0.5, float("nan"), 0.5, 0.5))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert rows[1]["validation/accuracy"] is None
    assert rows[0]["train/learning_rate"] == pytest.approx(0.01)
    table = (tmp_path / "metrics.csv").read_text().splitlines()
    assert table[0] == "epoch,step,train/loss,validation/accuracy,train/learning_rate"
    assert float(table[1].split(",")[2]) == rows[0]["train/loss"]


def test_a_log_without_a_place_says_so_and_lost_lines_are_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        trained(CsvLog())
    assert caught.value.code == "TR005"
    log = JsonlLog().start()
    log.load_state_dict({"offset": 100})
    trainer = SmallTrainer([log], RunDirectory(tmp_path))
    with pytest.warns(LaminaWarning, match="TR006"):
        trainer.run()


def test_tensorboards_own_reader_reads_our_events_and_forgets_what_was_killed(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first = SmallTrainer([TensorBoard().start()], RunDirectory(tmp_path))
    first.run(until=6)
    state, weights = first.state(), first.network.named_arrays()
    weights = {name: array.copy() for name, array in weights.items()}
    first.go_on(until=9)
    first._finish()
    second = SmallTrainer([TensorBoard().start()], RunDirectory(tmp_path))
    second.scores = (0.5, 0.75, 0.25, 0.125)
    second.restore(state, weights)
    second.run()
    reader = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    reader.Reload()
    assert [(event.step, event.value) for event in reader.Scalars("validation/accuracy")] == [(3, 0.5), (6, 0.75), (9, 0.25), (12, 0.125)]


# -- gradients and numbers that are not finite ------------------------------------------------------------------------


def test_gradient_norm_is_that_of_all_gradients(tmp_path: Path) -> None:
    class Norms(CallbackRun):
        needs_step = True
        seen: list = []

        def on_step(self, trainer: SmallTrainer) -> None:
            squares = [p.grad.double().square().sum() for p in trainer.network.parameters()]
            self.seen.append(float(torch.stack(squares).sum().sqrt()))

    norms = Norms(NanWatch())
    norms.seen = []
    trainer = SmallTrainer([GradientWatch(1).start(), norms, JsonlLog().start()], RunDirectory(tmp_path))
    trainer.run()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["train/gradient_norm"] == pytest.approx(np.mean(norms.seen[-3:]), rel=1e-9)
    layers = json.loads((tmp_path / "gradients.jsonl").read_text().splitlines()[-1])["layers"]
    assert list(layers) == ["dense_1", "output_1"]
    assert sum(values["norm"] ** 2 for values in layers.values()) ** 0.5 == pytest.approx(norms.seen[-1], rel=1e-9)


def test_nan_in_the_data_names_the_sample() -> None:
    trainer = SmallTrainer([NanWatch().start()])
    trainer.data[1].inputs["input"][3, 2] = float("nan")
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    problem = caught.value.problems[0]
    assert (caught.value.code, trainer.step) == ("TR010", 1)
    assert problem.where == "step 2 (epoch 1), input 'input' of the data"
    assert "sample 11" in problem.got
    assert all(bool(p.isfinite().all()) for p in trainer.network.parameters()), "the update was not made"
    assert trainer.runner.guard is None


def test_overflow_names_the_first_layer_and_the_samples() -> None:
    trainer = SmallTrainer([NanWatch().start()])
    with torch.no_grad():
        trainer.network.tensors()["output_1/weight"].fill_(3e38)
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    problem = caught.value.problems[0]
    assert problem.where == "step 1 (epoch 1), layer 'output_1'"
    assert "in its output for samples" in problem.got
    assert "lower the learning rate" in problem.fix


def test_spoilt_parameters_name_the_layer_where_it_began() -> None:
    trainer = SmallTrainer([NanWatch().start()])
    with torch.no_grad():
        trainer.network.tensors()["dense_1/weight"][0, 0] = float("nan")
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    assert caught.value.problems[0].where == "step 1 (epoch 1), layer 'dense_1'"
    assert "'dense_1/weight' is not finite" in caught.value.problems[0].got


def test_a_gradient_that_is_not_finite_is_found_before_the_update() -> None:
    trainer = SmallTrainer([NanWatch(gradients_every=1).start()])
    trainer.network.tensors()["dense_1/bias"].register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    assert "the gradient of 'dense_1/bias' is not finite" in caught.value.problems[0].got
    assert all(bool(p.isfinite().all()) for p in trainer.network.parameters())


# -- speaking ---------------------------------------------------------------------------------------------------------


def test_off_a_terminal_there_is_one_line_an_epoch(capfd: pytest.CaptureFixture[str]) -> None:
    trained(Progress())
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 4
    assert err.splitlines()[0].startswith("epoch 1/4  step 3/12")
    assert "validation/accuracy 0.5" in err
    trained(Progress("off"))
    assert capfd.readouterr() == ("", "")


BAR = """
from lamina.testing.callbacks import SmallTrainer
from lamina.train.callbacks import Progress
SmallTrainer([Progress().start()]).run()
"""


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_there_is_a_bar() -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", BAR], stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # Linux tells the end of a pseudo-terminal so.
        pass
    os.close(ours)
    assert process.communicate(timeout=60)[0] == b""
    assert process.returncode == 0, seen
    assert b"12/12" in seen
    assert "━".encode() in seen
    assert seen.count(b"\n") <= 3, "one line that is drawn over"


def test_waiting_for_data_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    class Slow(CallbackRun):
        needs_step = True

        def on_step(self, trainer: SmallTrainer) -> None:
            trainer.loader.wait_seconds += 1000.0

    SmallTrainer([Slow(NanWatch()), DataWait(after_steps=12, min_seconds=0.0).start()]).run()
    assert "% of the time is spent waiting for data; try workers: 2" in capfd.readouterr().err
    trained(DataWait(after_steps=2, min_seconds=0.0))
    assert capfd.readouterr().err == ""


# -- signals and triggers ---------------------------------------------------------------------------------------------


class _Raise(CallbackRun):
    """Sends this process a signal at the second step."""

    needs_step = True
    number = signal.SIGTERM
    times = 1

    def on_step(self, trainer: SmallTrainer) -> None:
        if trainer.step == 2:
            for _ in range(self.times):
                signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_step_and_handlers_are_given_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    sender = _Raise(NanWatch())
    sender.number = number
    trainer = SmallTrainer([Signals().start(), sender])
    trainer.run()
    assert (trainer.step, trainer.interrupted, trainer.stop_reason) == (2, number, f"interrupted by {number.name}")
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_stops_at_once() -> None:
    sender = _Raise(NanWatch())
    sender.number, sender.times = signal.SIGINT, 2
    with pytest.raises(KeyboardInterrupt):
        SmallTrainer([Signals().start(), sender]).run()


def test_other_threads_leave_signals_alone() -> None:
    trainer = SmallTrainer([Signals().start()])
    thread = threading.Thread(target=trainer.run)
    thread.start()
    thread.join(timeout=60)
    assert trainer.step == trainer.total_steps


@pytest.mark.parametrize(("count", "unit"), [(0, "steps"), (-1, "minutes"), (0.5, "epochs")])
def test_triggers_refuse_what_has_no_meaning(count: float, unit: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        Every(count, unit)
    assert caught.value.code == "SP004"
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(("trigger", "steps"), [(every(5, "steps"), [5, 10, 12]), (every(2), [6, 12]), (every(1000, "minutes"), [12])])
def test_when_checkpoints_are_kept(trigger: Every, steps: list[int], tmp_path: Path) -> None:
    trained(Checkpoint(trigger, keep_last=9, keep_best=False), folder=tmp_path)
    assert [int(path.stem.split("-")[1]) for path in sorted((tmp_path / "checkpoints").glob("*.lamina"))] == steps


def test_the_best_epoch_is_kept_though_checkpoints_are_due_by_steps(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(64, 4)), np.random.default_rng(1).integers(0, 2, 64)
    rule: dict[str, Any] = {"validation": 0.25, "batch_size": 16, "optimizer": lm.Adam(0.1), "progress": False}
    rule["checkpoints"] = lm.Checkpoint({"steps": 2}, keep_last=1)

    def kept(folder: Path) -> dict[int, float | None]:
        found = CheckpointStore(folder / "checkpoints").all()
        return {checkpoint.step: checkpoint.metrics.get("validation/loss") for checkpoint in found}

    def model() -> lm.Model:
        return lm.Model(lm.Sequential(lm.features(4), [lm.Dense(32, activation="relu"), lm.Output(2)]), seed=1)

    run = model().fit(x, y, epochs=8, run_dir=tmp_path / "whole", **rule)
    best = min(run.history, key=lambda row: row["validation/loss"])
    assert best["step"] < run.history[-1]["step"]
    assert kept(tmp_path / "whole")[int(best["step"])] == best["validation/loss"]
    # What was best before is known to the run that goes on.
    model().fit(x, y, epochs=3, run_dir=tmp_path / "cut", **rule)
    model().fit(x, y, epochs=8, run_dir=tmp_path / "cut", resume=True, **rule)
    assert kept(tmp_path / "cut") == kept(tmp_path / "whole")


def test_a_callback_may_stand_once() -> None:
    with pytest.raises(DescriptionError) as caught:
        callbacks_for([Checkpoint()], checkpoints=Checkpoint(every(2)))
    assert caught.value.code == "TR008"
    found = callbacks_for([EarlyStopping("train/loss"), EarlyStopping("validation/accuracy"), NanWatch(every=1)])
    assert [callback for callback in found if isinstance(callback, NanWatch)] == [NanWatch(every=1)]
