"""The teacher of a distillation: read, and seen to have learned from the same kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lamina.engine.build import build
from lamina.engine.distillation import Tutor
from lamina.train.teaching import check_teacher, other_teacher
from lamina.trained import trained

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
    found = trained(distill.teacher)
    kept = found.kept if model.plan is None else check_teacher(distill, model.plan)
    extras = found.extras()
    schema, preprocessing = extras.schema, extras.preprocessing
    network = model.network
    if schema is not None and model.schema is not None:
        theirs, ours = ([target.labels for target in each.targets.values()] for each in (schema, model.schema))
        if theirs != ours:
            raise other_teacher(distill, "labels", str(ours)[:80], str(theirs)[:80])
    if not _same(preprocessing, model.preprocessing):
        raise other_teacher(distill, "preprocessing", "that of this run", "another: other statistics, columns or none")
    teacher = build(kept.plan, kept.seed, dtype=torch.float64 if model.dtype == "float64" else torch.float32)
    teacher.load_arrays({name: array.astype(model.dtype) for name, array in found.weights().items()})
    return Tutor(distill, teacher.to(device), network)


def _same(theirs: Preprocessing | None, ours: Preprocessing | None) -> bool:
    if theirs is None or ours is None:
        return theirs is ours
    (text, arrays), (own_text, own_arrays) = theirs.to_archive(), ours.to_archive()
    same = {name for name in arrays if name in own_arrays and np.array_equal(arrays[name], own_arrays[name])}
    return text == own_text and same == set(arrays) == set(own_arrays)
