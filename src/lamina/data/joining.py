"""Data sets one after the other: as one data set that remembers which sample is from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.lazy import joined
from lamina.data.tasks import filled, real
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset


def join_rows(parts: Mapping[str, Dataset]) -> dict[str, Any]:
    """The parts of one data set that holds the samples of several: what `Dataset.joined` passes on.

    Raises:
        DataError: DA024, if they don't hold the same inputs and targets.
    """
    first = next(iter(parts.values()))
    for name, part in parts.items():
        own, wanted = _described(part), _described(first)
        if own != wanted:
            odd = next((key for key in {**wanted, **own} if own.get(key) != wanted.get(key)), "columns")
            raise DataError(
                "DA024",
                where=f"the data set {name!r}, {odd}",
                expected=f"{wanted.get(odd, 'none')}, as {next(iter(parts))!r} has",
                got=str(own.get(odd, "none")),
                cause="samples of one data set all have the same inputs and targets",
                fix="give all of them the same columns, shapes and labels",
            )
    every = list(parts.values())
    longest = {name: max(part.inputs[name].shape[1:2] for part in every) for name in first.inputs}
    made: dict[str, Any] = {"inputs": {}, "targets": {}, "input_masks": {}, "target_masks": {}}
    for name, steps in longest.items():
        made["inputs"][name] = joined([filled(part.inputs[name], steps) for part in every])
        uneven = len({part.inputs[name].shape[1:2] for part in every}) > 1
        if uneven or any(name in part.input_masks for part in every):
            made["input_masks"][name] = joined([filled(real(part, name), steps) for part in every])
    for name in first.targets:
        steps = max(part.targets[name].shape[1:2] for part in every)
        made["targets"][name] = joined([filled(part.targets[name], steps) for part in every])
        masks = [part.target_masks.get(name) for part in every]
        uneven = len({part.targets[name].shape[1:2] for part in every}) > 1
        if uneven or any(mask is not None for mask in masks):
            flat = all(mask is None or mask.ndim == 1 for mask in masks) and not uneven
            found = [_mask(part, name, mask, flat=flat, steps=steps) for part, mask in zip(every, masks, strict=True)]
            made["target_masks"][name] = joined(found)
    weights = [part.weight for part in every]
    if any(weight is not None for weight in weights):
        made["weight"] = np.concatenate([np.ones(len(part)) if part.weight is None else part.weight for part in every])
    made["groups"] = np.repeat(np.asarray(list(parts), dtype=str), [len(part) for part in every])
    if all(part.times is not None for part in every):
        made["times"] = np.concatenate([part.times for part in every])
    return {**made, "schema": first.schema, "columns": first.columns, "preprocessing": first.preprocessing}


def _described(part: Dataset) -> dict[str, str]:
    """What must be the same, in words."""
    found = {f"input {name!r}": str(shape) for name, shape in part.schema.inputs.items()}
    found |= {f"target {name!r}": repr(target) for name, target in part.schema.targets.items()}
    if part.columns is not None:
        found["columns"] = ", ".join(part.columns.names)
    return found


def _mask(part: Dataset, name: str, mask: Any, *, flat: bool, steps: tuple[int, ...]) -> Any:
    if flat:
        return np.ones(len(part), dtype=bool) if mask is None else mask
    own = np.ones(part.targets[name].shape[:2], dtype=bool)
    if mask is not None:
        own &= mask if mask.ndim > 1 else mask[:, None]
    return filled(own, steps)
