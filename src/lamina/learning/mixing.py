"""Mixing the samples of a batch with each other: more samples than there are, and no certainty where there is none."""

from __future__ import annotations

from typing import ClassVar

from lamina.spec import Description, register
from lamina.spec.fields import Positive


class Mix(Description, family="mix"):
    """Base of all ways of mixing: each sample of a batch with another of the same batch, in training alone.

    A share ``s`` is drawn for each batch. The loss is ``s * loss(own target) + (1 - s) * loss(target of the other)``, which works for
    classes, distributions and numbers alike. Weights of samples go with their targets. Partner and share are functions of seed and step.

    Attributes:
        alpha: The share is drawn from the beta distribution of ``(alpha, alpha)``: small is seldom far from 0 or 1, 1 is uniform.
        blend: Mix targets that are numbers or distributions themselves, and take one loss of the mixture; of class numbers always two.
    """

    positional: ClassVar[tuple[str, ...]] = ("alpha",)
    alpha: Positive = 1.0
    blend: bool = False


@register("mixup")
class Mixup(Mix):
    """Mixup (Zhang et al. 2018): ``x = s * own + (1 - s) * other``, with one share for all inputs."""

    alpha: Positive = 0.2

    @classmethod
    def examples(cls) -> list[Mixup]:
        return [Mixup(), Mixup(1.0, blend=True)]


@register("cutmix")
class CutMix(Mix):
    """CutMix (Yun et al. 2019): a box of the other sample is pasted over the own one.

    The box has the fraction ``1 - s`` of the area, an image's proportions and a random centre; what lies outside is cut off, and
    the share follows what is left. Of a sequence it is a stretch of steps, of a volume a cuboid.
    """

    @classmethod
    def examples(cls) -> list[CutMix]:
        return [CutMix(), CutMix(0.5)]
