"""How parameters start; `lamina.engine.initializers` draws them.

``fan_in`` is the number of inputs that feed one output, ``fan_out`` the number of outputs that one input feeds; every layer
states them for its parameters. Values are drawn in float64 and then rounded, so that a network starts the same in float32
and float64. A parameter made of several blocks (the gates of an LSTM) is drawn block by block.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, Positive

Fan = Literal["fan_in", "fan_out", "fan_avg"]


class Initializer(Description, family="initializer"):
    """Base of all initialisers."""


class Scaled(Initializer):
    """Base of initialisers without settings whose variance follows from the fans.

    Class attributes:
        variance: ``(scale, mode, distribution)`` as in `VarianceScaling`, which computes it.
    """

    variance: ClassVar[tuple[float, Fan, Literal["normal", "uniform", "truncated_normal"]]]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


# -- constants ---------------------------------------------------------------------------------------------------------


@register("zeros")
class Zeros(Initializer):
    """All 0."""

    @classmethod
    def examples(cls) -> list[Zeros]:
        return [Zeros()]


@register("ones")
class Ones(Initializer):
    """All 1."""

    @classmethod
    def examples(cls) -> list[Ones]:
        return [Ones()]


@register("constant")
class Constant(Initializer):
    """All ``value``."""

    positional: ClassVar[tuple[str, ...]] = ("value",)
    value: float

    @classmethod
    def examples(cls) -> list[Constant]:
        return [Constant(0.1)]


@register("identity")
class IdentityMatrix(Initializer):
    """What gives the input back: 1 on the diagonal of a matrix, the middle of a convolution's kernel; 0 elsewhere.

    Needs at least two axes; of a matrix that isn't square, the longer side is filled with 0.

    Attributes:
        gain: What stands in place of 1.
    """

    positional: ClassVar[tuple[str, ...]] = ("gain",)
    gain: float = 1.0

    @classmethod
    def examples(cls) -> list[IdentityMatrix]:
        return [IdentityMatrix(), IdentityMatrix(0.9)]


# -- distributions -----------------------------------------------------------------------------------------------------


@register("normal")
class Normal(Initializer):
    """``N(mean, std^2)``.

    Attributes:
        mean: Mean.
        std: Standard deviation; ``1 / sqrt(fan_in)`` unless set, as in Deeplearning4j's NORMAL.
    """

    positional: ClassVar[tuple[str, ...]] = ("mean", "std")
    mean: float = 0.0
    std: Positive | None = None

    @classmethod
    def examples(cls) -> list[Normal]:
        return [Normal(), Normal(0.5, 0.1)]


@register("truncated_normal")
class TruncatedNormal(Initializer):
    """``N(mean, std^2)`` without what is further than ``2 std`` from the mean; what remains has 0.88 times that deviation."""

    positional: ClassVar[tuple[str, ...]] = ("mean", "std")
    mean: float = 0.0
    std: Positive = 0.05

    @classmethod
    def examples(cls) -> list[TruncatedNormal]:
        return [TruncatedNormal(), TruncatedNormal(1.0, 0.5)]


@register("log_normal")
class LogNormal(Initializer):
    """``exp(N(mean, std^2))``."""

    positional: ClassVar[tuple[str, ...]] = ("mean", "std")
    mean: float = 0.0
    std: Positive = 1.0

    @classmethod
    def examples(cls) -> list[LogNormal]:
        return [LogNormal(), LogNormal(-2.0, 0.5)]


@register("uniform")
class Uniform(Initializer):
    """``U(low, high)``; without limits ``+-1 / sqrt(fan_in)``, as in Deeplearning4j's UNIFORM and torch's linear layer."""

    positional: ClassVar[tuple[str, ...]] = ("low", "high")
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise wrong_value(expected="low and high, or neither", cause="one limit alone is no range", fix="give both low and high")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise wrong_value(expected="low < high", cause="the limits are swapped or equal", fix="exchange low and high, or use constant")
        return self

    @classmethod
    def examples(cls) -> list[Uniform]:
        return [Uniform(), Uniform(-0.1, 0.3)]


@register("binomial")
class Binomial(Initializer):
    """Number of successes in ``trials`` trials that each succeed with ``probability``."""

    positional: ClassVar[tuple[str, ...]] = ("trials", "probability")
    trials: Count
    probability: float = Field(ge=0, le=1)

    @classmethod
    def examples(cls) -> list[Binomial]:
        return [Binomial(5, 0.3)]


@register("orthogonal")
class Orthogonal(Initializer):
    """A random orthogonal matrix times ``gain`` (Saxe et al. 2014): orthonormal rows or columns, whichever are fewer.

    A convolution's ``[filters, channels, ...]`` counts as a matrix of ``filters`` rows. Needs at least two axes.
    """

    positional: ClassVar[tuple[str, ...]] = ("gain",)
    gain: float = 1.0

    @classmethod
    def examples(cls) -> list[Orthogonal]:
        return [Orthogonal(), Orthogonal(math.sqrt(2.0))]


@register("sparse")
class Sparse(Initializer):
    """``N(0, std^2)`` but for a share of the weights that leave each input, which are 0 (Martens 2010).

    A convolution's ``[filters, channels, ...]`` counts as a matrix of ``filters`` rows. Needs at least two axes.

    Attributes:
        sparsity: Share of the weights of each input that are 0, rounded up to a whole number of them.
        std: Standard deviation of the others.
    """

    positional: ClassVar[tuple[str, ...]] = ("sparsity", "std")
    sparsity: float = Field(default=0.9, ge=0, lt=1)
    std: Positive = 0.01

    @classmethod
    def examples(cls) -> list[Sparse]:
        return [Sparse(), Sparse(0.3, 0.5)]


# -- by the fans -------------------------------------------------------------------------------------------------------


@register("variance_scaling")
class VarianceScaling(Initializer):
    """Mean 0 and variance ``scale / fan``: what all of the initialisers below are cases of.

    Attributes:
        scale: Numerator of the variance.
        mode: ``fan_in``, ``fan_out``, or ``fan_avg``, their mean.
        distribution: ``normal``, ``uniform`` (limits ``+-sqrt(3 scale / fan)``) or ``truncated_normal`` (cut at two standard
            deviations and widened so that the variance is right: Keras's ``he_normal``, ``lecun_normal`` and so on).
    """

    positional: ClassVar[tuple[str, ...]] = ("scale", "mode", "distribution")
    scale: Positive = 1.0
    mode: Fan = "fan_in"
    distribution: Literal["normal", "uniform", "truncated_normal"] = "truncated_normal"

    @classmethod
    def examples(cls) -> list[VarianceScaling]:
        return [
            VarianceScaling(),
            VarianceScaling(2.0, "fan_out", "normal"),
            VarianceScaling(1.0, "fan_avg", "uniform"),
        ]


@register("xavier_uniform")
class XavierUniform(Scaled):
    """``U(-a, a)`` with ``a = sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio 2010)."""

    variance = (1.0, "fan_avg", "uniform")


@register("xavier_normal")
class XavierNormal(Scaled):
    """``N(0, 2 / (fan_in + fan_out))`` (Glorot and Bengio 2010)."""

    variance = (1.0, "fan_avg", "normal")


@register("xavier_legacy")
class XavierLegacy(Scaled):
    """``N(0, 1 / (fan_in + fan_out))``: Deeplearning4j's up to 0.6."""

    variance = (0.5, "fan_avg", "normal")


