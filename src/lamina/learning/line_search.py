"""How far to go in a direction: line searches, for optimisers that ask for the loss at more than one point.

Notation: ``f(t)`` is the loss at ``p + t * d``, ``f'(t)`` its slope along the direction ``d``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count

Fraction = Annotated[float, Field(gt=0, lt=1)]


class LineSearch(Description, family="line_search"):
    """Base of all line searches."""


@register("backtracking")
class Backtracking(LineSearch):
    """Go back until the loss has fallen enough: ``f(t) <= f(0) + sufficient * t * f'(0)`` (Armijo's condition).

    The next length is where a parabola, later a cubic, through what is known has its minimum, kept between a tenth and a half
    of the last (Dennis and Schnabel 1983, ``lnsrch`` of Numerical Recipes). A loss that is not finite has not fallen. If no
    length will do, nothing moves. Deeplearning4j: ``BackTrackLineSearch``.

    Attributes:
        sufficient: How much of the fall that the slope promises must be there.
        evaluations: Lengths that are tried at most (Deeplearning4j's: 5).
    """

    positional: ClassVar[tuple[str, ...]] = ("sufficient", "evaluations")
    sufficient: Fraction = 1e-4
    evaluations: Count = 20

    @classmethod
    def examples(cls) -> list[Backtracking]:
        return [Backtracking(), Backtracking(0.1, evaluations=10)]


@register("strong_wolfe")
class StrongWolfe(LineSearch):
    """Search a length where the loss has fallen enough and the slope is nearly flat.

    ``f(t) <= f(0) + sufficient * t * f'(0)`` and ``|f'(t)| <= curvature * |f'(0)|``: bracketing, then zooming in by cubic
    interpolation (Nocedal and Wright 2006, algorithms 3.5 and 3.6), with the arithmetic of ``torch.optim.LBFGS``. If the
    evaluations don't suffice, the best length so far is taken.

    Attributes:
        sufficient: How much of the fall that the slope promises must be there.
        curvature: How much of the slope may be left; small is exact and dear. 0.9 for L-BFGS, 0.1 for conjugate gradients.
        evaluations: Lengths that are tried at most.
    """

    positional: ClassVar[tuple[str, ...]] = ("sufficient", "curvature")
    sufficient: Fraction = 1e-4
    curvature: Fraction = 0.9
    evaluations: Count = 25

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.sufficient >= self.curvature:
            raise wrong_value(
                expected="sufficient < curvature",
                cause="only then is there always a length that fulfils both conditions",
                fix="lower sufficient (usually 0.0001), or raise curvature (usually 0.1 to 0.9)",
            )
        return self

    @classmethod
    def examples(cls) -> list[StrongWolfe]:
        return [StrongWolfe(), StrongWolfe(1e-4, 0.1, evaluations=40)]


@register("fixed_step")
class FixedStep(LineSearch):
    """No search: the first length that would be tried is taken, whatever the loss is there."""

    @classmethod
    def examples(cls) -> list[FixedStep]:
        return [FixedStep()]
