"""Noise in training: on what flows into a layer (dropout and its relatives), and on weights.

Nothing of this happens outside training. Every draw comes from torch's global generator, which the step seeds.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.initializers import Initializer, Normal
from lamina.spec import Description, register
from lamina.spec.fields import NonNegative, Probability


class Noise(Description, family="noise"):
    """Base of all kinds of dropout; a bare number means `DropoutNoise` with that probability."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``dropout: 0.5`` is short for ``dropout: {type: dropout, rate: 0.5}``."""
        return {"type": "dropout", "rate": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        return [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}]


@register("dropout")
class DropoutNoise(Noise):
    """Each value is dropped (set to 0) with probability ``rate``, the others are divided by ``1 - rate``."""

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[DropoutNoise]:
        return [DropoutNoise(rate=0.5)]


@register("alpha_dropout")
class AlphaDropoutNoise(Noise):
    """Dropped values become SELU's lowest value, then all are scaled and shifted so that mean 0 and variance 1 stay.

    Klambauer et al. 2017; for networks of `selu` layers.
    """

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[AlphaDropoutNoise]:
        return [AlphaDropoutNoise(rate=0.1)]


@register("gaussian_dropout")
class GaussianDropoutNoise(Noise):
    """Each value is multiplied by a draw from ``N(1, rate / (1 - rate))``: the variance that dropout has (Srivastava et al. 2014)."""

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[GaussianDropoutNoise]:
        return [GaussianDropoutNoise(rate=0.3)]


@register("gaussian_noise")
class GaussianNoise(Noise):
    """A draw from ``N(0, std^2)`` is added to each value."""

    positional: ClassVar[tuple[str, ...]] = ("std",)
    std: NonNegative

    @classmethod
    def examples(cls) -> list[GaussianNoise]:
        return [GaussianNoise(std=0.2)]


@register("spatial_dropout")
class SpatialDropoutNoise(Noise):
    """A feature is dropped as a whole: a channel at all pixels, a feature of a sequence at all steps (Tompson et al. 2015).

    On plain features ``[batch, n]`` it is ordinary dropout.
    """

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[SpatialDropoutNoise]:
        return [SpatialDropoutNoise(rate=0.5)]


@register("spatial_alpha_dropout")
class SpatialAlphaDropoutNoise(Noise):
    """`AlphaDropoutNoise` of whole features, as `SpatialDropoutNoise` drops them; torch's FeatureAlphaDropout."""

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[SpatialAlphaDropoutNoise]:
        return [SpatialAlphaDropoutNoise(rate=0.2)]


class WeightNoise(Description, family="weight_noise"):
    """Base of noise on the parameters of a layer; a bare number means `DropConnect` with that probability.

    Every step uses noisy copies; the parameters themselves keep their values.

    Attributes:
        bias: Biases get the noise too, not only weights. Gains never do.
    """

    bias: bool = False

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``weight_noise: 0.5`` is short for ``weight_noise: {type: drop_connect, rate: 0.5}``."""
        return {"type": "drop_connect", "rate": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        return [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}]


@register("drop_connect")
class DropConnect(WeightNoise):
    """Each weight is dropped (0) with probability ``rate`` in a step, the others are divided by ``1 - rate`` (Wan et al. 2013)."""

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[DropConnect]:
        return [DropConnect(rate=0.5), DropConnect(rate=0.1, bias=True)]


@register("weight_noise")
class DrawnWeightNoise(WeightNoise):
    """A draw from a distribution is added to each weight, or each weight is multiplied by one.

    Attributes:
        distribution: An initialiser that draws, such as ``{type: normal, std: 0.01}``.
        additive: Add the draw; otherwise multiply by it, so that the distribution should have the mean 1.
    """

    positional: ClassVar[tuple[str, ...]] = ("distribution",)
    distribution: Initializer = Normal(std=0.01)
    additive: bool = True

    @classmethod
    def examples(cls) -> list[DrawnWeightNoise]:
        return [DrawnWeightNoise(), DrawnWeightNoise(distribution=Normal(mean=1.0, std=0.05), additive=False, bias=True)]
