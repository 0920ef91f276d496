"""Losses over whole sequences, whose targets are sequences of another length."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from lamina.network.losses.classification import ClassLoss
from lamina.network.losses.loss import Misfit, TargetKind
from lamina.shapes import Sequence, Shape
from lamina.spec import register


@register("ctc")
class Ctc(ClassLoss):
    """``-log p(t)``: connectionist temporal classification (Graves et al. 2006): labels in order, without their places.

    Every step gives a distribution over the labels and a blank. A path through the steps spells what remains of it when
    repetitions are merged and then blanks removed; ``p(t)`` is the sum over all paths that spell the target.

    Output: ``[batch, steps, k]``; the steps that a mask leaves out are no part of any path. Targets: ``[batch, length]`` whole
    numbers, of any length, padded with ``padding``. A target needs as many steps as it has labels, and one more for each label
    that follows itself; where they are missing, the loss is infinite.

    Attributes:
        blank: Index of the blank among the units: 0 as in torch, the last one in Keras.
        padding: What stands in targets behind their end.
        per_label: Divide the loss of a sample by the number of its labels, as torch's mean does.
        skip_impossible: Count 0 for a sample that has too few steps for its target, in place of infinity.
    """

    target: ClassVar[TargetKind] = "sequences"
    judges: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    by_position = False
    judged_by = "none"

    blank: int = Field(default=0, ge=0)
    padding: int = -1
    per_label: bool = False
    skip_impossible: bool = False

    def misfit(self, units: int) -> Misfit | None:
        if self.weights is not None:
            return Misfit(
                expected="no weights of classes",
                got=f"weights {list(self.weights)}",
                cause="ctc judges whole sequences, not single classes",
                fix="remove weights",
            )
        if units > max(self.blank, 1):
            return None
        return Misfit(
            expected=f"at least {max(self.blank + 1, 2)} units: one for each label, and the blank, number {self.blank}",
            got=f"{units} units",
            cause="the blank is a unit of its own",
            fix=f"write units: {max(self.blank + 1, 2)} or more, or another blank",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [Ctc(), Ctc(blank=2, per_label=True), Ctc(padding=-5, skip_impossible=True)]
