"""How processes that train one network together exchange what they learn.

Each process computes the gradient of its share of every batch. What is then exchanged, how often and how exactly, is said here;
`lamina.distribute` does it. All ways work on the flat vector of parameters, and all but `ParameterAveraging` leave every process
with the same weights after every step.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from lamina.learning.optimizers import Nesterov, Optimizer, Sgd
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, Positive

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Exchange(Description, family="exchange"):
    """Base of all ways to exchange.

    Class attributes:
        lossless: Whether what every process learns is the gradient of the whole batch, up to rounding.
        local: Whether processes go on by themselves, and have weights of their own, between two exchanges.
    """

    lossless: ClassVar[bool] = False
    local: ClassVar[bool] = False


@register("all_reduce")
class AllReduce(Exchange):
    """Every step, every process gets the mean gradient of the whole batch: the same as one process with all of it.

    Deeplearning4j has none; it is what gradient sharing approximates.

    Example:
        >>> AllReduce().to_dict()
        {'type': 'all_reduce'}
    """

    lossless: ClassVar[bool] = True

    @classmethod
    def examples(cls) -> list[AllReduce]:
        return [AllReduce()]


@register("bf16")
class Bf16(Exchange):
    """As ``all_reduce``, with gradients rounded to bfloat16 on the way: half the bytes, two to three digits.

    Each process's gradient is rounded, and so is their sum; what is rounded away is lost.
    """

    @classmethod
    def examples(cls) -> list[Bf16]:
        return [Bf16()]


@register("averaging")
class ParameterAveraging(Exchange):
    """Every process trains by itself; every so many steps, and at the end of each epoch, their weights are averaged.

    Each process counts by the samples it has seen since the last average. Deeplearning4j: ``ParameterAveragingTrainingMaster``
    (``averagingFrequency``, ``saveUpdater``). With ``outer``, the average is not taken over as it is: how far it is from the last
    one is the gradient of an outer optimiser (``outer: {type: nesterov, learning_rate: 0.7}`` with ``optimizer_state: false`` is
    DiLoCo, Douillard et al. 2023).

    Attributes:
        every: Steps between two averages.
        optimizer_state: Whether the optimiser's vectors are averaged with the weights; otherwise each process keeps its own.
        outer: What moves the common weights; None takes the average itself, as ``sgd`` with a learning rate of 1 would.

    Example:
        >>> ParameterAveraging(100, optimizer_state=False, outer="nesterov").outer.type_name
        'nesterov'
    """

    local: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("every",)
    every: Count = 10
    optimizer_state: bool = True
    outer: Optimizer | None = None

    @model_validator(mode="after")
    def _plain_outer(self) -> Self:
        if self.outer is not None and self.outer.searches:
            raise wrong_value(
                expected="an outer optimiser that moves once for each average",
                cause=f"{self.outer.type_name} asks for the loss at several points, and there is none of an average",
                fix="write outer: {type: nesterov, learning_rate: 0.7}, or leave outer out",
            )
        return self

    @classmethod
    def examples(cls) -> list[ParameterAveraging]:
        diloco = Nesterov(0.7, momentum=0.9)
        return [ParameterAveraging(), ParameterAveraging(2, optimizer_state=False, outer=diloco), ParameterAveraging(3, outer=Sgd(1.0))]


class Compressed(Exchange):
    """Base of those that send less than the gradient, and keep what they did not send for the next step."""


@register("threshold")
class Threshold(Compressed):
    """Send only ``+threshold`` or ``-threshold`` where gradient and residual together are at least that large; keep the rest.

    What is sent is a list of places, 32 bits each, or where those would be more, a bitmap of 2 bits for each parameter (Strom 2015;
    Deeplearning4j's gradient sharing with ``AdaptiveThresholdAlgorithm`` and ``ResidualClippingPostProcessor``). Deeplearning4j
    sends updates, after the optimiser; here gradients are sent, before it, so that every process has the same optimiser state.

    Attributes:
        initial: The first threshold; None takes one that the largest values of the first gradient reach, as many as ``most`` says.
        adaptive: Whether it follows how many values reach it.
        least: The smallest fraction of values that shall be sent; with fewer the threshold falls.
        most: The largest; with more it rises.
        decay: Factor by which it falls, or of its inverse rises, in one step.
        clip_residual: What is kept back is clipped to so many thresholds, so that what is long past isn't sent; None clips nothing.
        clip_every: Steps between two clippings.
    """

    initial: Positive | None = None
    adaptive: bool = True
    least: Fraction = 1e-4
    most: Fraction = 1e-2
    decay: Fraction = 0.5 ** (1 / 20)
    clip_residual: Positive | None = 5.0
    clip_every: Count = 5

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.least > self.most:
            raise wrong_value(
                expected=f"least <= most, but got least={self.least:g}, most={self.most:g}",
                cause="the two are exchanged",
                fix="write least: 1.0e-4 and most: 1.0e-2",
            )
        return self

    @classmethod
    def examples(cls) -> list[Threshold]:
        return [
            Threshold(),
            Threshold(clip_residual=None),
            Threshold(initial=1e-3, adaptive=False, clip_residual=None),
            Threshold(most=0.5, clip_residual=None),
        ]


@register("one_bit")
class OneBit(Compressed):
    """Send the sign of every value, and for each block of values how large they are on average; keep the difference.

    1-bit SGD with error feedback (Seide et al. 2014): 32 times fewer bytes than ``all_reduce``.

    Attributes:
        block: Values that share a size, a multiple of 8.
    """

    positional: ClassVar[tuple[str, ...]] = ("block",)
    block: Annotated[int, Field(ge=8, multiple_of=8)] = 8192

    @classmethod
    def examples(cls) -> list[OneBit]:
        return [OneBit(), OneBit(8)]


@register("top_k")
class TopK(Compressed):
    """Send the largest values as they are, with their places; keep the others.

    Attributes:
        fraction: How many of all; at least one.
    """

    positional: ClassVar[tuple[str, ...]] = ("fraction",)
    fraction: Fraction = 0.01

    @classmethod
    def examples(cls) -> list[TopK]:
        return [TopK(), TopK(0.25)]
