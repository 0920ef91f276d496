"""Triggers answer "now?": every so many steps, epochs or minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Positive

if TYPE_CHECKING:
    from lamina.train.view import TrainerView

Unit = Literal["steps", "epochs", "minutes"]
UNITS: tuple[Unit, ...] = ("steps", "epochs", "minutes")


class Trigger(Description, family="trigger"):
    """Base of all triggers; ``{steps: 100}``, ``{epochs: 1}`` and ``{minutes: 10}`` are short for `Every`."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``{epochs: 2}`` is short for ``{type: every, count: 2, unit: epochs}``."""
        if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in UNITS:
            ((unit, count),) = value.items()
            return {"type": "every", "count": count, "unit": unit}
        return value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        number = {"type": "number", "exclusiveMinimum": 0}
        return [{"type": "object", "properties": {u: number}, "required": [u], "additionalProperties": False} for u in UNITS]

    def start(self) -> TriggerRun:
        """Something that can be asked."""
        raise NotImplementedError


class TriggerRun:
    """A trigger at work.

    Attributes:
        needs_step: Whether it must be asked after every step; else it is asked after every epoch only.
        timed: Whether the answer depends on a clock; where several processes train, that of the first counts.
    """

    needs_step: bool = False
    timed: bool = False

    def begin(self, trainer: TrainerView) -> None:
        """Training starts, or goes on, now."""

    def after_step(self, trainer: TrainerView) -> bool:
        """Whether now, after a step, is the time."""
        return False

    def after_epoch(self, trainer: TrainerView) -> bool:
        """Whether now, after an epoch and its judgement, is the time."""
        return False


@register("every")
class Every(Trigger):
    """Every ``count`` steps, epochs or minutes.

    Steps and epochs are counted from the very start of training, so a resumed run fires where the uninterrupted one would.
    Minutes are counted from the start of the process and from the last time, and end at the next step.

    Attributes:
        count: How many; whole for steps and epochs.
        unit: Of what.

    Example:
        >>> Every(100, "steps") == every(100, "steps") == Trigger.from_dict({"steps": 100})
        True
    """

    positional: ClassVar[tuple[str, ...]] = ("count", "unit")
    count: int | Positive
    unit: Unit = "epochs"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.count < 1 and self.unit != "minutes" or self.count <= 0 or (self.unit != "minutes" and self.count != int(self.count)):
            raise wrong_value(
                expected="a whole number of steps or epochs, at least 1, or any number of minutes above 0",
                cause="only minutes can be divided",
                fix="write a whole number, or unit: minutes",
            )
        return self

    def start(self) -> TriggerRun:
        return {"steps": _EverySteps, "epochs": _EveryEpochs, "minutes": _EveryMinutes}[self.unit](self.count)

    @classmethod
    def examples(cls) -> list[Every]:
        return [Every(1), Every(100, "steps"), Every(0.5, "minutes")]


def every(count: float, unit: Unit = "epochs") -> Every:
    """`Every`, as a phrase: ``every(10, "minutes")``."""
    return Every(count, unit)


class _EverySteps(TriggerRun):
    needs_step = True

    def __init__(self, count: float) -> None:
        self._count = int(count)

    def after_step(self, trainer: TrainerView) -> bool:
        return trainer.step % self._count == 0


class _EveryEpochs(TriggerRun):
    def __init__(self, count: float) -> None:
        self._count = int(count)

    def after_epoch(self, trainer: TrainerView) -> bool:
        return trainer.epoch % self._count == 0


class _EveryMinutes(TriggerRun):
    needs_step = True
    timed = True

    def __init__(self, count: float) -> None:
        self._seconds = 60.0 * count
        self._last = time.monotonic()

    def begin(self, trainer: TrainerView) -> None:
        self._last = time.monotonic()

    def after_step(self, trainer: TrainerView) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
