"""Optimisers that search along a line and so ask for the loss again: for small problems, best with all data in one batch.

Each step makes some iterations on one batch: a direction, then a length by line search. The loss that they see has L1 and L2 of
the layers in it. All evaluations of one step see the same batch and the same random draws (dropout, noise, mixing), so that it
is one function that is searched; running statistics of batch norm are those of the first evaluation.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from lamina.learning.line_search import Backtracking, FixedStep, LineSearch, StrongWolfe
from lamina.learning.optimizers import Optimizer
from lamina.learning.schedules import Rate
from lamina.spec import register
from lamina.spec.fields import Count, NonNegative


class SearchOptimizer(Optimizer):
    """Base of optimisers that search along a line.

    Attributes:
        learning_rate: Factor of the first length that is tried; 1 takes it as it comes, and a rate of 0 moves nothing.
        iterations: Directions taken on each batch at most.
        line_search: How far each is followed.
        tolerance_gradient: A step ends early when no derivative is larger.
        tolerance_change: A step ends early when neither a parameter nor the loss changes by more.
    """

    searches: ClassVar[bool] = True

    learning_rate: Rate = 1.0
    iterations: Count = 20
    line_search: LineSearch = StrongWolfe()
    tolerance_gradient: NonNegative = 1e-7
    tolerance_change: NonNegative = 1e-9


@register("lbfgs")
class Lbfgs(SearchOptimizer):
    """L-BFGS (Liu and Nocedal 1989): the direction is Newton's, with curvature guessed from the last ``memory`` moves.

    The arithmetic is that of ``torch.optim.LBFGS`` with ``line_search_fn="strong_wolfe"`` (with `FixedStep`: without), but a
    move and its change of gradient are always measured on one batch, never across two. Deeplearning4j: ``LBFGS`` (up to M2.1).

    Attributes:
        memory: Moves remembered; each takes two vectors as long as all parameters (Deeplearning4j's: 4).
    """

    memory: Count = 10

    @classmethod
    def examples(cls) -> list[Lbfgs]:
        return [Lbfgs(), Lbfgs(0.5, memory=3, iterations=4, line_search=Backtracking()), Lbfgs(0.5, line_search=FixedStep(), iterations=3)]


@register("conjugate_gradient")
class ConjugateGradient(SearchOptimizer):
    """Nonlinear conjugate gradients: ``d = -g + beta * d``; starts anew with ``-g`` where that would lead uphill.

    Deeplearning4j: ``ConjugateGradient`` (up to M2.1; Polak-Ribiere).

    Attributes:
        formula: ``polak_ribiere``: ``beta = max(0, g . (g - g_before) / g_before . g_before)``; ``fletcher_reeves``:
            ``beta = g . g / g_before . g_before``.
        restart: Start anew with ``-g`` after so many iterations; None: never of itself.
    """

    formula: Literal["polak_ribiere", "fletcher_reeves"] = "polak_ribiere"
    restart: Count | None = None
    line_search: LineSearch = StrongWolfe(1e-4, 0.1)

    slots: ClassVar[tuple[str, ...]] = ("direction",)

    @classmethod
    def examples(cls) -> list[ConjugateGradient]:
        return [ConjugateGradient(), ConjugateGradient(formula="fletcher_reeves", restart=5, iterations=5)]


@register("line_gradient_descent")
class LineGradientDescent(SearchOptimizer):
    """Steepest descent: ``d = -g``, followed as far as the line search says.

    Deeplearning4j: ``LineGradientDescent`` (up to M2.1).
    """

    line_search: LineSearch = Backtracking()

    @classmethod
    def examples(cls) -> list[LineGradientDescent]:
        return [LineGradientDescent(), LineGradientDescent(iterations=3, line_search=StrongWolfe(1e-4, 0.5))]
