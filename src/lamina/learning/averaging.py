"""Averages of the weights along the way: often better than the last ones, and steadier.

The average is kept beside the weights that are trained, and doesn't change training itself. From the first average on, it is what
is evaluated, what a checkpoint holds as the model, and what the model has at the end.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from lamina.spec import Description, register
from lamina.spec.fields import Count


class Averaging(Description, family="averaging"):
    """Base of all averages.

    Class attributes:
        estimates: Whether running statistics of batch norm are estimated anew for the averaged weights, by a pass over the training
            data; otherwise they are averaged as the weights are.
    """

    estimates: ClassVar[bool] = False

    def share(self, taken: int) -> float:
        """How much of the next values goes into the average of ``taken`` values: 1 for the first."""
        raise NotImplementedError

    def due(self, count: int, unit: Literal["steps", "epochs"]) -> bool:
        """Whether values are taken after so many steps, or epochs."""
        raise NotImplementedError

    def bind(self, total_steps: int, total_epochs: int) -> Self:
        """The same, with the length of the run where it leaves one out."""
        return self

    def begins(self) -> tuple[int, Literal["steps", "epochs"]]:
        """After how many steps or epochs the first values are taken; lengths must be known."""
        raise NotImplementedError


@register("ema")
class Ema(Averaging):
    """Exponential moving average: ``a = decay * a + (1 - decay) * p`` after every update; the first ``a`` is ``p``.

    Buffers of floats, such as running statistics, are averaged the same way; others are taken as they are. The arithmetic is that
    of ``torch.optim.swa_utils.AveragedModel`` with ``use_buffers=True``.

    Attributes:
        decay: How much of the past stays. An average reaches back about ``1 / (1 - decay)`` updates: choose fewer than are made.
        every: Only after every so many updates.

    Example:
        >>> Ema(0.99).share(0), round(Ema(0.99).share(1), 6)
        (1.0, 0.01)
    """

    positional: ClassVar[tuple[str, ...]] = ("decay",)
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    every: Count = 1

    def share(self, taken: int) -> float:
        return 1 - self.decay if taken else 1.0

    def due(self, count: int, unit: Literal["steps", "epochs"]) -> bool:
        return unit == "steps" and count % self.every == 0

    def begins(self) -> tuple[int, Literal["steps", "epochs"]]:
        return self.every, "steps"

    @classmethod
    def examples(cls) -> list[Ema]:
        return [Ema(), Ema(0.9, every=2)]


@register("swa")
class Swa(Averaging):
    """Stochastic weight averaging (Izmailov et al. 2018): the plain mean of the weights after each epoch from ``start`` on.

    Goes well with a learning rate that stays high, constant or cyclic, in those epochs. Running statistics of batch norm are
    estimated for the averaged weights by a pass over the training data whenever they are needed, as
    ``torch.optim.swa_utils.update_bn`` does, each batch weighted by its samples. Other buffers are those of the last weights.

    Attributes:
        start: After so many epochs (or steps) the first weights are taken; by default three quarters of all.
        every: After how many more each time.
        unit: What both count.

    Example:
        >>> swa = Swa(start=6, every=2)
        >>> [epoch for epoch in range(1, 11) if swa.due(epoch, "epochs")], swa.share(3)
        ([6, 8, 10], 0.25)
    """

    positional: ClassVar[tuple[str, ...]] = ("start", "every")
    estimates: ClassVar[bool] = True
    start: Count | None = None
    every: Count = 1
    unit: Literal["epochs", "steps"] = "epochs"

    def share(self, taken: int) -> float:
        return 1.0 / (taken + 1)

    def due(self, count: int, unit: Literal["steps", "epochs"]) -> bool:
        start = self.start or 1
        return unit == self.unit and count >= start and (count - start) % self.every == 0

    def bind(self, total_steps: int, total_epochs: int) -> Self:
        total = total_epochs if self.unit == "epochs" else total_steps
        return self if self.start is not None else self.replace(start=max(1, -(-3 * total // 4)))

    def begins(self) -> tuple[int, Literal["steps", "epochs"]]:
        return self.start or 1, self.unit

    @classmethod
    def examples(cls) -> list[Swa]:
        return [Swa(), Swa(3, every=2), Swa(10, every=5, unit="steps")]
