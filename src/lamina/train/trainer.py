"""The loop: update, observe, let the callbacks look; everything it knows is state that can be saved and restored."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

import torch

from lamina.distribute.world import ALONE, World
from lamina.engine.device import choose_device
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.evaluate.result import plain_number
from lamina.train.averaged import Averaged
from lamina.train.callbacks import CallbackRun
from lamina.train.config import TrainConfig
from lamina.train.evaluator import Evaluator
from lamina.train.mean import RunningMean
from lamina.train.rhythm import rhythm_for, updates_per_epoch
from lamina.train.state import TrainingState, restored_environment
from lamina.train.teacher import tutor_for
from lamina.train.together import Together, judge_together
from lamina.train.view import TimingStats

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.loader import Batch, Loader
    from lamina.data.streams.feed import StreamFeed
    from lamina.model import Model
    from lamina.train.run import RunDirectory

_AVERAGE, _RHYTHM, _EXCHANGE = "averaging/", "rhythm/", "exchange/"
"""What the arrays of an average, those of the rhythm, and those of single processes are kept under, beside the optimiser's."""


class Trainer:
    """Trains a model on a loader; callbacks see it through `lamina.train.view.TrainerView`.

    Args:
        model: What is trained; its network must be built.
        config: For how long, by which rule.
        loader: Batches of the training part.
        evaluator: Judges the validation part; None if there is none.
        validation: The validation part.
        callbacks: Started callbacks, in any order; they are called by priority.
        run_dir: Where state is kept; None keeps nothing.
        world: The processes that train together; the loader then feeds this one's share of every batch.
    """

    def __init__(
        self,
        model: Model,
        config: TrainConfig,
        loader: Loader | StreamFeed,
        *,
        evaluator: Evaluator | None = None,
        validation: Dataset | None = None,
        callbacks: Sequence[CallbackRun] = (),
        run_dir: RunDirectory | None = None,
        world: World = ALONE,
    ) -> None:
        self.model = model
        self.config = config
        self.loader = loader
        self.evaluator = evaluator
        self.validation = validation
        self.run_dir = run_dir
        self.kept = run_dir is not None
        self.world = world
        self.network = model.network
        self.device = choose_device(config.device)
        self.precision = Precision(config.precision, self.device)
        self.network.to(self.device)
        self.flat = FlatParameters(self.network)
        self.total_epochs = config.epochs
        self.steps_per_epoch = updates_per_epoch(config, loader, self.network)
        self.total_steps = min(config.max_steps or self.steps_per_epoch * config.epochs, self.steps_per_epoch * config.epochs)
        optimizer = config.optimizer.bind(total_steps=self.total_steps, total_epochs=self.total_epochs)
        self.optimizer = optimizer_for(optimizer, self.flat, clip=config.clip)
        self.together = None if world.alone else Together(self)
        sharing = None if self.together is None else self.together.exchange
        parts = (self.network, self.flat, self.optimizer, self.precision)
        self.rhythm = rhythm_for(config, loader, *parts, seed=model.seed, sharing=sharing, rank=world.rank)
        self.runner = self.rhythm.runner
        self.averaged = Averaged(self)
        self.callbacks = sorted(callbacks, key=lambda callback: -callback.priority)
        self._on_step = [callback.on_step for callback in self.callbacks if callback.needs_step]
        if self.averaged.needed:
            # Before everybody who may look at the average.
            self._on_step.insert(0, self.averaged.on_step)
        self.step = 0
        self.epoch = 0
        self.observation: dict[str, float] = {}
        self.history: list[dict[str, float]] = []
        self.last_batch: Batch | None = None
        self.last_loss: torch.Tensor | None = None
        self.stop_reason: str | None = None
        self.interrupted: int | None = None
        self._final = True
        self.timing = TimingStats()
        self._mean_loss = RunningMean(self.device)

    # -- what callbacks read ----------------------------------------------------------------------------------------

    @property
    def metric_names(self) -> list[str]:
        """All values that will ever be observed; known before the first step."""
        names = ["train/loss"]
        if self.evaluator is not None and self.validation is not None:
            names += [f"validation/{name}" for name in self.evaluator.metric_names]
        for callback in self.callbacks:
            names += [name for name in callback.observes if name not in names]
        return names

    def better(self, metric: str) -> str:
        """``max`` if more of the metric is better, else ``min``."""
        part, _, name = metric.partition("/")
        return self.evaluator.better(name) if part == "validation" and self.evaluator is not None else "min"

    @property
    def epoch_progress(self) -> float:
        """Passes made, with the fraction of the current one."""
        return self.step / self.steps_per_epoch

    @property
    def workers(self) -> int:
        """How many processes train together."""
        return self.world.count

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and shows."""
        return self.world.leads

    def request_stop(self, reason: str, *, final: bool = True) -> None:
        """Stop at the end of this step; the first reason given is the one kept.

        Where several processes train, any of them may ask: all stop at the end of the same step, that in which they next talk.

        Args:
            reason: Why, in a few words.
            final: Whether a resumed run would stop here too; False for an interruption, after which it goes on.
        """
        if self.together is not None:
            self.together.ask_to_stop(reason, final=final)
        else:
            self.stop(reason, final=final)

    def stop(self, reason: str, *, final: bool) -> None:
        """Stop; all processes know."""
        if self.stop_reason is None:
            self.stop_reason, self._final = reason, final

    def save_checkpoint(self) -> None:
        """Ask the callback that keeps checkpoints to write one now; without a run directory there is none.

        Where several processes train, it is written after their next exchange, for all have a part in it.
        """
        if self.together is not None and not self.together.calling:
            self.together.ask_to_save()
            return
        for callback in self.callbacks:
            callback.on_checkpoint(self)

    def agreed(self, value: bool) -> bool:  # noqa: FBT001 (a value, not a switch)
        """What the first of the processes says, where the answer depends on its clock."""
        return bool(self.world.share(value))

    def presenting(self) -> AbstractContextManager[None]:
        """Inside, the network has the weights that are evaluated and kept: the averaged ones, where there are some."""
        return self.averaged.presenting()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """See that every metric that a callback waits for will be there.

        Raises:
            DescriptionError: TR055, with the nearest name.
        """
        for callback in self.callbacks:
            callback.validate(self.metric_names)

    def run(self) -> None:
        """Train to the end, or to the first reason to stop.

        Raises:
            TrainingError: If training went wrong (a loss that is not finite); the callbacks have been told before.
        """
        with self._guarded():
            self.check()
            for callback in self.callbacks:
                callback.on_start(self)
            while not self._finished():
                self._run_epoch()
            self.flat.check()
            self.averaged.present()
        # Whatever was done to the weights in the end, the first process has what is kept.
        self.world.copy(*(buffer.vector for buffer in self.flat.buffers), *self.network.buffers())

    def _finished(self) -> bool:
        # A run that was killed between its last step and the judgement of it is not over.
        judged = self.history[-1]["step"] if self.history else 0
        return self.stop_reason is not None or (self.step >= self.total_steps and self.step == judged)

    def _run_epoch(self) -> None:
        waited, ended = self.loader.wait_seconds, False
        with closing(self.loader.epoch(self.epoch)) as batches:
            update, portions = self.rhythm.begin(self, batches)
            while self.stop_reason is None and self.step < self.total_steps:
                portion = next(portions, None)
                if portion is None:
                    # Only a stream can end within an epoch; a run that is resumed goes on with what has come since.
                    ended = self.step % self.steps_per_epoch != 0
                    break
                update(portion)
        self.timing.data_wait_seconds += self.loader.wait_seconds - waited
        if self.step % self.steps_per_epoch == 0:
            self.epoch += 1
            self.loader.load_state_dict({"epoch": self.epoch, "position": 0})
            self.averaged.on_epoch(self)
        elif ended:
            self.request_stop("the stream has ended", final=False)
        elif self.stop_reason is not None:
            return  # In the middle of an epoch there is nothing to judge; a resumed run finishes it.
        self.flat.check()
        if self.together is not None:
            self.together.settle()
        with self.presenting():
            self._observe()
            for callback in self.callbacks:
                if self.together is not None:
                    self.together.before(callback)
                callback.on_epoch(self)
                # What it has added to the observation is part of the history; a later one may keep the state of all.
                self.history[-1].update(self.observation)
            if self.together is not None:
                self.together.agree()

    def update(self, batch: Batch) -> None:
        """Make one update of one batch."""
        started = time.perf_counter()
        self.last_batch = batch
        loss = self.runner.train(batch.inputs, batch.targets, batch.weight, self.step, self.epoch_progress, batch.masks)
        self.updated(loss, batch.total_weight, batch.size, started)

    def updated(self, loss: torch.Tensor, weight: float, samples: int, started: float) -> None:
        """Count an update, and tell those who want to know of each.

        Args:
            loss: Before it, detached.
            weight: Of the samples in it.
            samples: How many, with those of its batch that were not counted yet.
            started: When it began, on `time.perf_counter`.
        """
        self._mean_loss.add(loss, weight)
        self.step += 1
        self.last_loss = loss
        timing = self.timing
        timing.steps += 1
        timing.samples += samples
        timing.step_seconds += time.perf_counter() - started
        for hook in self._on_step:
            hook(self)
        if self.together is not None:
            self.together.after_step()

    def _observe(self) -> None:
        self.observation = {"train/loss": self._mean_loss.value if self.together is None else self.together.mean(self._mean_loss)}
        self._mean_loss.set(0.0, 0.0)
        last = self.step >= self.total_steps
        if self.evaluator is not None and self.validation is not None and (self.epoch % self.config.evaluate_every == 0 or last):
            started = time.perf_counter()
            judged = judge_together(self.evaluator, self.network, self.validation, self.world)
            self.observation |= {f"validation/{name}": value for name, value in judged.metrics.items()}
            self.timing.evaluation_seconds += time.perf_counter() - started
        self.history.append({"epoch": self.epoch, "step": self.step, **self.observation})

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Run with the trainer's threads and random generators, give the caller's back, and always finish the callbacks."""
        with restored_environment(self.config.threads):
            self.network.train()
            self.network.tutor = None if self.config.distill is None else tutor_for(self.config.distill, self.model, self.device)
            try:
                yield
            except BaseException as error:
                for callback in self.callbacks:
                    callback.on_error(self, error)
                raise
            finally:
                self.network.eval()
                self.network.tutor = None
                with ExitStack() as stack:
                    # Each is finished even if one before it fails; the last gives the signal handlers back.
                    for callback in reversed(self.callbacks):
                        stack.callback(callback.finish, self)
                        if self.together is not None:
                            stack.callback(self.together.finishing, callback)

    # -- state ------------------------------------------------------------------------------------------------------

    def state(self) -> TrainingState:
        """Everything that changes in training apart from the weights."""
        averaged, tensors = self.averaged.state()
        tensors = {**self.optimizer.state_dict(), **{f"{_AVERAGE}{name}": tensor for name, tensor in tensors.items()}}
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        arrays |= {f"{_RHYTHM}{name}": array for name, array in self.rhythm.arrays().items()}
        shared: dict[str, Any] = {}
        if self.together is not None:
            shared, others = self.together.state(self._mean_loss)
            arrays |= {f"{_EXCHANGE}{name}": array for name, array in others.items()}
        return TrainingState(
            values={
                "step": self.step,
                "epoch": self.epoch,
                "steps_per_epoch": self.steps_per_epoch,
                "batch_size": self.loader.batch_size,
                "workers": self.world.count,
                **shared,
                "loss_sum": self._mean_loss.sum,
                "loss_weight": self._mean_loss.weight,
                "loader": self.rhythm.loader_state(self.loader.state_dict(), self.step),
                "stop_reason": self.stop_reason if self._final else None,
                "history": [{name: plain_number(value) for name, value in row.items()} for row in self.history],
                "threads": torch.get_num_threads(),
                "precision": self.precision.state_dict(),
                "optimizer": self.config.optimizer.to_dict(full=True),
                **averaged,
                "callbacks": {callback.name: callback.state_dict() for callback in self.callbacks},
            },
            arrays=arrays,
        )

    def check_state(self, state: TrainingState) -> None:
        """See that a run like this one can go on from `state`.

        Raises:
            TrainingError: TR051, if the state is of another kind of run.
        """
        state.check(
            steps_per_epoch=self.steps_per_epoch,
            optimizer=self.config.optimizer.to_dict(full=True),
            averaging=None if self.config.averaging is None else self.config.averaging.type_name,
            exchange=None if self.together is None else self.config.exchange.type_name,
        )

    def restore(self, state: TrainingState) -> None:
        """Go on exactly where `state` was taken; the weights must have been loaded already.

        Raises:
            TrainingError: TR051, if the state is of another kind of run.
        """
        values = state.values
        self.check_state(state)
        self.step, self.epoch = values["step"], values["epoch"]
        self._mean_loss.set(values["loss_sum"], values["loss_weight"])
        self.stop_reason = values["stop_reason"]
        self.history = [{name: math.nan if value is None else value for name, value in row.items()} for row in values["history"]]
        self.loader.load_state_dict(values["loader"])
        self.precision.load_state_dict(values["precision"])
        parts = {prefix: _under(prefix, state.arrays) for prefix in (_AVERAGE, _RHYTHM, _EXCHANGE)}
        own = {name: array for name, array in state.arrays.items() if not name.startswith(tuple(parts))}
        self.rhythm.load_arrays(parts[_RHYTHM], self.device)
        self.optimizer.load_state_dict({name: torch.from_numpy(array) for name, array in own.items()})
        self.averaged.restore(values, {name: torch.from_numpy(array) for name, array in parts[_AVERAGE].items()})
        if self.together is not None:
            self.together.restore(values, parts[_EXCHANGE], self._mean_loss)
        for callback in self.callbacks:
            if callback.name in values["callbacks"]:
                callback.load_state_dict(values["callbacks"][callback.name])


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
