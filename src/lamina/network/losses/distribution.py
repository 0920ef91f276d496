"""Losses for distributions and counts."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.losses.classification import ClassLoss
from lamina.network.losses.loss import Loss, Misfit, TargetKind, Weighted
from lamina.spec import register
from lamina.spec.fields import Count


@register("kl_divergence")
class KlDivergence(ClassLoss):
    """``sum_j w_j t_j (log(t_j) - log(y_j))``, where ``0 log 0 = 0``; targets are distributions shaped like the output, or classes."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [KlDivergence()]


@register("poisson")
class Poisson(Weighted):
    """``1/k sum_j w_j (y_j - t_j log(y_j))`` for counts: the log likelihood of a Poisson distribution but for ``log(t!)``.

    With `exp`, computed from the scores: ``exp(s) - t s``; otherwise from ``max(y, 1e-8)`` in the logarithm.
    Deeplearning4j sums over the outputs.
    """

    natural_activation = "exp"
    target_rule = "counts, or other numbers of at least 0"
    lowest_output = 0.0

    def wrong_targets(self, values: Any) -> Any:
        return values < 0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Poisson()]


@register("wasserstein")
class Wasserstein(Weighted):
    """``1/k sum_j w_j t_j y_j`` with targets -1 and 1: the critic's loss of a Wasserstein GAN (Arjovsky et al. 2017)."""

    target: ClassVar[TargetKind] = "signs"

    @classmethod
    def examples(cls) -> list[Any]:
        return [Wasserstein()]


@register("mixture_density")
class MixtureDensity(Loss):
    """``-log sum_m a_m N(t; mu_m, sigma_m^2 I)``: the output is a mixture of round normal distributions (Bishop 1994).

    The ``mixtures * (width + 2)`` units of a position are, in this order, the scores of the shares ``a`` (softmax over
    them), the logarithms of ``sigma``, and the means ``mu`` of mixture 0, then 1, and so on; Deeplearning4j's layout.
    Computed with a log-sum-exp. The output's own activation should stay `identity`.

    Attributes:
        mixtures: Number of normal distributions.
        width: Values a target has at each position.
    """

    positional: ClassVar[tuple[str, ...]] = ("mixtures", "width")
    mixtures: Count
    width: Count = 1

    @property
    def units(self) -> int:
        """Units the output must have."""
        return self.mixtures * (self.width + 2)

    def target_width(self, units: int) -> int:
        return self.width

    def misfit(self, units: int) -> Misfit | None:
        if units == self.units:
            return None
        return Misfit(
            expected=f"{self.units} output units: {self.mixtures} shares, {self.mixtures} spreads, {self.mixtures} x {self.width} means",
            got=f"{units} units",
            cause="the output of a mixture density is its parameters, not the values themselves",
            fix=f"write units: {self.units}, or change mixtures or width",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [MixtureDensity(2), MixtureDensity(3, 2)]
