"""Contract suite of callbacks: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import contextlib
import io
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lamina.engine.build import build
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.step import StepRunner
from lamina.learning.optimizers import Adam
from lamina.network.inference import resolve
from lamina.network.layers import Dense, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features
from lamina.testing.promises import check_round_trips, promise
from lamina.train.callbacks import Callback, CallbackRun
from lamina.train.run import RunDirectory
from lamina.train.state import TrainingState
from lamina.train.view import TimingStats

STEPS_PER_EPOCH, EPOCHS, BATCH = 3, 4, 8
RATE = 0.01
UNTIMED = ("metrics.jsonl", "metrics.csv", "gradients.jsonl")
"""Files whose bytes must not depend on time."""


@dataclass
class SmallBatch:
    """Eight samples."""

    inputs: dict[str, torch.Tensor]
    targets: dict[str, torch.Tensor]
    indices: list[int]

    @property
    def size(self) -> int:
        """How many samples."""
        return len(self.indices)


@dataclass
class SmallLoader:
    """What a callback reads of a loader."""

    wait_seconds: float = 0.0
    workers: int = 0


@dataclass
class SmallModel:
    """What keeping a model needs of one."""

    network: Any
    plan: Any
    description: Any
    seed: int = 5
    dtype: str = "float32"
    schema: Any = None
    preprocessing: Any = None
    origin: Any = None
    slots: Any = None


@dataclass
class SmallTrainer:
    """A trainer of 4 epochs with 3 real steps each, and a validation accuracy that rises and falls.

    Args:
        callbacks: Started callbacks.
        run_dir: Where they may write.

    Attributes:
        data: The batches of an epoch.
        scores: The validation accuracy after each epoch.
    """

    callbacks: Sequence[CallbackRun]
    run_dir: RunDirectory | None = None
    step: int = 0
    epoch: int = 0
    total_steps: int = STEPS_PER_EPOCH * EPOCHS
    total_epochs: int = EPOCHS
    observation: dict[str, float] = field(default_factory=dict)
    scores: tuple[float, ...] = (0.5, 0.75, 0.625, 0.625)
    timing: TimingStats = field(default_factory=TimingStats)
    stop_reason: str | None = None
    interrupted: int | None = None
    workers: int = 1
    leads: bool = True
    kept: bool = False
    last_batch: SmallBatch | None = None
    last_loss: torch.Tensor | None = None

    def __post_init__(self) -> None:
        network = Sequential(Features(4), [Dense(8, activation="tanh"), Output(3, dropout=0.1)])
        plan = resolve(network)
        self.network = build(plan, 5)
        self.model = SmallModel(self.network, plan, network)
        self.flat = FlatParameters(self.network)
        optimizer = Adam(RATE).bind(total_steps=self.total_steps, total_epochs=self.total_epochs)
        self.optimizer = optimizer_for(optimizer, self.flat)
        self.precision = Precision("float32", torch.device("cpu"))
        self.runner = StepRunner(self.network, self.flat, self.optimizer, self.precision, seed=5)
        self.loader = SmallLoader()
        self.callbacks = sorted(self.callbacks, key=lambda callback: -callback.priority)
        generator = torch.Generator().manual_seed(1)
        self.data = [
            SmallBatch(
                {"input": torch.randn(BATCH, 4, generator=generator)},
                {"output": torch.randint(0, 3, (BATCH,), generator=generator)},
                list(range(number * BATCH, (number + 1) * BATCH)),
            )
            for number in range(STEPS_PER_EPOCH)
        ]

    @property
    def epoch_progress(self) -> float:
        """Epochs done."""
        return self.step / STEPS_PER_EPOCH

    @property
    def metric_names(self) -> list[str]:
        """All that is observed."""
        return ["train/loss", "validation/accuracy", *(name for callback in self.callbacks for name in callback.observes)]

    def better(self, metric: str) -> str:
        """Accuracies rise."""
        return "max" if metric.endswith("accuracy") else "min"

    def request_stop(self, reason: str, *, final: bool = True) -> None:
        """Stop after this step."""
        self.stop_reason = self.stop_reason or reason

    def agreed(self, value: bool) -> bool:  # noqa: FBT001 (a value, not a switch)
        """There is only this process."""
        return value

    def presenting(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is averaged here."""
        return contextlib.nullcontext()

    def save_checkpoint(self) -> None:
        """Ask who keeps checkpoints."""
        for callback in self.callbacks:
            callback.on_checkpoint(self)

    def state(self) -> TrainingState:
        """All that changes but the weights."""
        states = {callback.name: callback.state_dict() for callback in self.callbacks}
        arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.optimizer.state_dict().items()}
        return TrainingState({"step": self.step, "epoch": self.epoch, "callbacks": json.loads(json.dumps(states, allow_nan=False))}, arrays)

    def restore(self, state: TrainingState, weights: dict[str, Any]) -> None:
        """Go on from a state."""
        self.step, self.epoch = state.values["step"], state.values["epoch"]
        self.network.load_arrays(weights)
        self.optimizer.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.arrays.items()})
        for callback in self.callbacks:
            callback.load_state_dict(state.values["callbacks"][callback.name])

    def run(self, *, until: int | None = None) -> None:
        """Train; ``until`` ends abruptly at that step, as a kill would: no callback hears of it."""
        for callback in self.callbacks:
            callback.validate(self.metric_names)
        try:
            for callback in self.callbacks:
                callback.on_start(self)
            if not self.go_on(until):
                return
        except BaseException as error:
            for callback in self.callbacks:
                callback.on_error(self, error)
            self._finish()
            raise
        self._finish()

    def go_on(self, until: int | None = None) -> bool:
        """Train on; False if it ended abruptly after the step ``until``."""
        while self.stop_reason is None and self.step < self.total_steps:
            self._update()
            if self.step % STEPS_PER_EPOCH == 0:
                self._end_epoch()
            if self.step == until:
                return False
        return True

    def _finish(self) -> None:
        for callback in self.callbacks:
            callback.finish(self)

    def _update(self) -> None:
        batch = self.data[self.step % STEPS_PER_EPOCH]
        self.last_batch = batch
        self.last_loss = self.runner.train(batch.inputs, batch.targets, None, self.step, self.epoch_progress)
        self.step += 1
        self.timing.steps += 1
        self.timing.samples += batch.size
        for callback in self.callbacks:
            if callback.needs_step:
                callback.on_step(self)

    def _end_epoch(self) -> None:
        self.epoch += 1
        loss = 0.0 if self.last_loss is None else float(self.last_loss)
        self.observation = {"train/loss": loss, "validation/accuracy": self.scores[self.epoch - 1]}
        for callback in self.callbacks:
            callback.on_epoch(self)


