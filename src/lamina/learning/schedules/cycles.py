"""Values that follow waves and cycles."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.learning.schedules.schedule import Schedule
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, Positive


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


@register("triangular")
class Triangular(Schedule):
    """Straight lines between ``minimum`` and ``maximum``, up and down again and again (Smith 2017); torch's ``CyclicLR``.

    Attributes:
        minimum: Value at the start of each cycle.
        maximum: Highest value of the first cycle.
        rise: Length of the way up.
        fall: Length of the way down; None: as long as the way up.
        shrink: How the height of cycle ``n`` (0, 1, ...) changes: ``none``, ``half``: divided by ``2^n``, or ``exponential``: times
            ``gamma^t``, at every position.
        gamma: As above.
    """

    positional: ClassVar[tuple[str, ...]] = ("minimum", "maximum", "rise")
    minimum: NonNegative
    maximum: NonNegative
    rise: Count
    fall: Count | None = None
    shrink: Literal["none", "half", "exponential"] = "none"
    gamma: Positive = 1.0

    def at(self, position: float) -> float:
        length = self.rise + (self.rise if self.fall is None else self.fall)
        number, place = divmod(position, length)
        part = place / self.rise if place <= self.rise else (length - place) / (length - self.rise)
        factor = {"none": 1.0, "half": math.pow(0.5, number), "exponential": math.pow(self.gamma, position)}[self.shrink]
        return self.minimum + (self.maximum - self.minimum) * part * factor

    @classmethod
    def examples(cls) -> list[Triangular]:
        return [
            Triangular(0.01, 0.1, 10),
            Triangular(0.01, 0.1, 5, fall=15, shrink="half"),
            Triangular(0.01, 0.1, 10, shrink="exponential", gamma=0.98),
        ]


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
