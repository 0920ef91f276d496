"""Losses for distributions and counts."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.losses.classification import ClassLoss
from lamina.network.losses.loss import Loss, Misfit, TargetKind, Weighted
from lamina.spec import register
from lamina.spec.fields import Count, Positive


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


class TwoParameters(Loss):
    """Base of losses whose output has two units for every value of the target: first all means, then all that spread them."""

    judged_by = "none"

    def target_width(self, units: int) -> int:
        return units // 2

    def misfit(self, units: int) -> Misfit | None:
        if units % 2 == 0:
            return None
        return Misfit(
            expected="an even number of units: a mean and a spread for each value",
            got=f"{units} units",
            cause=f"{self.type_name} needs to know how far values spread around their mean",
            fix=f"write units: {2 * units}, for {units} values",
        )


@register("gaussian_nll")
class GaussianNll(TwoParameters):
    """``1/2k sum_j (v_j + (t_j - m_j)^2 exp(-v_j))``: numbers of which also the spread is learnt (Nix and Weigend 1994).

    The ``2 k`` units of a position are the means ``m``, then the logarithms ``v`` of the variances. The output's own activation
    should stay `identity`.

    Attributes:
        full: Add ``log(2 pi) / 2``, so that it is the negative log likelihood.
    """

    full: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [GaussianNll(), GaussianNll(full=True)]


@register("negative_binomial")
class NegativeBinomial(TwoParameters):
    """``-1/k sum_j log NB(t_j; m_j, a_j)``: counts that spread more than Poisson's, with variance ``m + a m^2``.

    The ``2 k`` units of a position are the means ``m``, then the dispersions ``a``; with ``dispersion`` set, ``k`` means alone. With
    `exp`, computed from the scores; otherwise from ``max(y, 1e-8)``.

    Attributes:
        dispersion: One ``a`` for all; None: it is learnt.
    """

    positional: ClassVar[tuple[str, ...]] = ("dispersion",)
    natural_activation = "exp"
    target_rule = "counts, or other numbers of at least 0"
    lowest_output = 0.0

    dispersion: Positive | None = None

    def wrong_targets(self, values: Any) -> Any:
        return values < 0

    def target_width(self, units: int) -> int:
        return units if self.dispersion is not None else super().target_width(units)

    def misfit(self, units: int) -> Misfit | None:
        return None if self.dispersion is not None else super().misfit(units)

    @classmethod
    def examples(cls) -> list[Any]:
        return [NegativeBinomial(), NegativeBinomial(0.5)]


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
    judged_by = "none"

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
