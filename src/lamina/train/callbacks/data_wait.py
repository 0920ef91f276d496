"""Say so when training waits for its data."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, ClassVar

from lamina.spec import register
from lamina.spec.fields import Count, NonNegative, Probability
from lamina.train.callbacks.callback import Callback, CallbackRun

if TYPE_CHECKING:
    from lamina.train.view import TrainerView


@register("data_wait")
class DataWait(Callback):
    """One sentence, after some steps and at the end, if much of the time is spent waiting for data.

    Attributes:
        threshold: Fraction of the time from which it speaks.
        after_steps: When it looks first.
        min_seconds: Runs shorter than this aren't worth a word.
    """

    speaks: ClassVar[bool] = True
    threshold: Probability = 0.3
    after_steps: Count = 50
    min_seconds: NonNegative = 2.0

    def start(self) -> CallbackRun:
        return DataWaitRun(self)

    @classmethod
    def examples(cls) -> list[DataWait]:
        return [DataWait(), DataWait(threshold=0.5, after_steps=10)]


class DataWaitRun(CallbackRun):
    """Measures by the clock: steps of a GPU are queued, and their own time says little."""

    needs_step = True

    def __init__(self, description: DataWait) -> None:
        super().__init__(description)
        self.settings = description
        self._started = 0.0
        self._waited = 0.0
        self._steps = 0

    def on_start(self, trainer: TrainerView) -> None:
        self._started, self._waited, self._steps = time.perf_counter(), trainer.loader.wait_seconds, 0

    def on_step(self, trainer: TrainerView) -> None:
        self._steps += 1
        if self._steps == self.settings.after_steps:
            self._speak(trainer)

    def finish(self, trainer: TrainerView) -> None:
        if self._steps > self.settings.after_steps:
            self._speak(trainer)

    def _speak(self, trainer: TrainerView) -> None:
        seconds = time.perf_counter() - self._started - trainer.timing.evaluation_seconds
        sentence = self.sentence(trainer.loader.wait_seconds - self._waited, seconds, int(trainer.loader.workers))
        if sentence is not None:
            print(sentence, file=sys.stderr, flush=True)

    def sentence(self, waited: float, seconds: float, workers: int) -> str | None:
        """What to say; None if there is nothing to say.

        Args:
            waited: Seconds spent waiting for data.
            seconds: Seconds in all.
            workers: Threads that prepare data.

        Example:
            >>> DataWaitRun(DataWait()).sentence(6.2, 10.0, 0)
            '62 % of the time is spent waiting for data; try workers: 2'
        """
        if seconds <= 0 or seconds < self.settings.min_seconds or waited / seconds < self.settings.threshold:
            return None
        share = min(waited / seconds, 1.0)
        more = max(2, workers * 2)
        advice = f"try workers: {more}" if workers < (os.cpu_count() or 1) else "try a larger batch_size"
        return f"{share:.0%} of the time is spent waiting for data; {advice}".replace("%", " %", 1)
