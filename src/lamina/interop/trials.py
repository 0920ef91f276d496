"""Inputs that an exported model is tried on, and what the model gives for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamina.errors import LaminaError, ProofError
from lamina.interop.proof import LIMIT, Difference, Proof, difference
from lamina.shapes import Series, Shape, Tokens, batch_shape

if TYPE_CHECKING:
    from lamina.engine.network import NetworkModule
    from lamina.network.plan import Plan

BATCHES = (2, 3)
"""Samples in the two trials."""
LENGTHS = ((5, 8), (16, 23), (64, 75), (300, 341))
"""Steps in the two trials, where the data say how many there are; the longer ones for networks that need as many."""


@dataclass(frozen=True)
class Trial:
    """Inputs and what the model gives for them.

    Attributes:
        inputs: By name.
        outputs: Predictions by name.
        steps: How many, where that is free.
        masks: Which steps are real, by the name of the input; none where all are.
        real: Which steps of an output are real, by its name: only these are compared.
    """

    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    steps: int | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    real: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __str__(self) -> str:
        count = len(next(iter(self.inputs.values())))
        words = f"{count} samples of random numbers" + (f", {self.steps} steps" if self.steps is not None else "")
        return words + (", of which some are masked" if self.masks else "")


def trials(network: NetworkModule, plan: Plan, *, masks: Sequence[str] = ()) -> list[Trial]:
    """Two trials: of two batch sizes and, where lengths are free, two lengths.

    Args:
        network: The model's, not in training.
        plan: Its plan.
        masks: Inputs that are given masks.
    """
    free = any(None in shape.dims for shape in plan.inputs.values())
    pairs: Sequence[tuple[int | None, int | None]] = LENGTHS if free else ((None, None),)
    for place, pair in enumerate(pairs):
        try:
            return [_trial(network, plan, batch, steps, masks) for batch, steps in zip(BATCHES, pair, strict=True)]
        except LaminaError:
            if place == len(pairs) - 1:
                raise
    return []


def _trial(network: NetworkModule, plan: Plan, batch: int, steps: int | None, masks: Sequence[str]) -> Trial:
    import torch

    generator = np.random.default_rng(batch)
    kind = next((np.dtype(str(p.dtype).removeprefix("torch.")) for p in network.parameters() if p.is_floating_point()), np.dtype("float32"))
    inputs = {name: _numbers(generator, shape, batch, steps or 1, kind) for name, shape in plan.inputs.items()}
    real = {name: _mask(generator, inputs[name].shape[:2]) for name in masks}
    tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
    with torch.inference_mode():
        scores, marks = network.run(tensors, {name: torch.from_numpy(mask) for name, mask in real.items()})
        found = network.activate(dict(zip(network.outputs, scores, strict=True)))
    kept = {name: mark.numpy() for name, mark in zip(network.outputs, marks, strict=True) if mark is not None}
    return Trial(inputs, {name: value.numpy() for name, value in found.items()}, steps, real, kept)


def _numbers(generator: np.random.Generator, shape: Shape, batch: int, steps: int, kind: np.dtype[np.generic]) -> np.ndarray:
    sizes = batch_shape(shape, batch, unknown=steps)
    item = shape.item if isinstance(shape, Series) else shape
    if isinstance(item, Tokens):
        return generator.integers(0, item.vocabulary, sizes)
    return generator.standard_normal(sizes).astype(kind)


def _mask(generator: np.random.Generator, sizes: tuple[int, ...]) -> np.ndarray:
    """The first steps are real, at least one; of the first sample all."""
    lengths = generator.integers(1, sizes[1] + 1, sizes[0])
    lengths[0] = sizes[1]
    return np.arange(sizes[1])[None, :] < lengths[:, None]


def compared(found: Sequence[tuple[Trial, Mapping[str, np.ndarray]]], target: Path, title: str) -> Proof:
    """The largest difference of each output over all trials.

    Raises:
        ProofError: IO061, if one is above 1e-4 relative.
    """
    worst: dict[str, Difference] = {}
    for trial, outputs in found:
        for name, wanted in trial.outputs.items():
            given, real = outputs[name], trial.real.get(name)
            if given.shape == wanted.shape and real is not None:
                given, wanted = given[real], wanted[real]
            one = difference(name, given, wanted)
            before = worst.get(name, one)
            worst[name] = Difference(name, max(before.absolute, one.absolute), max(before.relative, one.relative))
    proof = Proof(tuple(worst.values()))
    if not proof.holds:
        far = max(proof.outputs, key=lambda one: one.relative)
        raise ProofError(
            "IO061",
            where=f"{target}, output {far.name!r}",
            expected=f"a relative difference of at most {LIMIT:g} from what the model gives",
            got=str(far),
            cause=f"what runs {title} computes a layer otherwise, or a layer is exported wrongly",
            fix="nothing was written; report it with the model; with --no-verify the file is written all the same",
        )
    return proof
