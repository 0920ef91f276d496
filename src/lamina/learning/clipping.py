"""What is done to gradients that are too large, before anything else is: clipping by value or norm, and renormalising.

All norms are L2. ``scope`` says over what a norm is taken: ``all`` trainable parameters together, the parameters of each
``layer``, or each ``parameter`` alone. In a plain ``torch.nn.Module`` a layer is the submodule that holds a parameter.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lamina.spec import Description, register
from lamina.spec.fields import NonNegative, Positive

Scope = Literal["all", "layer", "parameter"]


class Clip(Description, family="clip"):
    """Base of all kinds of clipping; a bare number means `ClipNorm` with that limit over all parameters."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``clip: 1.0`` is short for ``clip: {type: norm, limit: 1.0}``."""
        return {"type": "norm", "limit": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        return [{"type": "number", "exclusiveMinimum": 0}]


@register("value")
class ClipValue(Clip):
    """Each number of the gradient is kept between ``-limit`` and ``limit``.

    Deeplearning4j: ``ClipElementWiseAbsoluteValue``; torch: ``clip_grad_value_``.
    """

    positional: ClassVar[tuple[str, ...]] = ("limit",)
    limit: Positive

    @classmethod
    def examples(cls) -> list[ClipValue]:
        return [ClipValue(0.5)]


@register("norm")
class ClipNorm(Clip):
    """A gradient whose norm is above ``limit`` is scaled down to it: ``g *= min(1, limit / (norm + 1e-6))``.

    Deeplearning4j: ``ClipL2PerLayer``, ``ClipL2PerParamType`` (there without the 1e-6); torch: ``clip_grad_norm_``.

    Attributes:
        limit: Greatest norm.
        scope: Over what the norm is taken.
        epsilon: The 1e-6 above; Caffe has 0.
    """

    positional: ClassVar[tuple[str, ...]] = ("limit", "scope")
    limit: Positive
    scope: Scope = "all"
    epsilon: NonNegative = 1e-6

    @classmethod
    def examples(cls) -> list[ClipNorm]:
        return [ClipNorm(1.0), ClipNorm(0.5, "layer"), ClipNorm(0.5, "parameter"), ClipNorm(0.5, epsilon=0.0)]


@register("renormalize")
class Renormalize(Clip):
    """Every gradient is scaled to the norm ``norm``, long or short; one that is all zeros stays.

    Deeplearning4j: ``RenormalizeL2PerLayer``, ``RenormalizeL2PerParamType`` (there zeros become NaN).

    Attributes:
        scope: Over what the norm is taken.
        norm: The norm it gets.
    """

    positional: ClassVar[tuple[str, ...]] = ("scope", "norm")
    scope: Scope = "layer"
    norm: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Renormalize]:
        return [Renormalize(), Renormalize("parameter"), Renormalize("all", 2.0)]
