"""Schedules: numbers that change in the course of training, above all the learning rate. Pure arithmetic on step and epoch.

A schedule gives the value itself, not a factor: ``Adam(Cosine(3e-3))`` starts at 0.003. It may stand wherever an optimiser
takes ``float | Schedule``. All count from 0: the first update of a run sees step 0 and epoch 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lamina.errors import DescriptionError
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, NonNegative, Positive, listed

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


@register("fixed")
class Fixed(Schedule):
    """Always ``constant``; a bare number means the same."""

    positional: ClassVar[tuple[str, ...]] = ("constant",)
    constant: NonNegative

    def at(self, position: float) -> float:
        return self.constant

    @classmethod
    def examples(cls) -> list[Fixed]:
        return [Fixed(0.01)]


@register("exponential")
class Exponential(Schedule):
    """``initial * gamma^t``.

    Example:
        >>> Exponential(1.0, 0.5).value(3, 0.0)
        0.125
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "gamma")
    initial: NonNegative
    gamma: Positive

    def at(self, position: float) -> float:
        return self.initial * math.pow(self.gamma, position)

    @classmethod
    def examples(cls) -> list[Exponential]:
        return [Exponential(0.1, 0.99), Exponential(0.1, 0.5, unit="epochs")]


@register("inverse")
class Inverse(Schedule):
    """``initial / (1 + gamma * t)^power``."""

    positional: ClassVar[tuple[str, ...]] = ("initial", "gamma", "power")
    initial: NonNegative
    gamma: NonNegative
    power: NonNegative = 1.0

    def at(self, position: float) -> float:
        return self.initial / math.pow(1 + self.gamma * position, self.power)

    @classmethod
    def examples(cls) -> list[Inverse]:
        return [Inverse(0.1, 0.01, 2.0)]


@register("poly")
class Poly(Schedule):
    """``initial * (1 - t / total)^power``, and 0 from ``total`` on.

    Deeplearning4j's class of this name computes ``(1 + t / total)^power``, so that the rate *grows* up to ``total`` and then
    falls to 0 at once: a confirmed mistake of sign. To go on with such a run exactly, set ``growing``.

    Attributes:
        initial: Value at the start.
        power: How it bends; 1 is a straight line.
        total: When 0 is reached; None: at the end of the run.
        growing: Use Deeplearning4j's sign.
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "power", "total")
    initial: NonNegative
    power: NonNegative = 1.0
    total: Count | None = None
    growing: bool = False

    def at(self, position: float) -> float:
        total = self._length(self.total)
        if position >= total:
            return 0.0
        part = position / total
        return self.initial * math.pow(1 + part if self.growing else 1 - part, self.power)

    @classmethod
    def examples(cls) -> list[Poly]:
        return [Poly(0.1, 2.0, 50), Poly(0.1), Poly(0.1, 2.0, 50, growing=True)]


@register("sigmoid")
class Sigmoid(Schedule):
    """``initial / (1 + exp(gamma * (t - middle)))``: half of ``initial`` at ``middle``.

    Deeplearning4j and Caffe write ``-gamma``; a positive ``gamma`` there, which makes the value *rise*, is negative here.
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "gamma", "middle")
    initial: NonNegative
    gamma: float
    middle: int = Field(ge=0)

    def at(self, position: float) -> float:
        x = self.gamma * (position - self.middle)
        # Two forms, so that exp never overflows.
        return self.initial / (1 + math.exp(x)) if x <= 0 else self.initial * math.exp(-x) / (1 + math.exp(-x))

    @classmethod
    def examples(cls) -> list[Sigmoid]:
        return [Sigmoid(0.1, 0.2, 25), Sigmoid(0.1, -0.2, 25)]


