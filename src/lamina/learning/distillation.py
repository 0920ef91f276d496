"""Learning from a larger model what the targets alone don't say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field

from lamina.spec import Description
from lamina.spec.fields import Positive


class Distill(Description):
    """Knowledge distillation (Hinton, Vinyals and Dean 2015): ``(1 - weight) * task loss + weight * distance to a teacher``.

    For an output of classes (softmax) the distance is ``T^2 * KL(softmax(t / T) || softmax(s / T))`` of the teacher's scores ``t``
    and the own ones ``s``, for independent labels (sigmoid) the same with sigmoids and their binary cross-entropy less the
    teacher's own entropy, for all else the mean squared difference of the predictions. The teacher computes as at prediction, on
    the very inputs of each batch.

    Attributes:
        teacher: Its file: ``.lamina``, or a model of another system. It has the same inputs, outputs, preprocessing and labels.
        temperature: ``T``: how far the teacher's doubts are magnified.
        weight: Share of the distance in the loss.

    Example:
        >>> Distill("large.lamina", temperature=4.0).weight
        0.5
    """

    positional: ClassVar[tuple[str, ...]] = ("teacher",)
    teacher: str
    temperature: Positive = 2.0
    weight: Annotated[float, Field(ge=0, le=1)] = 0.5

    def resolve_paths(self, base: Path) -> Self:
        """The same with a relative path meaning one below ``base``."""
        return self.replace(teacher=str(base / self.teacher))

    @classmethod
    def examples(cls) -> list[Distill]:
        return [cls("large.lamina"), cls("large.lamina", temperature=4.0, weight=0.9)]
