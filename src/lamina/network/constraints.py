"""Constraints that hold for parameters after every update; `lamina.engine.constraints` enforces them in place.

A norm is taken over what flows into one output unit: all axes but the first (a row of a dense layer's ``[units, n]``, a
filter of a convolution's ``[filters, channels, height, width]``). In a vector, such as a bias, each value stands alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import NonNegative, Positive


class Constraint(Description, family="constraint"):
    """Base of all constraints."""


@register("max_norm")
class MaxNorm(Constraint):
    """Each unit's weights have at most the L2 norm ``maximum``; longer ones are scaled down to it."""

    positional: ClassVar[tuple[str, ...]] = ("maximum",)
    maximum: Positive

    @classmethod
    def examples(cls) -> list[MaxNorm]:
        return [MaxNorm(2.0)]


@register("min_max_norm")
class MinMaxNorm(Constraint):
    """Each unit's weights have an L2 norm between ``minimum`` and ``maximum``.

    Attributes:
        minimum: Least norm.
        maximum: Greatest norm.
        rate: How far each update goes towards the allowed norm: ``w *= rate * clipped / norm + 1 - rate``. 1 enforces it at once.
    """

    positional: ClassVar[tuple[str, ...]] = ("minimum", "maximum")
    minimum: NonNegative = 0.0
    maximum: Positive = 1.0
    rate: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise wrong_value(expected="minimum <= maximum", cause="the bounds are swapped", fix="exchange minimum and maximum")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [MinMaxNorm(0.5, 1.5), MinMaxNorm(0.5, 1.5, rate=0.3)]


@register("non_negative")
class NonNegativeConstraint(Constraint):
    """Negative values become 0."""

    @classmethod
    def examples(cls) -> list[NonNegativeConstraint]:
        return [NonNegativeConstraint()]


@register("unit_norm")
class UnitNorm(Constraint):
    """Each unit's weights have the L2 norm 1."""

    @classmethod
    def examples(cls) -> list[UnitNorm]:
        return [UnitNorm()]


@register("value_range")
class ValueRange(Constraint):
    """Every value lies between ``minimum`` and ``maximum``; what is outside is brought to the nearer of them.

    With -0.01 and 0.01 the weight clipping of the first Wasserstein GANs (Arjovsky et al. 2017).
    """

    positional: ClassVar[tuple[str, ...]] = ("minimum", "maximum")
    minimum: float = -0.01
    maximum: float = 0.01

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise wrong_value(expected="minimum <= maximum", cause="the bounds are swapped", fix="exchange minimum and maximum")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [ValueRange(), ValueRange(0.1, 0.7)]
