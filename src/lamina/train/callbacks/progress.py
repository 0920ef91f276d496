"""How far training is: a bar on a terminal, one line an epoch elsewhere, one updating line in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lamina.spec import register
from lamina.train.callbacks.callback import Callback, CallbackRun

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from lamina.train.view import TrainerView

Style = Literal["auto", "bar", "lines", "notebook", "off"]
_SECONDS = 0.1
_SHOWN = 4
_BAR_WIDTH = 12
_BESIDE = _BAR_WIDTH + 32
"""Columns of a terminal that the bar, the epoch, the steps and the time left take."""


@register("progress")
class Progress(Callback):
    """Show progress on standard error.

    Attributes:
        style: ``bar``, ``lines`` (one an epoch), ``notebook``, ``off``; ``auto`` chooses by where the output goes.
    """

    speaks: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("style",)
    style: Style = "auto"

    def start(self) -> CallbackRun:
        style = choose_style() if self.style == "auto" else self.style
        kind = {"bar": _BarRun, "lines": _LinesRun, "notebook": _NotebookRun, "off": CallbackRun}[style]
        return kind(self)

    @classmethod
    def examples(cls) -> list[Progress]:
        return [Progress(), Progress("off"), Progress("lines")]


def choose_style() -> Style:
    """``notebook`` inside an IPython kernel, ``bar`` on a terminal, else ``lines``."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        return "notebook"
    return "bar" if sys.stderr is not None and sys.stderr.isatty() else "lines"


def summary(observation: Mapping[str, float]) -> str:
    """The first few values, short.

    Example:
        >>> summary({"train/loss": 0.123456, "validation/accuracy": 0.9})
        'train/loss 0.1235  validation/accuracy 0.9'
    """
    return "  ".join(f"{name} {value:.4g}" for name, value in list(observation.items())[:_SHOWN])


def fitting(observation: Mapping[str, float], width: int) -> str:
    """As many of the first few values as have room, with short names.

    Example:
        >>> fitting({"train/loss": 0.123456, "validation/loss": 0.5, "validation/accuracy": 0.9}, 30)
        'loss 0.1235  val loss 0.5'
    """
    text = ""
    for name, value in list(observation.items())[:_SHOWN]:
        piece = f"{name.removeprefix('train/').replace('validation/', 'val ')} {value:.4g}"
        joined = f"{text}  {piece}" if text else piece
        if len(joined) > width:
            break
        text = joined
    return text


def shared(trainer: TrainerView) -> str:
    """Where several processes train: how many, the samples a second of all together, and what exchanging takes of the time of steps."""
    timing = trainer.timing
    if trainer.workers == 1 or timing.step_seconds <= 0:
        return ""
    speed = timing.samples / (timing.step_seconds + timing.data_wait_seconds)
    return f"{trainer.workers} workers  {speed:.0f} samples/s  exchange {timing.exchanging:.0%}  "


class _ProgressRun(CallbackRun):
    def __init__(self, description: Callback) -> None:
        super().__init__(description)
        self._started = 0.0
        self._shown = 0.0

    def on_start(self, trainer: TrainerView) -> None:
        self._started = time.perf_counter()

    def _due(self) -> bool:
        """Whether it is time to show something again; what it costs must not depend on how fast steps are."""
        now = time.perf_counter()
        if now - self._shown < _SECONDS:
            return False
        self._shown = now
        return True

    def _line(self, trainer: TrainerView) -> str:
        seconds = time.perf_counter() - self._started
        start = f"epoch {trainer.epoch}/{trainer.total_epochs}  step {trainer.step}/{trainer.total_steps}  {seconds:.1f} s  "
        return start + shared(trainer) + summary(trainer.observation)


class _LinesRun(_ProgressRun):
    def on_epoch(self, trainer: TrainerView) -> None:
        print(self._line(trainer), file=sys.stderr, flush=True)


class _BarRun(_ProgressRun):
    needs_step = True

    def __init__(self, description: Callback) -> None:
        super().__init__(description)
        self._bar: Bar | None = None
        self._task: Any = None

    def on_start(self, trainer: TrainerView) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        super().on_start(trainer)
        self._bar = Bar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(_BAR_WIDTH),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=Console(stderr=True),
            # Drawn when there is news, by the thread that trains: another thread would take its time from it.
            auto_refresh=False,
            redirect_stdout=False,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=trainer.total_steps, completed=trainer.step, **self._fields(trainer))

    def on_step(self, trainer: TrainerView) -> None:
        if self._due():
            self._draw(trainer)

    def on_epoch(self, trainer: TrainerView) -> None:
        self._draw(trainer)

    def finish(self, trainer: TrainerView) -> None:
        if self._bar is not None:
            self._draw(trainer)
            self._bar.stop()
            self._bar = None

    def _draw(self, trainer: TrainerView) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=trainer.step, refresh=True, **self._fields(trainer))

    def _fields(self, trainer: TrainerView) -> dict[str, Any]:
        running = min(trainer.epoch + 1, trainer.total_epochs)
        room = self._bar.console.width - _BESIDE if self._bar is not None else 0
        together = shared(trainer)
        return {"epoch": f"{running}/{trainer.total_epochs}", "values": together + fitting(trainer.observation, room - len(together))}


class _NotebookRun(_ProgressRun):
    needs_step = True

    def __init__(self, description: Callback) -> None:
        super().__init__(description)
        self._display: Any = None

    def on_start(self, trainer: TrainerView) -> None:
        from IPython.display import display

        super().on_start(trainer)
        self._display = display(self._data(trainer), raw=True, display_id=True)

    def on_step(self, trainer: TrainerView) -> None:
        if self._due():
            self._update(trainer)

    def on_epoch(self, trainer: TrainerView) -> None:
        self._update(trainer)

    def finish(self, trainer: TrainerView) -> None:
        self._update(trainer)

    def _update(self, trainer: TrainerView) -> None:
        if self._display is not None:
            self._display.update(self._data(trainer), raw=True)

    def _data(self, trainer: TrainerView) -> dict[str, str]:
        return {"text/plain": self._line(trainer)}