def check_callback(callback: Callback, folder: Path) -> None:
    """Run the whole contract on one description.

    Args:
        callback: What is checked.
        folder: An empty folder to write in; paths of the callback itself are left out of play by running it in a run directory.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(callback)
    check_hooks(callback)
    check_silence(callback, folder / "silence")
    check_determinism(callback, folder / "determinism")
    check_continuation(callback, folder / "continuation")


def check_hooks(callback: Callback) -> None:
    """Two runs of one description share nothing, and its name and metrics are known at once."""
    first, second = callback.start(), callback.start()
    promise(first is not second, "start() gives a fresh run each time")
    promise(first.name == second.name, "the name under which its state is kept is always the same")
    promise(isinstance(first.needs_step, bool), "needs_step is known at construction")
    before = type(first).on_step is not CallbackRun.on_step
    promise(not first.needs_step or before, "needs_step is only true of callbacks with on_step: it costs time")
    promise(all("/" in name for name in first.observes), "observed values have path names such as train/learning_rate")


def check_silence(callback: Callback, folder: Path) -> None:
    """Only callbacks that say so write to the terminal; all give signals back."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        _trained(callback, folder)
    promise(callback.speaks or not heard.getvalue(), "a callback that is not said to speak is silent")
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    promise(before == after, "signal handlers are given back")


def check_determinism(callback: Callback, folder: Path) -> None:
    """Two equal trainings leave equal states and equal files, and train as one without the callback does."""
    with contextlib.redirect_stderr(io.StringIO()):
        one, other = _trained(callback, folder / "one"), _trained(callback, folder / "other")
        plain = SmallTrainer([])
        plain.run()
    promise(_states(one) == _states(other), "equal trainings leave equal states")
    promise(_files(one) == _files(other), "equal trainings leave equal files")
    untouched = _weights(one) == _weights(plain)
    promise(callback.steers or one.stop_reason is not None or untouched, "watching does not change what is learnt")


def check_continuation(callback: Callback, folder: Path) -> None:
    """Killed after a later step and resumed from an earlier state, it ends as if nothing had happened."""
    with contextlib.redirect_stderr(io.StringIO()):
        whole = _trained(callback, folder / "whole")
        for kept in (1, 3, 5):
            place = folder / f"killed-{kept}"
            killed = SmallTrainer([callback.start()], _directory(place))
            state, weights = _until(killed, kept)
            # What happens after the state was taken is forgotten by the run that resumes.
            killed.go_on(kept + 3)
            resumed = SmallTrainer([callback.start()], RunDirectory(place))
            resumed.restore(state, weights)
            resumed.run()
            promise(_states(resumed) == _states(whole), f"killed and resumed from step {kept}, the state is the same")
            promise(_files(resumed) == _files(whole), f"killed and resumed from step {kept}, the files are the same")
            promise(_weights(resumed) == _weights(whole), f"killed and resumed from step {kept}, the weights are the same")
            for run in killed.callbacks:  # Lets go of files and signals, which a real kill does too.
                run.on_error(killed, KeyboardInterrupt())
                run.finish(killed)


def _until(trainer: SmallTrainer, step: int) -> tuple[TrainingState, dict[str, Any]]:
    trainer.run(until=step)
    state = trainer.state()
    weights = trainer.network.named_arrays()
    return state, {name: array.copy() for name, array in weights.items()}


def _trained(callback: Callback, folder: Path) -> SmallTrainer:
    trainer = SmallTrainer([callback.start()], _directory(folder))
    trainer.run()
    return trainer


def _directory(folder: Path) -> RunDirectory:
    folder.mkdir(parents=True)
    return RunDirectory(folder)


def _states(trainer: SmallTrainer) -> list[Any]:
    states = [json.loads(json.dumps(callback.state_dict(), allow_nan=False)) for callback in trainer.callbacks]
    for state in states:
        state.pop("seconds", None)
    return states


def _files(trainer: SmallTrainer) -> dict[str, bytes]:
    if trainer.run_dir is None:
        return {}
    return {name: path.read_bytes() for name in UNTIMED if (path := trainer.run_dir.path / name).exists()}


def _weights(trainer: SmallTrainer) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in trainer.network.named_arrays().items()}
