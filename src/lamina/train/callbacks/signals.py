"""Ctrl-C and SIGTERM: save and stop at the end of the step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.spec import register
from lamina.train.callbacks.callback import KEEPER, Callback, CallbackRun

if TYPE_CHECKING:
    from lamina.train.view import TrainerView


@register("signals")
class Signals(Callback):
    """Stop cleanly on Ctrl-C and SIGTERM: the step is finished, a checkpoint is kept, and the run can be resumed.

    A second Ctrl-C stops at once. Only the main thread can take signals; elsewhere this does nothing.
    """

    everywhere: ClassVar[bool] = True

    def start(self) -> CallbackRun:
        return SignalsRun(self)

    @classmethod
    def examples(cls) -> list[Signals]:
        return [Signals()]


class SignalsRun(CallbackRun):
    """Takes the signals while training runs, and gives them back afterwards."""

    # Last of all: signals are held until the last checkpoint is written.
    priority = KEEPER - 10

    def __init__(self, description: Signals) -> None:
        super().__init__(description)
        self._before: dict[int, Any] = {}

    def on_start(self, trainer: TrainerView) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if trainer.interrupted is not None and number == signal.SIGINT:
                raise KeyboardInterrupt
            if trainer.interrupted is None:
                trainer.interrupted = number
                trainer.request_stop(f"interrupted by {signal.Signals(number).name}", final=False)

        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            # Who ignores a signal (nohup) means it; a handler set outside Python could not be given back.
            if before is not None and before != signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, stop)

    def finish(self, trainer: TrainerView) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
