"""Contract suite of triggers: what each of them must do, ours and third parties'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamina.testing.promises import check_round_trips, promise
from lamina.train.triggers import Trigger, TriggerRun

STEPS, PER_EPOCH = 60, 6


def check_trigger(trigger: Trigger) -> None:
    """Run the whole contract on one description: 60 steps of 6 an epoch, at once, so that no clock moves on.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.train.triggers import every
        >>> check_trigger(every(2, "steps"))
    """
    check_round_trips(trigger)
    promise(trigger.start() is not trigger.start(), "each start() gives an object of its own")
    whole = _answers(trigger.start(), 1)
    promise(all(type(answer) is bool for answers in whole.values() for answer in answers), "answers are yes or no")
    promise(_answers(trigger.start(), 1) == whole, "the same training gets the same answers")
    resumed = _answers(trigger.start(), STEPS // 2 + 1)
    promise(all(resumed[step] == whole[step] for step in resumed), "a resumed training gets the answers that the uninterrupted one gets")
    if not trigger.start().needs_step:
        promise(not any(answers[0] for answers in whole.values()), "what is asked after epochs only says no after steps")


@dataclass
class _Trainer:
    """As much of a trainer as triggers look at."""

    step: int
    epoch: int

    @property
    def epoch_progress(self) -> float:
        return self.step / PER_EPOCH


def _answers(run: TriggerRun, first: int) -> dict[int, tuple[bool, ...]]:
    """The answer after each step, and after the epoch where one ends there."""
    # Typed as the whole trainer, of which this is the part that counts.
    begun: Any = _Trainer(first - 1, (first - 1) // PER_EPOCH)
    run.begin(begun)
    found: dict[int, tuple[bool, ...]] = {}
    for step in range(first, STEPS + 1):
        trainer: Any = _Trainer(step, step // PER_EPOCH)
        found[step] = (run.after_step(trainer), *((run.after_epoch(trainer),) if step % PER_EPOCH == 0 else ()))
    return found
