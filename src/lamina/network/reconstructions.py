"""What a decoder's scores say of the input it is to give back: distributions over it, or a mere loss.

`lamina.engine.reconstructions` says how torch computes them. ``s`` are the decoder's scores, ``f`` the activation; one sample has
``n`` values ``x_j``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Identity, Sigmoid
from lamina.network.losses import Loss, MeanSquaredError
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, Positive, listed


class Reconstruction(Description, family="reconstruction"):
    """Base of all of them.

    Class attributes:
        rule: What the values must be, in words.
    """

    rule: ClassVar[str] = "finite numbers"

    def size(self, width: int) -> int:
        """Scores the decoder must give for ``width`` values."""
        return width

    @property
    def has_probability(self) -> bool:
        """Whether it is a distribution, so that values have a probability."""
        return True

    def misfit(self, width: int) -> str | None:
        """Why it can't be one of ``width`` values, in words; None if it can."""
        return None


@register("bernoulli")
class BernoulliReconstruction(Reconstruction):
    """Values 0 and 1, or probabilities: ``sum_j x_j log(y_j) + (1 - x_j) log(1 - y_j)`` with ``y = f(s)``.

    Attributes:
        activation: From scores to probabilities; with `sigmoid` computed without rounding, with any other clipped to
            ``1e-5 ... 1 - 1e-5``.
    """

    rule: ClassVar[str] = "values from 0 to 1"
    activation: Activation = Sigmoid()

    @model_validator(mode="after")
    def _probabilities(self) -> Self:
        if not self.activation.gives_probabilities or self.activation.over_features:
            raise wrong_value(
                expected="an activation between 0 and 1, of each value alone",
                cause=f"{self.activation.type_name} gives something else than a probability for each value",
                fix="write activation: sigmoid",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(activation="hard_sigmoid")]


@register("gaussian")
class GaussianReconstruction(Reconstruction):
    """Each value normally distributed; ``f(s)`` is first the ``n`` means, then the ``n`` logarithms of the variances.

    As in Deeplearning4j the activation works on both: with `tanh` a variance is between ``1/e`` and ``e``.

    Attributes:
        activation: From scores to means and logarithms of variances.
    """

    activation: Activation = Identity()

    def size(self, width: int) -> int:
        return 2 * width

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(activation="tanh")]


@register("exponential")
class ExponentialReconstruction(Reconstruction):
    """Values of at least 0: ``sum_j g_j - x_j exp(g_j)`` with ``g = f(s)``, the logarithm of the rate.

    Attributes:
        activation: From scores to logarithms of rates.
    """

    rule: ClassVar[str] = "values of at least 0"
    activation: Activation = Identity()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(activation="tanh")]


@register("loss")
class LossReconstruction(Reconstruction):
    """No distribution, only a loss between ``f(s)`` and the input; values then have an error, but no probability.

    Attributes:
        loss: Which one.
        activation: From scores to values; what fits the loss unless set.
        weight: Factor of the loss. Most losses are means over the values, where a probability is a sum: ``n`` makes them alike.
    """

    positional: ClassVar[tuple[str, ...]] = ("loss",)
    loss: Loss = MeanSquaredError()
    activation: Activation | None = None
    weight: Positive = 1.0

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        if self.loss.target not in ("binary", "same") or not self.loss.per_sample:
            raise wrong_value(
                expected="a loss between numbers and numbers, such as mse",
                cause=f"{self.loss.type_name} compares with classes, signs or whole batches, and here it is the input that counts",
                fix="write loss: mse",
            )
        return self

    @property
    def has_probability(self) -> bool:
        return False

    def misfit(self, width: int) -> str | None:
        found = self.loss.misfit(width)
        if found is None and self.loss.target_width(width) == width:
            return None
        return f"{self.loss.type_name} can't judge {width} values by {width} scores"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("binary_cross_entropy", weight=4.0), cls("mae", activation="tanh")]


class Part(Description):
    """Some of the values, one after the other, and how they are distributed.

    Attributes:
        size: How many.
        distribution: How.
    """

    positional: ClassVar[tuple[str, ...]] = ("size", "distribution")
    size: Count
    distribution: Reconstruction


@register("composite")
class CompositeReconstruction(Reconstruction):
    """Values of several kinds: the first ``size`` are distributed one way, the next another; the parts are independent.

    Attributes:
        parts: In the order of the values; together as many as there are.
    """

    positional: ClassVar[tuple[str, ...]] = ("parts",)
    parts: listed(Part)  # type: ignore[valid-type]

    def size(self, width: int) -> int:
        return sum(part.distribution.size(part.size) for part in self.parts)

    @property
    def has_probability(self) -> bool:
        return all(part.distribution.has_probability for part in self.parts)

    def misfit(self, width: int) -> str | None:
        total = sum(part.size for part in self.parts)
        if total != width:
            return f"its parts are of {total} values together, and {width} come in"
        return next((found for part in self.parts if (found := part.distribution.misfit(part.size)) is not None), None)

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([Part(2, GaussianReconstruction()), Part(1, BernoulliReconstruction()), Part(1, ExponentialReconstruction())])]
