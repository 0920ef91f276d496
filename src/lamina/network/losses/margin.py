"""Losses that ask for a margin: between classes, or between things that belong together and things that don't.

Those on distances and similarities stand on an output that gives them, such as a `loss` layer after a vertex that compares
two branches with the same weights.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.network.losses.loss import Loss, Misfit, TargetKind, Weighted, one_unit
from lamina.spec import register, wrong_value
from lamina.spec.fields import NonNegative, Positive, Probability


@register("multi_margin")
class MultiMargin(Weighted):
    """``w_r/k sum_{j wrong} max(0, margin - y_r + y_j)^power``, ``r`` the right class: every wrong class stays below by a margin.

    The multi-class hinge loss of Weston and Watkins 1999; torch's MultiMarginLoss. Targets: class indices, or one-hot.
    """

    target: ClassVar[TargetKind] = "classes"

    margin: Positive = 1.0
    power: Literal[1, 2] = 1

    def misfit(self, units: int) -> Misfit | None:
        return super().misfit(units) if units > 1 else one_unit("multi_margin", "hinge")

    @classmethod
    def examples(cls) -> list[Any]:
        return [MultiMargin(), MultiMargin(margin=0.5, power=2, weights=[1.0, 2.0, 0.5])]


@register("multi_label_margin")
class MultiLabelMargin(Loss):
    """``1/k sum_{p in P, n in N} max(0, 1 - y_p + y_n)``: every label that is there outranks every one that is not by 1.

    P and N are the units whose target is 1 and 0; torch's MultiLabelMarginLoss, which takes the indices of P.
    """

    target: ClassVar[TargetKind] = "binary"

    def misfit(self, units: int) -> Misfit | None:
        return None if units > 1 else one_unit("multi_label_margin", "hinge")

    @classmethod
    def examples(cls) -> list[Any]:
        return [MultiLabelMargin()]


@register("soft_margin")
class SoftMargin(Weighted):
    """``1/k sum_j w_j log(1 + exp(-t_j y_j))`` with targets -1 and 1: logistic regression without a sigmoid."""

    target: ClassVar[TargetKind] = "signs"

    @classmethod
    def examples(cls) -> list[Any]:
        return [SoftMargin(), SoftMargin(weights=[1.0, 2.0, 0.5])]


@register("margin_ranking")
class MarginRanking(Loss):
    """``max(0, margin - t (y_1 - y_2))`` of two units: with target 1 the first shall be larger, with -1 the second.

    With two distances, from an anchor to what is like it and to what isn't, and targets of -1, it is the triplet loss
    (Schroff et al. 2015); `triplet` makes the triplets of a batch itself.
    """

    positional: ClassVar[tuple[str, ...]] = ("margin",)
    target: ClassVar[TargetKind] = "signs"
    judged_by = "none"

    margin: Positive = 1.0

    def target_width(self, units: int) -> int:
        return 1

    def misfit(self, units: int) -> Misfit | None:
        if units == 2:
            return None
        return Misfit(
            expected="2 output units: what is compared",
            got=f"{units} units",
            cause="margin_ranking compares two values of each position",
            fix="give the output 2 units, or concatenate the two values before a loss layer",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [MarginRanking(), MarginRanking(0.2)]


@register("contrastive")
class Contrastive(Weighted):
    """``1/2k sum_j w_j (t_j y_j^2 + (1 - t_j) max(0, margin - y_j)^2)`` of distances ``y`` (Hadsell et al. 2006).

    Target 1: the two belong together, and their distance shall be 0; target 0: it shall be at least ``margin``.
    """

    positional: ClassVar[tuple[str, ...]] = ("margin",)
    target: ClassVar[TargetKind] = "binary"
    judged_by = "none"

    margin: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Contrastive(), Contrastive(0.5)]


@register("hinge_embedding")
class HingeEmbedding(Weighted):
    """``1/k sum_j w_j h_j`` of distances ``y``: ``h = y`` for target 1, ``max(0, margin - y)`` for -1; torch's HingeEmbeddingLoss."""

    positional: ClassVar[tuple[str, ...]] = ("margin",)
    target: ClassVar[TargetKind] = "signs"
    judged_by = "none"

    margin: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [HingeEmbedding(), HingeEmbedding(0.5)]


@register("cosine_embedding")
class CosineEmbedding(Weighted):
    """``1/k sum_j w_j h_j`` of cosines ``y``: ``h = 1 - y`` for target 1, ``max(0, y - margin)`` for -1; torch's CosineEmbeddingLoss.

    Attributes:
        margin: Cosine that things that don't belong together may have, from -1 to 1.
    """

    positional: ClassVar[tuple[str, ...]] = ("margin",)
    target: ClassVar[TargetKind] = "signs"
    judged_by = "none"

    margin: float = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [CosineEmbedding(), CosineEmbedding(0.3)]


@register("capsule_margin")
class CapsuleMargin(Weighted):
    """``sum_j w_j (t_j max(0, present - y_j)^2 + absent_weight (1 - t_j) max(0, y_j - absent)^2)`` of lengths ``y`` of capsules.

    The margin loss of Sabour, Frosst and Hinton 2017: the capsule of the right class shall be long, all others short. It stands on
    ``capsule_strength``. Targets: class indices, or one-hot.

    Attributes:
        present: Length from which the right capsule is long enough.
        absent: Length up to which the others are short enough.
        absent_weight: What too long ones count, so that the many wrong capsules don't shrink all of them at first.
    """

    target: ClassVar[TargetKind] = "classes"

    present: float = Field(default=0.9, gt=0, le=1)
    absent: Probability = 0.1
    absent_weight: NonNegative = 0.5

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.absent >= self.present:
            raise wrong_value(
                expected="an 'absent' below 'present'",
                cause="right capsules shall be longer than wrong ones",
                fix="write present: 0.9 and absent: 0.1, as the paper has them",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [CapsuleMargin(), CapsuleMargin(present=0.8, absent=0.2, absent_weight=1.0, weights=[1.0, 2.0, 0.5])]


@register("one_class")
class OneClass(Loss):
    """``max(0, -y) / nu`` for what is usual (target 1), ``max(0, y) / nu`` for what isn't (0): the sides of a border at 0.

    The loss of `one_class_output` (Chalapathy et al. 2018), whose training samples are usual ones.

    Attributes:
        nu: About what share of the usual samples may end on the wrong side.
    """

    positional: ClassVar[tuple[str, ...]] = ("nu",)
    target: ClassVar[TargetKind] = "binary"

    nu: float = Field(default=0.04, gt=0, lt=1)

    def misfit(self, units: int) -> Misfit | None:
        if units == 1:
            return None
        return Misfit(
            expected="one output unit: how usual a sample is",
            got=f"{units} units",
            cause="one_class tells the usual from all else",
            fix="write units: 1, or use cross_entropy for several classes",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [OneClass(), OneClass(0.2)]
