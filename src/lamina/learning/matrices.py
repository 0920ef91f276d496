"""Optimisers that look at a parameter as a whole, a matrix or a vector, and not only at each value by itself.

A parameter with more than two axes, such as a convolution's ``[filters, channels, height, width]``, counts as a matrix too.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.learning.optimizers import AdamLike, Optimizer
from lamina.learning.schedules import Cosine, Rate, WarmUp
from lamina.spec import register
from lamina.spec.fields import Count, NonNegative, Positive

Betas = Annotated[float, Field(ge=0, lt=1)]


@register("lamb")
class Lamb(AdamLike):
    """Adam whose step is as long as the parameter allows: ``p -= lr * |p| / |r| * r``, ``r`` Adam's step (You et al. 2020).

    For large batches. The norms are those of whole parameters; where one of them is 0, their ratio is 1. Decay is decoupled, outside
    of ``r``, as in Keras. Default rate 0.001.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    epsilon: Positive = 1e-6

    @classmethod
    def examples(cls) -> list[Any]:
        return [Lamb(), Lamb(WarmUp(Cosine(0.01), 5), weight_decay=0.01)]


@register("adafactor")
class Adafactor(Optimizer):
    """Adam's divisor from the means of rows and columns, so that a matrix of state is two vectors (Shazeer and Stern 2018).

    ``R`` and ``C`` are running means of ``g^2`` over the columns and rows of a matrix, with the weight ``t^decay`` for the newest;
    ``u = g / sqrt(R C / mean(R))``, for a vector ``g / sqrt(V)``;
    ``p -= max(least_scale, rms(p)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / clip)``. There is no momentum. Default rate 0.01.

    Attributes:
        decay: Exponent of the newest square's weight.
        least_scale: Parameters smaller than that move as if they were of that size.
        clip: Largest root mean square of ``u``.
    """

    learning_rate: Rate = 1e-2
    decay: Annotated[float, Field(ge=-1, lt=0)] = -0.8
    least_scale: Positive = 1e-3
    clip: Positive = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [Adafactor(), Adafactor(0.05, clip=2.0)]


@register("muon")
class Muon(Optimizer):
    """Momentum made orthogonal: of the mean gradient of a matrix only the directions count, not their lengths (Jordan 2024).

    ``m = momentum * m + (1 - momentum) * g``; five steps of a Newton-Schulz iteration bring ``M`` near to the orthogonal matrix that is
    nearest to it, where ``M = momentum * m + (1 - momentum) * g`` with ``nesterov``, else ``m``; ``p -= lr * c * M``. Of a
    ``[rows, columns]`` matrix, ``c = 0.2 sqrt(max(rows, columns))`` makes steps as large as Adam's, so that Adam's rates fit.

    Parameters of one axis, biases and gains, have no directions: they are updated by Adam, with ``beta1``, ``beta2`` and the same rate.
    Default rate 0.001, decay 0.1.

    Attributes:
        momentum: As above.
        nesterov: As above.
        iterations: Of Newton and Schulz.
        scale: ``adam``: ``c`` as above; ``original``: ``sqrt(max(1, rows / columns))``, whose rates are nearer to 0.02.
        precision: In which the iteration is computed: the gradient's ``own``, or ``bfloat16`` as in torch, faster on tensor cores.
        beta1: Of Adam.
        beta2: Of Adam.
        epsilon: Of both.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    weight_decay: NonNegative = 0.1
    momentum: Betas = 0.95
    nesterov: bool = True
    iterations: Count = 5
    scale: Literal["adam", "original"] = "adam"
    precision: Literal["own", "bfloat16"] = "own"
    beta1: Betas = 0.9
    beta2: Betas = 0.999
    epsilon: Positive = 1e-7

    @classmethod
    def examples(cls) -> list[Any]:
        return [Muon(), Muon(0.02, scale="original", nesterov=False, weight_decay=0.0)]
