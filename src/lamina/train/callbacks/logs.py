"""Logs of what was observed after each epoch: ``metrics.jsonl``, CSV, and how long things took."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.spec import register
from lamina.train.callbacks.callback import Callback, CallbackRun
from lamina.train.callbacks.log_file import LogFile, log_path

if TYPE_CHECKING:
    from lamina.train.view import TrainerView


@register("jsonl_log")
class JsonlLog(Callback):
    """One JSON object a line after each epoch: epoch, step and every observed value; null for what isn't finite.

    It holds nothing that depends on time, so that of two runs with one seed the files are equal, and so are those of a run that
    was killed and resumed and of one that was not.

    Attributes:
        path: Where; ``metrics.jsonl`` in the run directory by default.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str | None = None

    def start(self) -> CallbackRun:
        return _JsonlRun(self, self.path, "metrics.jsonl")

    @classmethod
    def examples(cls) -> list[JsonlLog]:
        return [JsonlLog(), JsonlLog("metrics.jsonl")]


@register("csv_log")
class CsvLog(Callback):
    """A table with one row an epoch and one column for each value that can be observed; empty where a value wasn't.

    Attributes:
        path: Where; ``metrics.csv`` in the run directory by default.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str | None = None

    def start(self) -> CallbackRun:
        return _CsvRun(self, self.path, "metrics.csv")

    @classmethod
    def examples(cls) -> list[CsvLog]:
        return [CsvLog(), CsvLog("metrics.csv")]


@register("timing_log")
class TimingLog(Callback):
    """How long each epoch took, and what for; times stand here and nowhere else.

    Attributes:
        path: Where; ``timing.jsonl`` in the run directory by default.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str | None = None

    def start(self) -> CallbackRun:
        return _TimingRun(self, self.path, "timing.jsonl")

    @classmethod
    def examples(cls) -> list[TimingLog]:
        return [TimingLog()]


class _FileRun(CallbackRun):
    """A callback that writes lines to a file."""

    def __init__(self, description: Callback, path: str | None, default: str) -> None:
        super().__init__(description)
        self._path = path
        self._default = default
        self.log = LogFile()

    def on_start(self, trainer: TrainerView) -> None:
        self.log.open(log_path(trainer, self._path, self._default, self.name))

    def finish(self, trainer: TrainerView) -> None:
        self.log.close()

    def state_dict(self) -> dict[str, Any]:
        return {"offset": self.log.mark()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.log.offset = int(state["offset"])


class _JsonlRun(_FileRun):
    def on_epoch(self, trainer: TrainerView) -> None:
        self.log.write(_json({"epoch": trainer.epoch, "step": trainer.step, **trainer.observation}))


class _CsvRun(_FileRun):
    def __init__(self, description: Callback, path: str | None, default: str) -> None:
        super().__init__(description, path, default)
        self._columns: tuple[str, ...] = ()

    def on_start(self, trainer: TrainerView) -> None:
        super().on_start(trainer)
        self._columns = tuple(trainer.metric_names)
        if self.log.offset == 0:
            self.log.write(_row(("epoch", "step", *self._columns)))

    def on_epoch(self, trainer: TrainerView) -> None:
        values = [repr(trainer.observation[name]) if name in trainer.observation else "" for name in self._columns]
        self.log.write(_row((str(trainer.epoch), str(trainer.step), *values)))


class _TimingRun(_FileRun):
    def __init__(self, description: Callback, path: str | None, default: str) -> None:
        super().__init__(description, path, default)
        self._before: dict[str, float] = {}
        self._started = 0.0

    def on_start(self, trainer: TrainerView) -> None:
        # What a killed process measured stays true: nothing is cut off, and no state is kept.
        path = log_path(trainer, self._path, self._default, self.name)
        self.log.offset = path.stat().st_size if path.exists() and trainer.step else 0
        super().on_start(trainer)
        self._before = _seconds(trainer)
        self._started = time.perf_counter()

    def on_epoch(self, trainer: TrainerView) -> None:
        now, totals = time.perf_counter(), _seconds(trainer)
        parts = {name: round(value - self._before[name], 6) for name, value in totals.items()}
        samples = parts.pop("samples")
        seconds = now - self._started
        self.log.write(
            _json(
                {
                    "epoch": trainer.epoch,
                    "step": trainer.step,
                    "time": datetime.now(UTC).isoformat(timespec="seconds"),
                    "seconds": round(seconds, 6),
                    **parts,
                    "samples_per_second": round(samples / seconds, 3) if seconds > 0 else None,
                }
            )
        )
        self._before, self._started = totals, now

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        return


def _seconds(trainer: TrainerView) -> dict[str, float]:
    timing = trainer.timing
    return {
        "step_seconds": timing.step_seconds,
        "data_wait_seconds": timing.data_wait_seconds,
        "evaluation_seconds": timing.evaluation_seconds,
        **({"exchange_seconds": timing.exchange_seconds} if trainer.workers > 1 else {}),
        "samples": float(timing.samples),
    }


def _json(values: Mapping[str, Any]) -> str:
    """One line of strict JSON, which knows no NaN and no infinity."""
    plain = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()}
    return json.dumps(plain, allow_nan=False)


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
