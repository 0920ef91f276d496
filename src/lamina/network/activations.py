"""Activation functions: what each computes; `lamina.engine.activations` says how torch runs them.

All work on each value alone but those with ``over_features``, which turn the values of one position into a distribution:
over the last axis of ``[batch, n]`` and ``[batch, steps, n]``, over axis 1 (channels) of images and volumes.

PReLU has a parameter, so it is a layer: `lamina.network.layers.PReLU`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import NonNegative, Positive

INFINITE = math.inf


class Activation(Description, family="activation"):
    """Base of all activations.

    Class attributes:
        over_features: Whether it looks at all features of a position together (softmax); the others are elementwise.
        random: Whether it draws random numbers in training.
        low: No output is below this.
        high: No output is above this.
    """

    over_features: ClassVar[bool] = False
    random: ClassVar[bool] = False
    low: ClassVar[float] = -INFINITE
    high: ClassVar[float] = INFINITE

    @property
    def gives_probabilities(self) -> bool:
        """Whether every output lies between 0 and 1."""
        return self.low >= 0 and self.high <= 1


class Plain(Activation):
    """Base of activations that work without any setting."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]


# -- nothing, and bounded functions ------------------------------------------------------------------------------------


@register("identity")
class Identity(Plain):
    """``f(x) = x``."""


@register("sigmoid")
class Sigmoid(Plain):
    """``1 / (1 + exp(-x))``: between 0 and 1."""

    low, high = 0.0, 1.0


@register("hard_sigmoid")
class HardSigmoid(Plain):
    """``min(1, max(0, 0.2 x + 0.5))``, as in Deeplearning4j and Theano; torch's and Keras 3's has the slope 1/6 instead: `slope`."""

    low, high = 0.0, 1.0

    slope: Positive = 0.2


@register("log_sigmoid")
class LogSigmoid(Plain):
    """``log(sigmoid(x))``, stable."""

    high = 0.0


@register("tanh")
class Tanh(Plain):
    """Hyperbolic tangent: between -1 and 1."""

    low, high = -1.0, 1.0


@register("hard_tanh")
class HardTanh(Plain):
    """``min(1, max(-1, x))``."""

    low, high = -1.0, 1.0


@register("rational_tanh")
class RationalTanh(Plain):
    """``1.7159 tanh~(2x/3)`` with ``tanh~(y) = sign(y) (1 - 1 / (1 + |y| + y^2 + 1.41645 y^4))``; cheap, after Deeplearning4j."""

    low, high = -1.7159, 1.7159


@register("rectified_tanh")
class RectifiedTanh(Plain):
    """``max(0, tanh(x))``."""

    low, high = 0.0, 1.0


@register("softsign")
class Softsign(Plain):
    """``x / (1 + |x|)``."""

    low, high = -1.0, 1.0


# -- over the features -------------------------------------------------------------------------------------------------


@register("softmax")
class Softmax(Plain):
    """``exp(x_i) / sum_j exp(x_j)`` over the features: a distribution over classes."""

    over_features = True
    low, high = 0.0, 1.0


@register("log_softmax")
class LogSoftmax(Plain):
    """``log(softmax(x))`` over the features, stable."""

    over_features = True
    high = 0.0


@register("softmin")
class Softmin(Plain):
    """``softmax(-x)`` over the features: the smallest value gets the largest share."""

    over_features = True
    low, high = 0.0, 1.0


@register("sparsemax")
class Sparsemax(Plain):
    """The distribution over the features that is nearest to ``x``: like softmax, but small shares are exactly 0 (Martins 2016)."""

    over_features = True
    low, high = 0.0, 1.0


# -- rectifiers --------------------------------------------------------------------------------------------------------


@register("relu")
class Relu(Plain):
    """``max(0, x)``."""

    low = 0.0


@register("relu6")
class Relu6(Plain):
    """``min(6, max(0, x))``."""

    low, high = 0.0, 6.0


@register("leaky_relu")
class LeakyRelu(Plain):
    """``x`` above 0, ``slope * x`` below.

    Attributes:
        slope: Slope below 0: 0.01 as in torch and Deeplearning4j; Keras has 0.3.
    """

    positional: ClassVar[tuple[str, ...]] = ("slope",)
    slope: NonNegative = 0.01


@register("rrelu")
class RandomRelu(Plain):
    """Leaky ReLU whose slope is drawn anew for every value in training, ``U(lower, upper)``, and is the mean of both otherwise.

    Xu et al. 2015. In training it draws random numbers.

    Attributes:
        lower: Least slope.
        upper: Greatest slope.
    """

    random = True

    lower: NonNegative = 1 / 8
    upper: NonNegative = 1 / 3

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower > self.upper:
            raise wrong_value(expected="lower <= upper", cause="the bounds are swapped", fix="exchange lower and upper")
        return self


@register("thresholded_relu")
class ThresholdedRelu(Plain):
    """``x`` where ``x > threshold``, 0 elsewhere (Konda et al. 2015)."""

    positional: ClassVar[tuple[str, ...]] = ("threshold",)
    low = 0.0
    threshold: NonNegative = 1.0


