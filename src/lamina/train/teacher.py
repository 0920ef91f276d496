"""The teacher of a distillation: read, and seen to have learned from the same kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lamina.archive import WEIGHTS, Archive
from lamina.engine.build import build
from lamina.engine.distillation import Tutor
from lamina.errors import DescriptionError
from lamina.keep import described, read_extras

if TYPE_CHECKING:
    from lamina.data.preprocessing import Preprocessing
    from lamina.learning.distillation import Distill
    from lamina.model import Model


def tutor_for(distill: Distill, model: Model, device: torch.device) -> Tutor:
    """The teacher, ready to be asked.

    Raises:
        ArchiveError: If its file can't be read.
        DescriptionError: TR140, if its inputs, outputs, labels or preprocessing are others.
    """
    archive = Archive(distill.teacher)
    kept = described(archive)
    schema, preprocessing = read_extras(archive)
    network = model.network
    outputs = {name: str(kept.plan.node(name).output_shape) for name in kept.plan.outputs}
    own = {name: str(model.plan.node(name).output_shape) for name in network.outputs} if model.plan is not None else {}
    if own and not _alike(outputs, own):
        raise _other(distill, "outputs", _listed(own), _listed(outputs))
    inputs, taken = ({name: str(shape) for name, shape in shapes.items()} for shapes in (kept.plan.inputs, network.input_shapes))
    if not _alike(inputs, taken):
        raise _other(distill, "inputs", _listed(taken), _listed(inputs))
    if schema is not None and model.schema is not None:
        theirs, ours = ([target.labels for target in found.targets.values()] for found in (schema, model.schema))
        if theirs != ours:
            raise _other(distill, "labels", str(ours)[:80], str(theirs)[:80])
    if not _same(preprocessing, model.preprocessing):
        raise _other(distill, "preprocessing", "that of this run", "another: other statistics, columns or none")
    teacher = build(kept.plan, kept.seed, dtype=torch.float64 if model.dtype == "float64" else torch.float32)
    teacher.load_arrays({name: array.astype(model.dtype) for name, array in archive.arrays(WEIGHTS).items()})
    return Tutor(distill, teacher.to(device), network)


def _alike(theirs: dict[str, str], ours: dict[str, str]) -> bool:
    """The same shapes by name; the only one may have any name."""
    return list(theirs.values()) == list(ours.values()) if len(theirs) == len(ours) == 1 else theirs == ours


def _same(theirs: Preprocessing | None, ours: Preprocessing | None) -> bool:
    if theirs is None or ours is None:
        return theirs is ours
    (text, arrays), (own_text, own_arrays) = theirs.to_archive(), ours.to_archive()
    same = {name for name in arrays if name in own_arrays and np.array_equal(arrays[name], own_arrays[name])}
    return text == own_text and same == set(arrays) == set(own_arrays)


def _listed(shapes: dict[str, str]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _other(distill: Distill, what: str, expected: str, got: str) -> DescriptionError:
    return DescriptionError(
        "TR140",
        where=f"train.distill, {distill.teacher}",
        expected=f"a teacher with the same {what}: {expected}",
        got=got,
        cause="the teacher is asked about the very tensors that the network learns from",
        fix="train the teacher on the same data section (seed, split and normalize included), or take another",
    )
