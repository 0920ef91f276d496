"""Whether a teacher fits the network that shall learn from it, found from its file without torch."""

from __future__ import annotations

from lamina.errors import DescriptionError
from lamina.keep import Kept
from lamina.learning.distillation import Distill
from lamina.network.plan import Plan
from lamina.trained import trained


def check_teacher(distill: Distill, plan: Plan) -> Kept:
    """See that a teacher has the inputs and outputs of a network; gives what its file says of it.

    Raises:
        ArchiveError: If its file can't be read.
        DescriptionError: TR140, if they are others.
    """
    kept = trained(distill.teacher).kept
    for what, theirs, ours in (("outputs", kept.plan.output_shapes, plan.output_shapes), ("inputs", kept.plan.inputs, plan.inputs)):
        own, others = ({name: str(shape) for name, shape in shapes.items()} for shapes in (ours, theirs))
        if not _alike(others, own):
            raise other_teacher(distill, what, _listed(own), _listed(others))
    return kept


def _alike(theirs: dict[str, str], ours: dict[str, str]) -> bool:
    """The same shapes by name; the only one may have any name."""
    return list(theirs.values()) == list(ours.values()) if len(theirs) == len(ours) == 1 else theirs == ours


def _listed(shapes: dict[str, str]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def other_teacher(distill: Distill, what: str, expected: str, got: str) -> DescriptionError:
    """The error for a teacher that learned something else."""
    return DescriptionError(
        "TR140",
        where=f"train.distill, {distill.teacher}",
        expected=f"a teacher with the same {what}: {expected}",
        got=got,
        cause="the teacher is asked about the very tensors that the network learns from",
        fix="train the teacher on the same data section (seed, split and normalize included), or take another",
    )
