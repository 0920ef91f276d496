"""Contract suite of schedules: what each of them must do, ours and third parties'."""

from __future__ import annotations

import math

from lamina.learning.schedules import Schedule
from lamina.testing.promises import promise

STEPS, EPOCHS = 60, 6
"""Length of the run that schedules are tried in: 10 steps an epoch."""


def check_schedule(schedule: Schedule) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Cosine
        >>> check_schedule(Cosine(0.1))
    """
    check_description(schedule)
    check_values(schedule)
    check_unit(schedule)


def check_description(schedule: Schedule) -> None:
    """It reads back from YAML and JSON as itself, bound to a run or not."""
    for version in (schedule, schedule.bind(STEPS, EPOCHS)):
        promise(Schedule.from_yaml(version.to_yaml()) == version, "it round-trips through YAML")
        promise(Schedule.from_yaml(version.to_json(full=True)).to_dict(full=True) == version.to_dict(full=True), "it round-trips in full")
    bound = schedule.bind(STEPS, EPOCHS)
    promise(bound.bind(2 * STEPS, 2 * EPOCHS) == bound, "binding leaves lengths that are given as they are")


def check_values(schedule: Schedule) -> None:
    """All values in a run, and some after it, are finite, not negative, not all 0, and the same when asked again in any order."""
    bound = schedule.bind(STEPS, EPOCHS)
    places = [(step, step * EPOCHS / STEPS) for step in range(STEPS + 15)]
    values = [bound.value(*place) for place in places]
    promise(all(type(value) is float for value in values), "values are floats")
    promise(all(math.isfinite(value) and value >= 0 for value in values), "values are finite and not negative")
    promise(any(value > 0 for value in values[:STEPS]), "values are not all 0")
    promise([bound.value(*place) for place in reversed(places)] == values[::-1], "values depend on step and epoch alone")


def check_unit(schedule: Schedule) -> None:
    """In steps only the step counts; in epochs only whole epochs; in fractional epochs both parts of the epoch."""
    by_steps, by_epochs, smooth = (schedule.replace(unit=unit).bind(STEPS, EPOCHS) for unit in ("steps", "epochs", "fractional_epochs"))
    if any(isinstance(getattr(schedule, name), Schedule) for name in type(schedule).model_fields):
        return  # What it wraps counts in a unit of its own.
    for count in range(STEPS):
        promise(by_steps.value(count, 0.0) == by_steps.value(count, 5.7), "in steps, the epoch doesn't matter")
        promise(by_epochs.value(0, count / 10) == by_epochs.value(999, math.floor(count / 10)), "in epochs, only whole epochs matter")
        promise(smooth.value(0, count / 10) == smooth.value(999, count / 10), "in fractional epochs, the step doesn't matter")
    for epoch in range(EPOCHS):
        promise(by_epochs.value(0, float(epoch)) == smooth.value(0, float(epoch)), "at whole epochs, both ways to count them agree")
