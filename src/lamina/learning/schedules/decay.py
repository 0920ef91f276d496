"""Values that fall, or hold, along a simple curve or by steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from lamina.learning.schedules.schedule import Schedule
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, Positive, listed


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
    """``final + (initial - final) * (1 - t / total)^power``, and ``final`` from ``total`` on.

    Deeplearning4j's class of this name computes ``(1 + t / total)^power``, so that the rate *grows* up to ``total`` and then
    falls to 0 at once: a confirmed mistake of sign. To go on with such a run exactly, set ``growing``.

    Attributes:
        initial: Value at the start.
        power: How it bends; 1 is a straight line.
        total: When ``final`` is reached; None: at the end of the run.
        final: Value at the end.
        growing: Use Deeplearning4j's sign.
    """

    positional: ClassVar[tuple[str, ...]] = ("initial", "power", "total")
    initial: NonNegative
    power: NonNegative = 1.0
    total: Count | None = None
    final: NonNegative = 0.0
    growing: bool = False

    def at(self, position: float) -> float:
        total = self._length(self.total)
        if position >= total:
            return self.final
        part = position / total
        return self.final + (self.initial - self.final) * math.pow(1 + part if self.growing else 1 - part, self.power)

    @classmethod
    def examples(cls) -> list[Poly]:
        return [Poly(0.1, 2.0, 50), Poly(0.1), Poly(0.1, 2.0, 50, final=0.01), Poly(0.1, 2.0, 50, growing=True)]


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
