"""Losses for classes, labels and signs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lamina.network.losses.loss import Loss, Misfit, TargetKind, Weighted, one_unit
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive, Probability, listed


class ClassLoss(Weighted):
    """Base of losses over a distribution of classes.

    With `softmax` (or `log_softmax`) they are computed from the scores, ``log_softmax`` first, so that no probability is
    rounded to 0; with any other activation from ``max(y, 1e-10)``, Deeplearning4j's clipping.
    """

    natural_activation = "softmax"
    target: ClassVar[TargetKind] = "classes"
    needs_probabilities = True
    needs_distribution = True


class SmoothedClassLoss(ClassLoss):
    """Base of the cross entropies.

    Attributes:
        label_smoothing: The target becomes ``(1 - s) t + s / k`` (Szegedy et al. 2016).
    """

    label_smoothing: Probability = 0.0


@register("cross_entropy")
class CrossEntropy(SmoothedClassLoss):
    """``-sum_j w_j t_j log(y_j)``: one right class of several (Deeplearning4j's MCXENT).

    Targets: class indices, or a distribution over the classes (one-hot, soft labels).
    """

    @classmethod
    def examples(cls) -> list[Any]:
        return [CrossEntropy(), CrossEntropy(weights=[0.5, 2.0, 1.0], label_smoothing=0.1)]


@register("sparse_cross_entropy")
class SparseCrossEntropy(SmoothedClassLoss):
    """`CrossEntropy` that takes class indices only (Deeplearning4j's SPARSE_MCXENT)."""

    indices_only = True

    @classmethod
    def examples(cls) -> list[Any]:
        return [SparseCrossEntropy()]


@register("negative_log_likelihood")
class NegativeLogLikelihood(SmoothedClassLoss):
    """`CrossEntropy` by its other name, as in Deeplearning4j; the output gives probabilities, not their logarithms."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [NegativeLogLikelihood()]


@register("focal")
class Focal(ClassLoss):
    """``-sum_j w_j t_j (1 - y_j)^gamma log(y_j)``: cross entropy that cares less for what is easy (Lin et al. 2017).

    Attributes:
        gamma: How much less; 0 is cross entropy.
    """

    positional: ClassVar[tuple[str, ...]] = ("gamma",)
    gamma: NonNegative = 2.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Focal(), Focal(1.0, weights=[1.0, 2.0, 3.0])]


@register("generalized_cross_entropy")
class GeneralizedCrossEntropy(ClassLoss):
    """``sum_j w_j t_j (1 - y_j^q) / q``: between cross entropy (``q`` near 0) and the absolute error (1) (Zhang and Sabuncu 2018).

    Wrong labels among the targets spoil less the larger ``q`` is.
    """

    positional: ClassVar[tuple[str, ...]] = ("q",)
    q: float = Field(default=0.5, gt=0, le=1)

    @classmethod
    def examples(cls) -> list[Any]:
        return [GeneralizedCrossEntropy(), GeneralizedCrossEntropy(0.7)]


@register("ordinal")
class Ordinal(ClassLoss):
    """``-w_t/(k-1) sum_c ([t > c] log P(y > c) + [t <= c] log P(y <= c))`` for classes in an order: bad, fair, good.

    ``P(y <= c)`` is ``y_0 + ... + y_c``; ``c`` runs over the ``k - 1`` places where the order can be cut. A prediction two classes
    off costs more than one class off. Over an `ordinal_output` it is the loss of CORAL (Cao et al. 2020).
    Targets: class indices, or a distribution over the classes.
    """

    def misfit(self, units: int) -> Misfit | None:
        return super().misfit(units) if units > 1 else one_unit("ordinal", "binary_cross_entropy")

    @classmethod
    def examples(cls) -> list[Any]:
        return [Ordinal(), Ordinal(weights=[1.0, 2.0, 3.0])]


@register("categorical_hinge")
class CategoricalHinge(Loss):
    """``max(0, 1 + max_{j wrong} y_j - y_right)``: the right class wins by a margin of 1 (Crammer and Singer 2001).

    Targets: class indices, or one-hot. Keras also takes a 0 into the maximum, which is the same where some wrong ``y_j >= 0``.
    """

    target: ClassVar[TargetKind] = "classes"

    def misfit(self, units: int) -> Misfit | None:
        return None if units > 1 else one_unit("categorical_hinge", "hinge")

    @classmethod
    def examples(cls) -> list[Any]:
        return [CategoricalHinge()]


@register("class_hinge")
class ClassHinge(Loss):
    """``sum_j max(0, 1 - s_j y_j)^power`` with ``s`` 1 for the right class and -1 for all others: each class against the rest (Caffe).

    Targets: class indices, or one-hot.

    Attributes:
        power: 1, or 2 for the square.
    """

    positional: ClassVar[tuple[str, ...]] = ("power",)
    target: ClassVar[TargetKind] = "classes"

    power: Literal[1, 2] = 1

    @classmethod
    def examples(cls) -> list[Any]:
        return [ClassHinge(), ClassHinge(2)]


class BinaryLoss(Weighted):
    """Base of losses over outputs that each are a probability of their own.

    With `sigmoid` they are computed from the scores, without rounding; with any other activation from ``y`` clipped to
    ``1e-5 ... 1 - 1e-5``, as in Deeplearning4j.
    """

    natural_activation = "sigmoid"
    target: ClassVar[TargetKind] = "binary"
    needs_probabilities = True


@register("binary_cross_entropy")
class BinaryCrossEntropy(BinaryLoss):
    """``-1/k sum_j w_j (t_j log(y_j) + (1 - t_j) log(1 - y_j))``: two classes, or several labels that don't exclude each other.

    Deeplearning4j (XENT) sums over the outputs instead of averaging.

    Attributes:
        label_smoothing: The target becomes ``(1 - s) t + s / 2``.
        positive_weights: A factor for each output that only ``t_j log(y_j)`` gets: above 1, what is missed costs more than what is
            wrongly found; for labels that are rarely there.
    """

    label_smoothing: Probability = 0.0
    positive_weights: listed(NonNegative) | None = None  # type: ignore[valid-type]

    def misfit(self, units: int) -> Misfit | None:
        if self.positive_weights is None or len(self.positive_weights) == units:
            return super().misfit(units)
        return Misfit(
            expected=f"one positive weight for each of the {units} output units",
            got=f"{len(self.positive_weights)} positive weights",
            cause="positive weights belong to output units, one each",
            fix=f"give {units} positive weights, or remove positive_weights",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            BinaryCrossEntropy(),
            BinaryCrossEntropy(weights=[1.0, 2.0, 0.5], label_smoothing=0.1),
            BinaryCrossEntropy(positive_weights=[3.0, 1.0, 0.5]),
        ]


@register("binary_focal")
class BinaryFocal(BinaryLoss):
    """``-1/k sum_j w_j (alpha t_j (1-y_j)^gamma log(y_j) + (1-alpha) (1-t_j) y_j^gamma log(1-y_j))`` (Lin et al. 2017).

    Attributes:
        gamma: How much less the easy ones count.
        alpha: Share of the positives; None: both factors are 1.
    """

    positional: ClassVar[tuple[str, ...]] = ("gamma", "alpha")
    gamma: NonNegative = 2.0
    alpha: float | None = Field(default=0.25, ge=0, le=1)

    @classmethod
    def examples(cls) -> list[Any]:
        return [BinaryFocal(), BinaryFocal(1.5, None)]


@register("hinge")
class Hinge(Weighted):
    """``1/k sum_j w_j max(0, 1 - t_j y_j)`` with targets -1 and 1. Deeplearning4j sums over the outputs."""

    target: ClassVar[TargetKind] = "signs"

    @classmethod
    def examples(cls) -> list[Any]:
        return [Hinge(), Hinge(weights=[1.0, 2.0, 0.5])]


@register("squared_hinge")
class SquaredHinge(Weighted):
    """``1/k sum_j w_j max(0, 1 - t_j y_j)^2`` with targets -1 and 1. Deeplearning4j sums over the outputs."""

    target: ClassVar[TargetKind] = "signs"

    @classmethod
    def examples(cls) -> list[Any]:
        return [SquaredHinge()]


@register("multi_label")
class MultiLabel(Loss):
    """``1/(|P| |N|) sum_{p in P, n in N} exp(y_n - y_p)``: every label that is there outranks every one that is not.

    BP-MLL (Zhang and Zhou 2006); P and N are the units whose target is 1 and 0. A position where one of them is empty has
    nothing to rank: its loss is 0.
    """

    natural_activation = "sigmoid"
    target: ClassVar[TargetKind] = "binary"

    def misfit(self, units: int) -> Misfit | None:
        return None if units > 1 else one_unit("multi_label", "binary_cross_entropy")

    @classmethod
    def examples(cls) -> list[Any]:
        return [MultiLabel()]


@register("f_measure")
class FMeasure(Loss):
    """``1 - F_beta`` of a whole batch, with probabilities in place of decisions (Pastor-Pellicer et al. 2013).

    ``F = (1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)`` where ``tp = sum t y``, ``fn = sum t (1 - y)``, ``fp = sum (1 - t) y``
    over all samples and positions of the batch; a sample's weight counts in each sum. A batch in which all three are 0 has
    the loss 0.

    It exists for batches only: a sample has no loss of its own, and the mean over batches depends on their size. Judge
    by an evaluation's F1, and don't compare losses of different batch sizes.

    Output: one `sigmoid` unit, or two `softmax` units of which the second is the positive class.

    Attributes:
        beta: How many times recall matters more than precision.
    """

    positional: ClassVar[tuple[str, ...]] = ("beta",)
    natural_activation = "sigmoid"
    target: ClassVar[TargetKind] = "binary"
    needs_probabilities = True
    per_sample = False

    beta: Positive = 1.0

    def target_width(self, units: int) -> int:
        return 1

    def misfit(self, units: int) -> Misfit | None:
        if units in (1, 2):
            return None
        return Misfit(
            expected="one unit, or two with softmax",
            got=f"{units} units",
            cause="f_measure judges one label that is there or not",
            fix="write units: 1, or use cross_entropy for several classes",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [FMeasure(), FMeasure(2.0)]
