"""What every schedule is."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from lamina.errors import DescriptionError
from lamina.spec import Description
from lamina.spec.fields import NonNegative

Unit = Literal["steps", "epochs", "fractional_epochs"]


class Schedule(Description, family="schedule"):
    """Base of all schedules.

    Attributes:
        unit: What the schedule counts, and what its lengths are given in. ``steps``: updates made before this one.
            ``epochs``: whole passes made, so that the value only changes between epochs, as in Deeplearning4j and in torch's
            schedulers stepped once an epoch. ``fractional_epochs``: passes made with the fraction of the current one, for
            lengths in epochs and a value that changes smoothly at every step.
    """

    unit: Unit = "steps"

    def value(self, step: int, epoch: float) -> float:
        """The value for one update.

        Args:
            step: Updates made before it.
            epoch: Passes made before it, with the fraction of the current one.

        Raises:
            DescriptionError: EN020, if the schedule lasts for the whole run and `bind` has not told how long that is.
        """
        return self.at(self.position(step, epoch))

    def at(self, position: float) -> float:
        """The value at a position counted in `unit`."""
        raise NotImplementedError(type(self).__name__)

    def position(self, step: int, epoch: float) -> float:
        """The place of an update, counted in `unit`."""
        if self.unit == "steps":
            return step
        return epoch if self.unit == "fractional_epochs" else math.floor(epoch)

    def bind(self, total_steps: int, total_epochs: int) -> Self:
        """The same schedule, with the length of the run where a length was left out (``total: null``)."""
        changes = self.bound(total_steps if self.unit == "steps" else total_epochs, total_steps, total_epochs)
        return self.replace(**changes) if changes else self

    def bound(self, total: int, total_steps: int, total_epochs: int) -> dict[str, Any]:
        """Settings that `bind` changes; ``total`` is the length of the run in this schedule's unit."""
        return {"total": max(total, 1)} if getattr(self, "total", 0) is None else {}

    def _length(self, total: int | None) -> int:
        if total is None:
            raise DescriptionError(
                "EN020",
                where=f"schedule {self.type_name}.total",
                expected=f"a number of {self.unit}",
                got="null, the length of the run",
                cause="the schedule is used outside a run, so that nobody told it how long the run is",
                fix="write total: NUMBER, or call schedule.bind(total_steps=..., total_epochs=...) first",
            )
        return total


Rate = NonNegative | Schedule
"""A number that stays, or a schedule."""


def value_of(rate: float | Schedule, step: int, epoch: float) -> float:
    """The number for one update, whether it changes or not."""
    return rate.value(step, epoch) if isinstance(rate, Schedule) else rate
