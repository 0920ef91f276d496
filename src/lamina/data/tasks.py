"""Several data sets as one: for a network that learns several tasks, each from samples of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.lazy import LazyArray, Mapped, joined
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset


def join_tasks(tasks: Mapping[str, Dataset]) -> dict[str, Any]:
    """The parts of one data set that holds several: what `Dataset.together` passes on.

    Raises:
        DataError: DA024, if their inputs are not of one kind, or a target stands in two.
    """
    parts = list(tasks.values())
    first = parts[0]
    owners: dict[str, str] = {}
    for task, part in tasks.items():
        if {name: str(shape) for name, shape in part.schema.inputs.items()} != {name: str(s) for name, s in first.schema.inputs.items()}:
            raise _unlike(task, expected=f"inputs like those of {next(iter(tasks))!r}: {first}", got=str(part))
        for target in part.targets:
            name = target if len(part.targets) > 1 else task
            if name in owners:
                raise _unlike(task, expected=f"targets of its own; {owners[name]!r} has {name!r}", got=repr(name))
            owners[name] = task
    sizes = [len(part) for part in parts]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    longest = {name: max(part.inputs[name].shape[1:2] for part in parts) for name in first.inputs}
    targets: dict[str, np.ndarray] = {}
    masks: dict[str, np.ndarray] = {}
    kinds = {}
    for number, (task, part) in enumerate(tasks.items()):
        rows = slice(starts[number], starts[number + 1])
        for target, given in part.targets.items():
            name, array = target if len(part.targets) > 1 else task, given
            kinds[name] = part.schema.targets[target]
            own = part.target_masks.get(target, np.ones(array.shape[:1], dtype=bool))
            if own.ndim > 1:
                # A value for each step: as many steps as the input it goes along with has from now on.
                wanted = next((longest[i] for i, x in part.inputs.items() if x.shape[1:2] == own.shape[1:]), own.shape[1:])
                array, own = filled(array, wanted), filled(own, wanted)
            targets[name] = np.zeros((starts[-1], *array.shape[1:]), array.dtype)
            targets[name][rows] = array
            masks[name] = np.zeros((starts[-1], *own.shape[1:]), dtype=bool)
            masks[name][rows] = own
    weights = None
    if any(part.weight is not None for part in parts):
        weights = np.concatenate([np.ones(len(part)) if part.weight is None else part.weight for part in parts])
    inputs = {name: joined([filled(part.inputs[name], longest[name]) for part in parts]) for name in first.inputs}
    uneven = {name for name in first.inputs if len({part.inputs[name].shape[1:2] for part in parts}) > 1}
    masked = [name for name in first.inputs if name in uneven or any(name in part.input_masks for part in parts)]
    steps = {name: np.concatenate([filled(real(part, name), longest[name]) for part in parts]) for name in masked}
    schema = first.schema.replace(targets=kinds)
    made = {"inputs": inputs, "targets": targets, "schema": schema, "weight": weights, "input_masks": steps, "target_masks": masks}
    return made | {what: _joined(tasks, what) for what in ("groups", "times", "part")}


def _joined(tasks: Mapping[str, Dataset], what: str) -> np.ndarray | None:
    """Groups, times or parts of all samples; None if no data set has any."""
    found = {task: getattr(part, what) for task, part in tasks.items()}
    if all(value is None for value in found.values()):
        return None
    without = next((task for task, value in found.items() if value is None), None)
    if without is not None:
        raise _unlike(without, expected=f"{what} for each sample, as other tasks have", got="none")
    return np.concatenate(list(found.values()))


def filled(array: Any, steps: tuple[int, ...]) -> Any:
    """With as many steps as the longest sequence of all tasks; only the last ones are new, and they are 0."""
    missing = steps[0] - array.shape[1] if steps and array.ndim > 1 else 0
    if missing and isinstance(array, LazyArray):
        return Mapped(array, lambda values: filled(values, steps), (steps[0], *array.shape[2:]))
    return np.pad(array, [(0, 0), (0, missing), *((0, 0) for _ in array.shape[2:])]) if missing else array


def real(part: Dataset, name: str) -> Any:
    """Which steps of an input are real: its mask, or all."""
    return part.input_masks.get(name, np.ones(part.inputs[name].shape[:2], dtype=bool))


def _unlike(task: str, *, expected: str, got: str) -> DataError:
    return DataError(
        "DA024",
        where=f"the task {task!r}",
        expected=expected,
        got=got,
        cause="one network learns all tasks: it has one kind of input, and an output for each target",
        fix="bring the inputs to one shape, and give each target a name of its own",
    )
