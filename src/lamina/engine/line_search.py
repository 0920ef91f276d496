"""How far to go in a direction: line searches at work on a function of one variable, with its slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lamina.engine.implementations import Implementations
from lamina.learning import line_search as L


@dataclass(frozen=True)
class Probe:
    """What was found at one place of the line.

    Attributes:
        length: Where.
        value: The loss.
        slope: Its derivative along the line.
        gradient: Its derivatives by all parameters, a copy.
    """

    length: float
    value: float
    slope: float
    gradient: Tensor

    @property
    def finite(self) -> bool:
        """Whether there are numbers at this place at all."""
        return math.isfinite(self.value) and math.isfinite(self.slope)


Line = Callable[[float], Probe]
"""Evaluates at a length."""
Search = Callable[[Line, Probe, float, float], Probe]
"""From a line, its start, the first length to try and the largest change of a parameter by a length of 1, to where to go."""

_SEARCHES: Implementations[Callable[[Any], Search]] = Implementations("line search", "searches")
searches = _SEARCHES.register
"""Decorator: the function makes a `Search` from a `lamina.learning.line_search.LineSearch` of this class."""


def search_for(description: L.LineSearch) -> Search:
    """What searches as the description says.

    Raises:
        RegistrationError: EN031, if nothing does.
    """
    return _SEARCHES.find(description)(description)


@searches(L.FixedStep)
def _fixed(description: L.FixedStep) -> Search:
    return lambda line, start, length, width: line(length)


@searches(L.Backtracking)
def _backtracking(description: L.Backtracking) -> Search:
    def search(line: Line, start: Probe, length: float, width: float) -> Probe:
        before: Probe | None = None
        for _ in range(description.evaluations):
            found = line(length)
            if found.finite and found.value <= start.value + description.sufficient * length * start.slope:
                return found
            shorter = _shorter(start, found, before) if found.finite else 0.0
            before = found if found.finite else None
            length = min(max(shorter, 0.1 * length), 0.5 * length)
        return start

    return search


def _shorter(start: Probe, found: Probe, before: Probe | None) -> float:
    """Where a parabola through value and slope at 0 and the value at one length, or a cubic through two, has its minimum."""
    t, rise = found.length, found.value - start.value - found.length * start.slope
    if before is None:
        return -start.slope * t * t / (2.0 * rise) if rise > 0 else 0.5 * t
    u, other = before.length, before.value - start.value - before.length * start.slope
    a = (rise / t**2 - other / u**2) / (t - u)
    b = (-u * rise / t**2 + t * other / u**2) / (t - u)
    if a == 0:
        return -start.slope / (2.0 * b) if b > 0 else 0.5 * t
    root = b * b - 3.0 * a * start.slope
    if root < 0:
        return 0.5 * t
    return (-b + math.sqrt(root)) / (3.0 * a) if b <= 0 else -start.slope / (b + math.sqrt(root))


@searches(L.StrongWolfe)
def _strong_wolfe(description: L.StrongWolfe) -> Search:
    return lambda line, start, length, width: _Wolfe(description, line, start, width).run(length)


class _Wolfe:
    """One search for the strong Wolfe conditions."""

    def __init__(self, description: L.StrongWolfe, line: Line, start: Probe, width: float) -> None:
        self._line = line
        self._start = start
        self._width = width
        self._sufficient = description.sufficient
        self._flat = -description.curvature * start.slope
        self._left = description.evaluations

    def run(self, length: float) -> Probe:
        low, high = self._bracket(length)
        return low if high is None else self._zoom(low, high)

    def _probe(self, length: float) -> Probe:
        self._left -= 1
        return self._line(length)

    def _fallen(self, found: Probe) -> bool:
        return found.value <= self._start.value + self._sufficient * found.length * self._start.slope

    def _finite(self, length: float) -> Probe | None:
        """The first of ever shorter lengths at which there are numbers."""
        while self._left > 0:
            found = self._probe(length)
            if found.finite:
                return found
            length *= 0.1
        return None

    def _bracket(self, length: float) -> tuple[Probe, Probe | None]:
        """A length that will do and None, or two between which there is one, in the order in which they were found."""
        before, found = self._start, self._finite(length)
        if found is None:
            return self._start, None
        extended = 0
        while True:
            if not self._fallen(found) or (extended > 1 and found.value >= before.value):
                return before, found
            if abs(found.slope) <= self._flat:
                return found, None
            if found.slope >= 0:
                return before, found
            if self._left <= 0:
                return found, None
            t = found.length
            further = self._probe(_cubic(before, found, (t + 0.01 * (t - before.length), 10.0 * t)))
            if not further.finite:
                return found, None
            before, found = found, further
            extended += 1

    def _zoom(self, one: Probe, other: Probe) -> Probe:
        ends = [one, other]
        low, high = (0, 1) if one.value <= other.value else (1, 0)
        stuck = False
        while self._left > 0 and abs(ends[1].length - ends[0].length) * self._width >= _NARROW:
            length, stuck = _inside(ends, stuck=stuck)
            found = self._probe(length)
            if not self._fallen(found) or not found.finite or found.value >= ends[low].value:
                ends[high] = found
                low, high = (0, 1) if ends[0].value <= ends[1].value else (1, 0)
                continue
            if abs(found.slope) <= self._flat:
                return found
            if found.slope * (ends[high].length - ends[low].length) >= 0:
                ends[high] = ends[low]
            ends[low] = found
        return ends[low]


_NARROW = 1e-9
"""Bracketed changes of a parameter below this are not halved any more."""


def _inside(ends: list[Probe], *, stuck: bool) -> tuple[float, bool]:
    """The next length between two, away from the ends where interpolation makes no progress; and whether it makes little."""
    first, last = sorted(end.length for end in ends)
    length, margin = _cubic(ends[0], ends[1], (first, last)), 0.1 * (last - first)
    if min(last - length, length - first) >= margin:
        return length, False
    if not stuck and first < length < last:
        return length, True
    return (last - margin if abs(length - last) < abs(length - first) else first + margin), False


def _cubic(one: Probe, other: Probe, bounds: tuple[float, float]) -> float:
    """Where the cubic through values and slopes at two places has its minimum, within bounds; the middle where it has none."""
    x1, x2 = one.length, other.length
    d1 = one.slope + other.slope - 3 * (one.value - other.value) / (x1 - x2)
    root = d1 * d1 - one.slope * other.slope
    if not root >= 0:
        return (bounds[0] + bounds[1]) / 2.0
    d2 = math.sqrt(root)
    if x1 <= x2:
        divisor, part, end, span = other.slope - one.slope + 2 * d2, other.slope + d2 - d1, x2, x2 - x1
    else:
        divisor, part, end, span = one.slope - other.slope + 2 * d2, one.slope + d2 - d1, x1, x1 - x2
    if divisor == 0:
        return (bounds[0] + bounds[1]) / 2.0
    return min(max(end - span * (part / divisor), bounds[0]), bounds[1])
