"""Stop when it no longer gets better."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from lamina.errors import LaminaWarning
from lamina.files import atomic_write
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive
from lamina.train.callbacks.callback import EDITOR, Callback, CallbackRun

if TYPE_CHECKING:
    from lamina.train.view import TrainerView

BEST = "best-weights.safetensors"


@register("early_stopping")
class EarlyStopping(Callback):
    """Stop when a metric has not improved for ``patience`` epochs in a row, and in a few other cases.

    Deeplearning4j: ``ScoreImprovementEpochTerminationCondition``, ``BestScoreEpochTerminationCondition`` (``target``),
    ``MaxTimeIterationTerminationCondition`` (``max_minutes``), ``InvalidScoreIterationTerminationCondition``.

    Attributes:
        monitor: The metric, such as ``validation/accuracy``; checked before the first step.
        patience: How many judged epochs without improvement are borne; at the next one it stops.
        min_delta: An improvement must be larger than this.
        mode: Whether more is better (``max``) or less (``min``); ``auto`` knows it of every metric.
        target: Stop as soon as the metric is as good as this.
        max_minutes: Stop after so many minutes of training, those before a kill included; asked after every step.
        stop_on_non_finite: Stop when the metric is NaN or infinite.
        restore_best: Give the model the weights of its best epoch when training ends.

    Example:
        >>> EarlyStopping("validation/accuracy", patience=3).to_dict()
        {'type': 'early_stopping', 'monitor': 'validation/accuracy', 'patience': 3}
    """

    positional: ClassVar[tuple[str, ...]] = ("monitor",)
    steers: ClassVar[bool] = True  # the best weights come back at the end
    everywhere: ClassVar[bool] = True
    monitor: str
    patience: int = Field(default=5, ge=0)
    min_delta: NonNegative = 0.0
    mode: Literal["auto", "max", "min"] = "auto"
    target: float | None = None
    max_minutes: Positive | None = None
    stop_on_non_finite: bool = True
    restore_best: bool = True

    @property
    def monitors(self) -> Mapping[str, str]:
        return {"monitor": self.monitor}

    def start(self) -> CallbackRun:
        return EarlyStoppingRun(self)

    @classmethod
    def examples(cls) -> list[EarlyStopping]:
        return [
            EarlyStopping("train/loss"),
            EarlyStopping("validation/accuracy", patience=2, min_delta=0.01, target=0.9, max_minutes=10, restore_best=False),
        ]


class EarlyStoppingRun(CallbackRun):
    """Early stopping at work."""

    priority = EDITOR

    def __init__(self, description: EarlyStopping) -> None:
        super().__init__(description)
        self.settings = description
        self.needs_step = description.max_minutes is not None
        self.best: float | None = None
        self.best_step = 0
        self.waited = 0
        self._sign = 1.0
        self._seconds = 0.0
        self._started = time.monotonic()
        self._weights: Mapping[str, Any] | None = None
        self._failed = False

    @property
    def name(self) -> str:
        return f"early_stopping/{self.settings.monitor}"

    def on_start(self, trainer: TrainerView) -> None:
        mode = trainer.better(self.settings.monitor) if self.settings.mode == "auto" else self.settings.mode
        self._sign = 1.0 if mode == "max" else -1.0
        self._started = time.monotonic()
        if self.settings.restore_best and self.best is not None and trainer.run_dir is not None:
            self._weights = _read_best(trainer.run_dir.checkpoints / self._file, self.best_step)

    def on_step(self, trainer: TrainerView) -> None:
        limit = self.settings.max_minutes
        if limit is not None and self._elapsed() >= 60.0 * limit:
            trainer.request_stop(f"{limit:g} minutes of training are over")

    def on_epoch(self, trainer: TrainerView) -> None:
        monitor = self.settings.monitor
        value = trainer.observation.get(monitor)
        if value is None:  # Not every epoch is judged.
            return
        if not math.isfinite(value):
            if self.settings.stop_on_non_finite:
                trainer.request_stop(f"{monitor} is {value} after epoch {trainer.epoch}")
            return
        if self.best is None or self._sign * (value - self.best) > self.settings.min_delta:
            self.best, self.best_step, self.waited = value, trainer.step, 0
            self._keep(trainer)
        else:
            self.waited += 1
        target = self.settings.target
        if target is not None and self._sign * (value - target) >= 0:
            trainer.request_stop(f"{monitor} is {value:.6g}, as good as the target {target:g}")
        elif self.waited > self.settings.patience:
            trainer.request_stop(f"{monitor} has not improved on {self.best:.6g} for {self.waited} epochs")

    def on_error(self, trainer: TrainerView, error: BaseException) -> None:
        self._failed = True

    def finish(self, trainer: TrainerView) -> None:
        if not self.settings.restore_best or self._failed or trainer.interrupted is not None or self.best is None:
            return
        if self.best_step == trainer.step:
            return
        # The state to resume from is that of the last epoch, not of the best.
        trainer.save_checkpoint()
        if self._weights is None and not trainer.leads:
            return  # The first process gives its weights to all in the end.
        if self._weights is None:
            warnings.warn(
                f"[TR007] the weights of the best epoch (step {self.best_step}) are not there any more; the model keeps those of its last "
                "step: train in a run directory, so that a resumed run finds them",
                LaminaWarning,
                stacklevel=2,
            )
            return
        trainer.network.load_arrays(self._weights)

    @property
    def _file(self) -> str:
        return f"{self.settings.monitor.replace('/', '-')}-{BEST}"

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._started

    def _keep(self, trainer: TrainerView) -> None:
        if not self.settings.restore_best:
            return
        self._weights = trainer.network.named_arrays()
        if trainer.run_dir is not None:
            _write_best(trainer.run_dir.checkpoints / self._file, self._weights, self.best_step)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"best": self.best, "best_step": self.best_step, "waited": self.waited}
        if self.settings.max_minutes is not None:
            state["seconds"] = self._elapsed()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.best_step, self.waited = state["best"], int(state["best_step"]), int(state["waited"])
        self._seconds = float(state.get("seconds", 0.0))
        self._started = time.monotonic()


def _write_best(path: Path, arrays: Mapping[str, Any], step: int) -> None:
    from safetensors.numpy import save

    path.parent.mkdir(parents=True, exist_ok=True)
    data = save({name: arrays[name] for name in sorted(arrays)}, metadata={"step": str(step)})
    atomic_write(path, lambda file: file.write(data))


def _read_best(path: Path, step: int) -> Mapping[str, Any] | None:
    """The weights kept at that step; None if they aren't there. A later step's are found again by training on."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("step") != str(step):
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError):
        return None