@register("step")
class Step(Schedule):
    """``initial * factor^floor(t / every)``: multiplied by ``factor`` at every ``every``.

    Example:
        >>> schedule = Step(0.1, 0.5, every=10, unit="epochs")
        >>> schedule.value(999, 9.9), schedule.value(1000, 10.0)
        (0.1, 0.05)
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "factor", "every")
    initial: NonNegative
    factor: Positive
    every: Count

    def at(self, position: float) -> float:
        return self.initial * math.pow(self.factor, position // self.every)

    @classmethod
    def examples(cls) -> list[Step]:
        return [Step(0.1, 0.5, 10)]


def _positions(value: Any) -> Any:
    """JSON knows only text as keys."""
    if not isinstance(value, Mapping):
        return value
    return {int(key) if isinstance(key, str) and key.isdecimal() else key: item for key, item in value.items()}


@register("map")
class MapSchedule(Schedule):
    """Values by the position they hold from: ``{0: 0.1, 1000: 0.01}`` is 0.1 before step 1000 and 0.01 from it on.

    Example:
        >>> MapSchedule({0: 0.1, 1000: 0.01}).value(999, 0.0)
        0.1
    """

    positional: ClassVar[tuple[str, ...]] = ("values",)
    values: Annotated[dict[Annotated[int, Field(ge=0)], NonNegative], BeforeValidator(_positions)]

    @model_validator(mode="after")
    def _starts_at_zero(self) -> Self:
        if 0 not in self.values:
            raise wrong_value(
                expected="a value for position 0",
                cause="nothing says what holds before the first position given",
                fix="add 0: VALUE",
            )
        return self

    def at(self, position: float) -> float:
        return self.values[max(start for start in self.values if start <= position)]

    @classmethod
    def examples(cls) -> list[MapSchedule]:
        return [MapSchedule({0: 0.1, 20: 0.01, 40: 0.001})]


@register("multi_step")
class MultiStep(Schedule):
    """``initial``, multiplied by ``factor`` at each of ``milestones``."""

    positional: ClassVar[tuple[str, ...]] = ("initial", "milestones", "factor")
    initial: NonNegative
    milestones: listed(Count)  # type: ignore[valid-type]
    factor: Positive = 0.1

    def at(self, position: float) -> float:
        return self.initial * math.pow(self.factor, sum(position >= milestone for milestone in self.milestones))

    @classmethod
    def examples(cls) -> list[MultiStep]:
        return [MultiStep(0.1, [20, 40]), MultiStep(0.1, [2, 4], 0.5, unit="epochs")]


@register("linear")
class Linear(Schedule):
    """A straight line from ``initial`` to ``final`` at ``total``, then ``final``; ``total: null`` is the whole run."""

    positional: ClassVar[tuple[str, ...]] = ("initial", "final", "total")
    initial: NonNegative
    final: NonNegative = 0.0
    total: Count | None = None

    def at(self, position: float) -> float:
        part = min(position / self._length(self.total), 1.0)
        return self.initial + (self.final - self.initial) * part

    @classmethod
    def examples(cls) -> list[Linear]:
        return [Linear(0.1, 0.01, 50), Linear(0.1)]


@register("cosine")
class Cosine(Schedule):
    """Half a cosine wave from ``initial`` down to ``final`` at ``total``, then ``final`` (Loshchilov and Hutter 2017).

    Attributes:
        initial: Value at the start, and after each restart.
        final: Lowest value.
        total: When ``final`` is reached; None: at the end of the run. Not used with restarts.
        restart_every: Start again after so many; the wave then ends there.
        restart_growth: Each wave is so many times as long as the one before.

    Example:
        >>> Cosine(1.0, total=10).value(5, 0.0)
        0.5
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "final", "total")
    initial: NonNegative
    final: NonNegative = 0.0
    total: Count | None = None
    restart_every: Count | None = None
    restart_growth: Count = 1

    def bound(self, total: int, total_steps: int, total_epochs: int) -> dict[str, Any]:
        return {} if self.restart_every is not None else super().bound(total, total_steps, total_epochs)

    def at(self, position: float) -> float:
        length = self.restart_every
        if length is None:
            length = self._length(self.total)
            position = min(position, length)
        elif self.restart_growth == 1:
            position %= length
        else:
            while position >= length:
                position -= length
                length *= self.restart_growth
        return self.final + (self.initial - self.final) * (1 + math.cos(math.pi * position / length)) / 2

    @classmethod
    def examples(cls) -> list[Cosine]:
        return [Cosine(0.1), Cosine(0.1, 0.001, 50), Cosine(0.1, restart_every=10, restart_growth=2)]


