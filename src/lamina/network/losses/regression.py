"""Losses for numbers. ``e = y - t``; targets are numbers shaped like the output."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from lamina.network.losses.loss import Misfit, Weighted
from lamina.spec import register
from lamina.spec.fields import Positive

Share = Annotated[float, Field(gt=0, lt=1)]


@register("mse")
class MeanSquaredError(Weighted):
    """``1/k sum_j w_j e_j^2``."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [MeanSquaredError(), MeanSquaredError(weights=[1.0, 2.0, 0.5])]


@register("l2")
class SumSquaredError(Weighted):
    """``sum_j w_j e_j^2``: `mse` without the division, as in Deeplearning4j."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [SumSquaredError()]


@register("mae")
class MeanAbsoluteError(Weighted):
    """``1/k sum_j w_j |e_j|``."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [MeanAbsoluteError(), MeanAbsoluteError(weights=[1.0, 2.0, 0.5])]


@register("l1")
class SumAbsoluteError(Weighted):
    """``sum_j w_j |e_j|``: `mae` without the division, as in Deeplearning4j."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [SumAbsoluteError()]


@register("mape")
class MeanAbsolutePercentageError(Weighted):
    """``100/k sum_j w_j |e_j| / |t_j|``. Targets of 0 have no percentage: they are refused before training."""

    target_rule = "numbers other than 0"

    def wrong_targets(self, values: Any) -> Any:
        return values == 0

    @classmethod
    def examples(cls) -> list[Any]:
        return [MeanAbsolutePercentageError()]


@register("msle")
class MeanSquaredLogError(Weighted):
    """``1/k sum_j w_j (log(1 + y_j) - log(1 + t_j))^2`` for targets above -1.

    The natural activation is `softplus`; what another one gives is raised to at least ``-1 + 1e-6``.
    """

    natural_activation = "softplus"
    target_rule = "numbers above -1"
    lowest_output = -1.0

    def wrong_targets(self, values: Any) -> Any:
        return values <= -1

    @classmethod
    def examples(cls) -> list[Any]:
        return [MeanSquaredLogError()]


@register("huber")
class Huber(Weighted):
    """``1/k sum_j w_j h(e_j)``, ``h(e) = e^2 / 2`` up to ``|e| = delta``, ``delta (|e| - delta / 2)`` beyond (Huber 1964)."""

    positional: ClassVar[tuple[str, ...]] = ("delta",)
    delta: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Huber(), Huber(0.5)]


@register("smooth_l1")
class SmoothL1(Weighted):
    """`Huber` divided by its threshold: ``e^2 / (2 beta)`` up to ``|e| = beta``, ``|e| - beta / 2`` beyond (Girshick 2015)."""

    positional: ClassVar[tuple[str, ...]] = ("beta",)
    beta: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [SmoothL1(), SmoothL1(0.5)]


@register("log_cosh")
class LogCosh(Weighted):
    """``1/k sum_j w_j log(cosh(e_j))``, computed as ``e + softplus(-2 e) - log 2``, which doesn't overflow."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [LogCosh()]


def _shares(value: Any) -> Any:
    """``quantile: 0.9`` and ``quantile: [0.1, 0.5, 0.9]``."""
    return tuple(value) if isinstance(value, list) else value


@register("quantile")
class Quantile(Weighted):
    """``1/k sum_j w_j max(q_j (t_j - y_j), (q_j - 1) (t_j - y_j))``, the pinball loss (Koenker and Bassett 1978).

    Attributes:
        quantile: One share ``q`` for all outputs; or several, and then output ``j`` learns quantile ``q_j`` of the *same*
            target: targets have one value a position.
    """

    positional: ClassVar[tuple[str, ...]] = ("quantile",)
    quantile: Annotated[Share | tuple[Share, ...], BeforeValidator(_shares)] = 0.5

    def target_width(self, units: int) -> int:
        return 1 if isinstance(self.quantile, tuple) else units

    def misfit(self, units: int) -> Misfit | None:
        if isinstance(self.quantile, tuple) and len(self.quantile) != units:
            return Misfit(
                expected=f"one output unit for each of the {len(self.quantile)} quantiles",
                got=f"{units} units",
                cause="each output unit learns one quantile",
                fix=f"write units: {len(self.quantile)}, or give {units} quantiles",
            )
        return super().misfit(units)

    @classmethod
    def examples(cls) -> list[Any]:
        return [Quantile(), Quantile(0.9), Quantile([0.1, 0.5, 0.9])]


@register("cosine_proximity")
class CosineProximity(Weighted):
    """``- sum_j w_j y_j t_j / (|y| |t|)``: from -1 (the same direction) to 1; each norm is taken as at least 1e-8."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [CosineProximity()]
