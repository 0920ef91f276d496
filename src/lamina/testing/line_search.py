"""Contract suite of line searches: what each of them must do, ours and third parties'."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from lamina.engine.line_search import Probe, search_for
from lamina.learning.line_search import FixedStep, LineSearch, StrongWolfe
from lamina.testing.promises import check_round_trips, promise

Function = Callable[[float], tuple[float, float]]

FUNCTIONS: dict[str, Function] = {
    "a parabola": lambda t: ((t - 1.0) ** 2, 2.0 * (t - 1.0)),
    "a steep parabola": lambda t: (50.0 * (t - 0.01) ** 2, 100.0 * (t - 0.01)),
    "a flat parabola": lambda t: (1e-3 * (t - 40.0) ** 2, 2e-3 * (t - 40.0)),
    "a wave": lambda t: (math.sin(4.0 * t + 2.0) + 0.1 * t * t, 4.0 * math.cos(4.0 * t + 2.0) + 0.2 * t),
    "a quartic": lambda t: ((t - 0.3) ** 4 - 0.5 * t, 4.0 * (t - 0.3) ** 3 - 0.5),
    "a wall": lambda t: (-math.log(0.5 - t) - 3.0 * t, 1.0 / (0.5 - t) - 3.0) if t < 0.5 else (math.inf, math.nan),
}
"""Each falls at 0; a wall has no numbers from 0.5 on."""


def check_line_search(description: LineSearch) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Backtracking
        >>> check_line_search(Backtracking())
    """
    check_round_trips(description)
    for name, function in FUNCTIONS.items():
        for length in (1e-3, 1.0, 7.0):
            check_found(description, name, function, length)


def check_found(description: LineSearch, name: str, function: Function, length: float) -> None:
    """What it finds was looked at, is no worse than the start, and fulfils what the description says."""
    asked: list[float] = []

    def line(t: float) -> Probe:
        asked.append(t)
        return _probe(function, t)

    start = _probe(function, 0.0)
    search = search_for(description)
    found = search(line, start, length, 1.0)
    promise(found.length in [0.0, *asked], "it goes to a place that it has looked at")
    promise(search(line, start, length, 1.0) == found, "twice the same search finds the same place")
    if isinstance(description, FixedStep):
        promise(found.length == length, "without a search the first length is taken")
        return
    limit = getattr(description, "evaluations", None)
    promise(limit is None or len(asked) <= 2 * limit, "it looks no oftener than it may")
    promise(found.finite and found.value < start.value, f"on {name}, from {length}, the loss falls")
    if isinstance(description, StrongWolfe):
        fallen = found.value <= start.value + description.sufficient * found.length * start.slope
        promise(fallen and abs(found.slope) <= -description.curvature * start.slope, f"on {name}, from {length}, both conditions hold")


def _probe(function: Function, t: float) -> Probe:
    value, slope = function(t)
    return Probe(t, value, slope, _NO_GRADIENT)


_NO_GRADIENT = torch.empty(0)