@register("sigmoid_uniform")
class SigmoidUniform(Scaled):
    """``U(-a, a)`` with ``a = 4 sqrt(6 / (fan_in + fan_out))``: Xavier for sigmoid units."""

    variance = (16.0, "fan_avg", "uniform")


@register("he_normal")
class HeNormal(Scaled):
    """``N(0, 2 / fan_in)`` (He et al. 2015), for ReLU; Deeplearning4j's RELU."""

    variance = (2.0, "fan_in", "normal")


@register("he_uniform")
class HeUniform(Scaled):
    """``U(-a, a)`` with ``a = sqrt(6 / fan_in)`` (He et al. 2015), for ReLU; Deeplearning4j's RELU_UNIFORM."""

    variance = (2.0, "fan_in", "uniform")


@register("lecun_normal")
class LecunNormal(Scaled):
    """``N(0, 1 / fan_in)`` (LeCun et al. 1998), for SELU; Deeplearning4j's LECUN_NORMAL and XAVIER_FAN_IN."""

    variance = (1.0, "fan_in", "normal")


@register("lecun_uniform")
class LecunUniform(Scaled):
    """``U(-a, a)`` with ``a = sqrt(3 / fan_in)`` (LeCun et al. 1998).

    Deeplearning4j has ``a = 3 / sqrt(fan_in)``: write ``{type: variance_scaling, scale: 3, distribution: uniform}`` for that.
    """

    variance = (1.0, "fan_in", "uniform")
