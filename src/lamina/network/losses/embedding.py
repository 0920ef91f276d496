"""Losses that place samples: near to those of their group, far from the others.

Targets are group numbers: any whole numbers, one a sample. Pairs and triplets are made of the samples of a batch, so batches
should hold several samples of a group; a batch in which none belong together, or all do, may have nothing to learn from.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lamina.network.losses.loss import Loss, Misfit, TargetKind
from lamina.shapes import Features, Shape
from lamina.spec import register
from lamina.spec.fields import Positive, Probability


class EmbeddingLoss(Loss):
    """Base of losses over the samples of a batch and the groups they belong to.

    A sample's weight counts where the sample is the anchor; one that weighs 0 is no part of the batch.
    """

    target: ClassVar[TargetKind] = "groups"
    judges: ClassVar[tuple[type[Shape], ...]] = (Features,)
    per_sample = False
    by_position = False
    judged_by = "none"

    @property
    def repeats(self) -> bool:
        return False

    def target_width(self, units: int) -> int:
        return 1

    def misfit(self, units: int) -> Misfit | None:
        if units > 1:
            return None
        return Misfit(
            expected="at least 2 output units",
            got="1 unit",
            cause=f"{self.type_name} places samples in a space, and compares directions in it",
            fix="give the output the number of dimensions of that space, such as units: 64",
        )


@register("triplet")
class Triplet(EmbeddingLoss):
    """``max(0, d(a, p) - d(a, n) + margin)`` over triplets of an anchor, one of its group and one of another (Schroff et al. 2015).

    Attributes:
        margin: By how much the other group shall be further away.
        mining: Which triplets count. ``hard``: for each anchor the furthest of its group and the nearest other (Hermans et
            al. 2017); the mean over anchors. ``semi_hard``: for each pair of a group the nearest other that is further away
            than the pair, or the furthest other where none is; the mean over pairs. ``all``: the mean over all triplets.
        distance: ``euclidean``, ``squared`` (of the Euclidean), or ``cosine``: one minus the cosine.
    """

    positional: ClassVar[tuple[str, ...]] = ("margin",)

    margin: Positive = 1.0
    mining: Literal["hard", "semi_hard", "all"] = "semi_hard"
    distance: Literal["euclidean", "squared", "cosine"] = "euclidean"

    @classmethod
    def examples(cls) -> list[Any]:
        return [Triplet(), Triplet(0.3, mining="hard", distance="cosine"), Triplet(mining="all", distance="squared")]


@register("circle")
class Circle(EmbeddingLoss):
    """``log(1 + sum_n exp(gamma a_n (s_n - m)) sum_p exp(-gamma a_p (s_p - 1 + m)))`` for each anchor (Sun et al. 2020).

    ``s`` are cosines between the anchor and the others: ``p`` of its group, ``n`` of others. ``a_p = max(0, 1 + m - s_p)`` and
    ``a_n = max(0, s_n + m)`` count as constants, so that what is far from its place moves most. The mean over the anchors that
    have others of both kinds.

    Attributes:
        gamma: Scale of the cosines.
        margin: ``m``: cosines shall be above ``1 - m`` within a group, below ``m`` between groups.
    """

    positional: ClassVar[tuple[str, ...]] = ("gamma", "margin")
    detached = True

    gamma: Positive = 80.0
    margin: Probability = 0.4

    @classmethod
    def examples(cls) -> list[Any]:
        return [Circle(), Circle(16.0, 0.25)]


@register("info_nce")
class InfoNce(EmbeddingLoss):
    """``-1/|P| sum_{p in P} log(exp(s_p / T) / sum_j exp(s_j / T))`` for each anchor (van den Oord et al. 2018).

    ``s`` are cosines between the anchor and all others of the batch, ``P`` those of its group. With two samples a group (two
    views of one picture) it is SimCLR's NT-Xent, with classes as groups the supervised contrastive loss (Khosla et al. 2020).
    The mean over the anchors that have others of their group.

    Attributes:
        temperature: ``T``: smaller ones care more for the nearest others.
    """

    positional: ClassVar[tuple[str, ...]] = ("temperature",)

    temperature: Positive = 0.1

    @classmethod
    def examples(cls) -> list[Any]:
        return [InfoNce(), InfoNce(0.5)]
