"""Values that rise before they fall, and wrappers that make others do so."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.learning.schedules.cycles import Cosine
from lamina.learning.schedules.decay import Linear, Step
from lamina.learning.schedules.schedule import Rate, Schedule, value_of
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, listed


@register("inverse_sqrt")
class InverseSqrt(Schedule):
    """Up to ``initial`` in a straight line over ``warm_up``, then ``initial * sqrt(warm_up / (t + 1))``."""

    positional: ClassVar[tuple[str, ...]] = ("initial", "warm_up")
    initial: NonNegative
    warm_up: Count = 1

    def at(self, position: float) -> float:
        count = position + 1
        return self.initial * min(count / self.warm_up, math.sqrt(self.warm_up / count))

    @classmethod
    def examples(cls) -> list[InverseSqrt]:
        return [InverseSqrt(0.01, 10)]


@register("noam")
class Noam(Schedule):
    """The transformer's: ``factor * width^-0.5 * min((t + 1)^-0.5, (t + 1) * warm_up^-1.5)`` (Vaswani et al. 2017)."""

    positional: ClassVar[tuple[str, ...]] = ("width", "warm_up", "factor")
    width: Count
    warm_up: Count = 4000
    factor: NonNegative = 1.0

    def at(self, position: float) -> float:
        count = position + 1
        return self.factor / math.sqrt(self.width) * min(1 / math.sqrt(count), count / math.pow(self.warm_up, 1.5))

    @classmethod
    def examples(cls) -> list[Noam]:
        return [Noam(64, 10)]


@register("ramp")
class Ramp(Schedule):
    """Deeplearning4j's warm-up: ``schedule`` times ``(t + 1) / length`` while ``t < length - 1``.

    ``schedule`` runs from the start, under the ramp too. Deeplearning4j always counts the ramp in updates.

    Attributes:
        schedule: What is ramped; a number or a schedule.
        length: Length of the ramp.
    """

    positional: ClassVar[tuple[str, ...]] = ("schedule", "length")
    schedule: Rate
    length: Count

    def value(self, step: int, epoch: float) -> float:
        return min((self.position(step, epoch) + 1) / self.length, 1.0) * value_of(self.schedule, step, epoch)

    def bound(self, total: int, total_steps: int, total_epochs: int) -> dict[str, Any]:
        inner = self.schedule
        return {"schedule": inner.bind(total_steps, total_epochs)} if isinstance(inner, Schedule) else {}

    @classmethod
    def examples(cls) -> list[Ramp]:
        return [Ramp(0.1, 10), Ramp(Step(0.1, 0.5, 10), 10)]


@register("warm_up")
class WarmUp(Schedule):
    """A straight line up to where ``schedule`` begins; then ``schedule``, counted from there.

    ``WarmUp(Cosine(0.1), 500)`` rises for 500 steps and spends the rest of the run on the cosine. A schedule that counts in
    another unit than the warm-up isn't shifted: it counts from the start of the run.

    Attributes:
        schedule: What follows; a number or a schedule.
        length: Length of the warm-up.
        start: Where the line begins, as a part of the schedule's first value.

    Example:
        >>> [WarmUp(0.1, 4).value(step, 0.0) for step in range(6)]
        [0.0, 0.025, 0.05, 0.075..., 0.1, 0.1]
    """

    positional: ClassVar[tuple[str, ...]] = ("schedule", "length")
    schedule: Rate
    length: Count
    start: Annotated[float, Field(ge=0, le=1)] = 0.0

    def value(self, step: int, epoch: float) -> float:
        position = self.position(step, epoch)
        if position < self.length:
            first = self._after(0, 0.0)
            return first * (self.start + (1 - self.start) * position / self.length)
        return self._after(*self._shifted(step, epoch))

    def _after(self, step: int, epoch: float) -> float:
        return value_of(self.schedule, step, epoch)

    def _shifted(self, step: int, epoch: float) -> tuple[int, float]:
        if not isinstance(self.schedule, Schedule) or (self.schedule.unit == "steps") != (self.unit == "steps"):
            return step, epoch
        return (step - self.length, epoch) if self.unit == "steps" else (step, epoch - self.length)

    def bound(self, total: int, total_steps: int, total_epochs: int) -> dict[str, Any]:
        inner = self.schedule
        if not isinstance(inner, Schedule):
            return {}
        in_steps = self.unit == "steps"
        steps = total_steps - self.length if in_steps else total_steps
        epochs = total_epochs if in_steps else total_epochs - self.length
        return {"schedule": inner.bind(max(steps, 1), max(epochs, 1))}

    @classmethod
    def examples(cls) -> list[WarmUp]:
        return [WarmUp(0.1, 10), WarmUp(Cosine(0.1), 10), WarmUp(Linear(0.1), 2, start=0.1, unit="epochs")]


@register("sequence")
class SequenceSchedule(Schedule):
    """Schedules one after another, each counted from where it begins; torch's ``SequentialLR``.

    All count in the unit of the sequence, whatever their own is. The last one lasts to the end of the run.

    Attributes:
        schedules: Numbers or schedules.
        starts: Where the second begins, the third, and so on.

    Example:
        >>> steps = SequenceSchedule([0.1, Linear(0.2, 0.0, 4)], [2])
        >>> [round(steps.value(step, 0.0), 2) for step in range(6)]
        [0.1, 0.1, 0.2, 0.15, 0.1, 0.05]
    """

    positional: ClassVar[tuple[str, ...]] = ("schedules", "starts")
    schedules: listed(Rate)  # type: ignore[valid-type]
    starts: listed(Count)  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one_start_each(self) -> Self:
        rising = all(a < b for a, b in zip(self.starts, self.starts[1:], strict=False))
        if len(self.schedules) != len(self.starts) + 1 or not rising:
            raise wrong_value(
                expected="for every schedule but the first where it begins, rising",
                cause=f"there are {len(self.schedules)} schedules and {len(self.starts)} starts, or the starts are not in order",
                fix=f"give {max(len(self.schedules) - 1, 0)} starts, each larger than the one before",
            )
        return self

    def value(self, step: int, epoch: float) -> float:
        position = self.position(step, epoch)
        number = sum(position >= start for start in self.starts)
        begun = self.starts[number - 1] if number else 0
        # As steps and as epochs: whatever a schedule counts by itself, here it counts what the sequence does.
        return value_of(self.schedules[number], int(position - begun), position - begun)

    def bound(self, total: int, total_steps: int, total_epochs: int) -> dict[str, Any]:
        spans = zip(self.schedules, [0, *self.starts], [*self.starts, total], strict=True)
        lengths = [(inner, max(end - begin, 1)) for inner, begin, end in spans]
        return {"schedules": tuple(i.bind(length, length) if isinstance(i, Schedule) else i for i, length in lengths)}

    @classmethod
    def examples(cls) -> list[Any]:
        return [SequenceSchedule([0.1, Cosine(0.05)], [10]), SequenceSchedule([Linear(0.0, 0.1), 0.1, Step(0.1, 0.5, 5)], [5, 20])]