@register("threshold")
class Threshold(Plain):
    """``x`` where ``x > threshold``, ``value + slope (x - threshold)`` elsewhere; with a ``value`` of 0 it is `thresholded_relu`.

    Attributes:
        threshold: What is above stays.
        value: What stands in place of the rest.
        slope: How it goes on below the threshold; 0: it is ``value`` everywhere. Keras's ReLU has all of this.
    """

    positional: ClassVar[tuple[str, ...]] = ("threshold", "value")
    threshold: float = 0.0
    value: float = 0.0
    slope: NonNegative = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(-0.5, -2.0), cls(0.5, 0.1, slope=0.2)]


@register("clamp")
class Clamp(Plain):
    """``min(maximum, max(minimum, x))``: torch's Hardtanh with limits of one's own, Keras's ReLU with a ``max_value``."""

    positional: ClassVar[tuple[str, ...]] = ("minimum", "maximum")
    minimum: float = 0.0
    maximum: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum >= self.maximum:
            raise wrong_value(expected="minimum < maximum", cause="the limits are swapped or equal", fix="exchange minimum and maximum")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(-0.3, 20.0)]


@register("squared_relu")
class SquaredRelu(Plain):
    """``max(0, x)^2`` (So et al. 2021)."""

    low = 0.0


@register("elu")
class Elu(Plain):
    """``x`` above 0, ``alpha (exp(x) - 1)`` below (Clevert et al. 2016)."""

    positional: ClassVar[tuple[str, ...]] = ("alpha",)
    alpha: Positive = 1.0


@register("celu")
class Celu(Plain):
    """``x`` above 0, ``alpha (exp(x / alpha) - 1)`` below: an ELU without a kink for every ``alpha`` (Barron 2017)."""

    positional: ClassVar[tuple[str, ...]] = ("alpha",)
    alpha: Positive = 1.0


@register("selu")
class Selu(Plain):
    """``1.0507 elu(x, 1.67326)`` (Klambauer et al. 2017); goes with `lecun_normal` weights and alpha dropout."""


# -- smooth rectifiers -------------------------------------------------------------------------------------------------


@register("softplus")
class Softplus(Plain):
    """``log(1 + exp(beta x)) / beta``.

    Attributes:
        beta: How sharp the bend is; the larger, the nearer to a ReLU.
    """

    low = 0.0

    beta: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(beta=3.0)]


@register("squareplus")
class Squareplus(Plain):
    """``(x + sqrt(x^2 + b)) / 2``: a softplus of arithmetic alone (Barron 2021).

    Attributes:
        b: How wide the bend is: the square of the value at 0, times 4.
    """

    positional: ClassVar[tuple[str, ...]] = ("b",)
    low = 0.0

    b: Positive = 4.0


@register("sparse_plus")
class SparsePlus(Plain):
    """0 up to -1, ``(x + 1)^2 / 4`` up to 1, ``x`` beyond: a softplus that is exactly 0 (Keras)."""

    low = 0.0


@register("sparse_sigmoid")
class SparseSigmoid(Plain):
    """0 up to -1, ``(x + 1) / 2`` up to 1, 1 beyond: the derivative of `sparse_plus` (Keras)."""

    low, high = 0.0, 1.0


@register("gelu")
class Gelu(Plain):
    """``x Phi(x)`` with the normal distribution function Phi (Hendrycks and Gimpel 2016).

    Attributes:
        approximate: Use ``0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))``, as GPT-2 and Deeplearning4j do.
    """

    approximate: bool = False


@register("silu")
class Silu(Plain):
    """``x sigmoid(x)``; the same function as `swish`."""


@register("swish")
class Swish(Plain):
    """``x sigmoid(x)`` (Ramachandran et al. 2017); the same function as `silu`."""


@register("hard_swish")
class HardSwish(Plain):
    """``x min(1, max(0, x/6 + 1/2))`` (Howard et al. 2019)."""


@register("mish")
class Mish(Plain):
    """``x tanh(softplus(x))`` (Misra 2019)."""


# -- shrinking, and the rest -------------------------------------------------------------------------------------------


@register("soft_shrink")
class SoftShrink(Plain):
    """``sign(x) max(0, |x| - threshold)``."""

    positional: ClassVar[tuple[str, ...]] = ("threshold",)
    threshold: NonNegative = 0.5


@register("hard_shrink")
class HardShrink(Plain):
    """``x`` where ``|x| > threshold``, 0 elsewhere."""

    positional: ClassVar[tuple[str, ...]] = ("threshold",)
    threshold: NonNegative = 0.5


@register("tanh_shrink")
class TanhShrink(Plain):
    """``x - tanh(x)``."""


@register("cube")
class Cube(Plain):
    """``x^3``."""


@register("exp")
class Exp(Plain):
    """``exp(x)``: positive rates, as for a Poisson loss."""

    low = 0.0
