"""Losses over how much two regions overlap: for segmentation, where most pixels are background.

For each sample and unit the sums run over all positions: ``I = sum t y``, ``T = sum t``, ``Y = sum y``. The loss of a sample is
the mean over its units.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.losses.loss import TargetKind, Weighted
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive


class Overlap(Weighted):
    """Base of losses over regions that may overlap: each unit is one, with its own probability and its own 0 or 1 as target.

    Attributes:
        smooth: Added to numerator and denominator: a region that isn't there, and isn't found, costs nothing.
    """

    natural_activation = "sigmoid"
    target: ClassVar[TargetKind] = "binary"
    judges: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)
    needs_probabilities = True
    by_position = False

    smooth: Positive = 1.0


class CategoricalOverlap(Overlap):
    """Base of losses over classes of which each position has one. Targets: class indices, or a distribution over the classes."""

    natural_activation = "softmax"
    target: ClassVar[TargetKind] = "classes"
    needs_distribution = True


@register("dice")
class Dice(Overlap):
    """``1/k sum_j w_j (1 - (2 I + smooth) / (T + Y + smooth))`` (Milletari et al. 2016)."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [Dice(), Dice(smooth=0.1, weights=[1.0, 2.0, 0.5])]


@register("iou")
class Iou(Overlap):
    """``1/k sum_j w_j (1 - (I + smooth) / (T + Y - I + smooth))``: intersection over union, the Jaccard index."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [Iou(), Iou(smooth=0.1)]


@register("tversky")
class Tversky(Overlap):
    """``1/k sum_j w_j (1 - (I + smooth) / (I + alpha (Y - I) + beta (T - I) + smooth))^gamma`` (Salehi et al. 2017).

    Attributes:
        alpha: What a position costs that is taken for the region and isn't of it.
        beta: What a position of the region costs that is missed. 0.5 and 0.5 is dice, 1 and 1 is iou.
        gamma: Above 1 regions found badly count more, below 1 less (Abraham and Khan 2019, whose gamma is ``1 / gamma``).
    """

    positional: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    alpha: NonNegative = 0.5
    beta: NonNegative = 0.5
    gamma: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Tversky(), Tversky(0.3, 0.7, gamma=0.75)]


@register("categorical_dice")
class CategoricalDice(CategoricalOverlap):
    """`Dice` of classes of which each position has one."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [CategoricalDice(), CategoricalDice(weights=[0.0, 1.0, 1.0])]


@register("categorical_iou")
class CategoricalIou(CategoricalOverlap):
    """`Iou` of classes of which each position has one."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [CategoricalIou()]


@register("categorical_tversky")
class CategoricalTversky(CategoricalOverlap):
    """`Tversky` of classes of which each position has one.

    Attributes:
        alpha: What a position costs that is taken for the class and isn't of it.
        beta: What a position of the class costs that is missed.
        gamma: Above 1 classes found badly count more, below 1 less.
    """

    positional: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    alpha: NonNegative = 0.5
    beta: NonNegative = 0.5
    gamma: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [CategoricalTversky(0.3, 0.7)]
