"""Keep the state of training, so that it can go on after anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lamina.spec import register
from lamina.spec.fields import Count
from lamina.train.callbacks.callback import KEEPER, Callback, CallbackRun
from lamina.train.triggers import Every, Trigger

if TYPE_CHECKING:
    from lamina.train.checkpoint import CheckpointStore
    from lamina.train.view import TrainerView


@register("checkpoint")
class Checkpoint(Callback):
    """Keep the whole state of training in the run directory, every so often and when training ends or is interrupted.

    Without a run directory nothing is kept.

    Attributes:
        every: When: ``{steps: 500}``, ``{epochs: 1}``, ``{minutes: 10}``.
        keep_last: So many of the newest stay.
        keep_best: Whether the one of the best epoch by ``monitor`` stays; at such an epoch one is kept even if ``every`` isn't due.
        monitor: The metric that says which is best; by default ``validation/loss``, or ``train/loss`` without validation.
        mode: Whether more of it is better; ``auto`` knows.
        keep_every: Every so many-th checkpoint stays for ever.

    Example:
        >>> Checkpoint({"steps": 500}, keep_last=3).every
        Every(count=500, unit='steps')
    """

    everywhere: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("every",)
    every: Trigger = Every(1, "epochs")
    keep_last: Count = 2
    keep_best: bool = True
    monitor: str | None = None
    mode: Literal["auto", "max", "min"] = "auto"
    keep_every: Count | None = None

    @property
    def monitors(self) -> Mapping[str, str]:
        return {} if self.monitor is None else {"monitor": self.monitor}

    def start(self) -> CallbackRun:
        return CheckpointRun(self)

    @classmethod
    def examples(cls) -> list[Checkpoint]:
        return [Checkpoint(), Checkpoint(Every(2, "steps"), keep_last=1, keep_best=False, keep_every=2, monitor="train/loss")]


class CheckpointRun(CallbackRun):
    """Keeps checkpoints; called last, when all others have seen the event that its checkpoint tells of."""

    priority = KEEPER

    def __init__(self, description: Checkpoint) -> None:
        super().__init__(description)
        self.settings = description
        self.trigger = description.every.start()
        self.needs_step = self.trigger.needs_step
        self._saved: tuple[int, int] | None = None
        self._best: float | None = None
        self._failed = False
        self._store: CheckpointStore | None = None

    def on_start(self, trainer: TrainerView) -> None:
        from lamina.train.checkpoint import CheckpointStore

        if trainer.run_dir is not None:
            self._store = CheckpointStore(trainer.run_dir.checkpoints)
        # What the run resumed from is on disk already.
        self._saved = (trainer.step, trainer.epoch)
        self.trigger.begin(trainer)

    def on_step(self, trainer: TrainerView) -> None:
        due = self.trigger.after_step(trainer)
        if trainer.agreed(due) if self.trigger.timed else due:
            self._save(trainer, {})

    def on_epoch(self, trainer: TrainerView) -> None:
        due, best = self.trigger.after_epoch(trainer), self._improved(trainer)
        if due or best or self._last(trainer):
            self._save(trainer, trainer.observation)

    def on_checkpoint(self, trainer: TrainerView) -> None:
        if self._saved != (trainer.step, trainer.epoch):
            self._save(trainer, {})

    def on_error(self, trainer: TrainerView, error: BaseException) -> None:
        self._failed = True

    def finish(self, trainer: TrainerView) -> None:
        # After an error the state may be what went wrong; the last good one is on disk.
        if not self._failed:
            self.on_checkpoint(trainer)

    def _improved(self, trainer: TrainerView) -> bool:
        if not self.settings.keep_best:
            return False
        monitor, mode = self._ranking(trainer)
        value = trainer.observation.get(monitor)
        if value is None or not math.isfinite(value):
            return False
        if self._best is not None and (value <= self._best if mode == "max" else value >= self._best):
            return False
        self._best = value
        return True

    def _ranking(self, trainer: TrainerView) -> tuple[str, str]:
        """The metric that says which is best, and whether more (``max``) or less (``min``) of it is better."""
        monitor = self.settings.monitor or ("validation/loss" if "validation/loss" in trainer.metric_names else "train/loss")
        return monitor, trainer.better(monitor) if self.settings.mode == "auto" else self.settings.mode

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._best = state.get("best")

    def _last(self, trainer: TrainerView) -> bool:
        return trainer.stop_reason is not None or trainer.epoch >= trainer.total_epochs or trainer.step >= trainer.total_steps

    def _save(self, trainer: TrainerView, metrics: Mapping[str, float]) -> None:
        if self._store is None:
            if trainer.kept and not trainer.leads:
                trainer.state()  # The first process keeps what this one alone knows.
                self._saved = (trainer.step, trainer.epoch)
            return
        from lamina.keep import save_model
        from lamina.train.checkpoint import Retention

        settings = self.settings
        monitor, mode = self._ranking(trainer)
        best = monitor if settings.keep_best else None
        retention = Retention(settings.keep_last, best, mode, settings.keep_every)

        def write(path: Path) -> None:
            save_model(trainer.model, path, training=trainer.state(), own_modules=True)

        with trainer.presenting():
            self._store.save(write, trainer.step, trainer.epoch, metrics, retention)
        self._saved = (trainer.step, trainer.epoch)