@register("cycle")
class Cycle(Schedule):
    """Deeplearning4j's 1-cycle, over and over: up to ``maximum`` in a straight line, down again, then annealing.

    With ``h = (length - annealing_length) // 2``: the value rises from ``initial`` for ``h``, falls back for ``h``, and for
    the rest is ``initial * annealing_decay^k`` with ``k`` = 0, 1, 2, ... (one more at the start if ``length -
    annealing_length`` is odd, where Deeplearning4j has k = -1, a value above ``initial``; so has this).

    Attributes:
        maximum: Highest value.
        length: Length of a cycle.
        initial: Value at the start; None: a tenth of ``maximum``.
        annealing_length: Length of the last part; None: a tenth of ``length``.
        annealing_decay: Factor of each step of the last part.
    """

    positional: ClassVar[tuple[str, ...]] = ("maximum", "length")
    maximum: NonNegative
    length: Annotated[int, Field(ge=2)]
    initial: NonNegative | None = None
    annealing_length: Annotated[int, Field(ge=0)] | None = None
    annealing_decay: Positive = 0.1

    @property
    def _annealing(self) -> int:
        # Java's Math.round rounds halves up, Python's round to even.
        return math.floor(self.length * 0.1 + 0.5) if self.annealing_length is None else self.annealing_length

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.length - self._annealing < 2:
            raise wrong_value(
                expected="annealing_length of at most length - 2",
                cause="no time is left to rise and fall",
                fix=f"write annealing_length: {self.length - 2} or less",
            )
        return self

    def at(self, position: float) -> float:
        initial = self.maximum * 0.1 if self.initial is None else self.initial
        annealing = self._annealing
        half = (self.length - annealing) // 2
        slope = (self.maximum - initial) / half
        place = position % self.length
        if place < half:
            return initial + slope * place
        if place < 2 * half:
            return self.maximum - slope * (place - half)
        return initial * math.pow(self.annealing_decay, annealing - (self.length - place))

    @classmethod
    def examples(cls) -> list[Cycle]:
        return [Cycle(0.1, 50), Cycle(0.1, 21, initial=0.02, annealing_length=4, annealing_decay=0.5)]


@register("one_cycle")
class OneCycle(Schedule):
    """Smith's one cycle, as torch's ``OneCycleLR``: up to ``maximum``, then far down, once over the whole run.

    Attributes:
        maximum: Highest value.
        total: Length of the cycle; None: the run. After it the last value stays.
        rise: Part of the cycle in which the value rises.
        start_divisor: The cycle starts at ``maximum / start_divisor`` ...
        end_divisor: ... and ends at ``maximum / start_divisor / end_divisor``.
        shape: ``cosine`` or ``linear`` between these.
        three_phase: Fall as long as it rose, back to the start, and only then to the end.
    """

    positional: ClassVar[tuple[str, ...]] = ("maximum", "total")
    maximum: NonNegative
    total: Count | None = None
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start_divisor: Positive = 25.0
    end_divisor: Positive = 1e4
    shape: Literal["cosine", "linear"] = "cosine"
    three_phase: bool = False

    def at(self, position: float) -> float:
        total = self._length(self.total)
        start = self.maximum / self.start_divisor
        end = start / self.end_divisor
        # Turning points: the value at each, and a curve between them.
        points = [(0.0, start), (self.rise * total - 1, self.maximum), (total - 1, end)]
        if self.three_phase:
            points[2:] = [(2 * self.rise * total - 2, start), (total - 1, end)]
        for (left, low), (right, high) in zip(points, points[1:], strict=False):
            if position <= right:
                part = (position - left) / (right - left) if right > left else 1.0
                return low + (high - low) * (part if self.shape == "linear" else (1 - math.cos(math.pi * part)) / 2)
        return end

    @classmethod
    def examples(cls) -> list[OneCycle]:
        return [OneCycle(0.1), OneCycle(0.1, 50, shape="linear"), OneCycle(0.1, 50, three_phase=True)]


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
