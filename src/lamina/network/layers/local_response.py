"""Local response normalisation."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Count, Positive


@register("local_response_norm")
class LocalResponseNorm(Layer):
    """Each number divided by what its neighbours in other channels hold: ``x / (k + alpha * sum x^2)^beta`` (Krizhevsky et al. 2012).

    The sum is over ``window`` channels around its own, fewer at the first and last ones; of sequences, over features. Defaults
    and arithmetic are those of the paper and of Deeplearning4j. ``torch.nn.LocalResponseNorm`` takes the average in place of the
    sum, with ``k`` 1 by default: ``average: true`` gives exactly that.

    Attributes:
        window: How many channels are looked at; of an even number, one more before than after.
        alpha: Weight of the squares.
        beta: The exponent.
        k: What is there without any neighbour.
        average: Take the average of the squares, always over ``window`` of them, in place of their sum.

    Example:
        >>> from lamina.shapes import image
        >>> str(LocalResponseNorm().infer((image(96, 27, 27),)))
        '[batch, 96, 27, 27]'
    """

    positional: ClassVar[tuple[str, ...]] = ("window",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)
    stepwise: ClassVar[bool] = True

    window: Count = 5
    alpha: Annotated[float, Field(ge=0)] = 1e-4
    beta: Positive = 0.75
    k: Positive = 2.0
    average: bool = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (self.window + 5) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Image(channels=7, height=2, width=3),)),
            (cls(3, alpha=0.5, beta=0.5, k=1.0, average=True), (Image(channels=4, height=2, width=3),)),
            (cls(4, alpha=0.5), (Sequence(steps=None, features=5),)),
            (cls(2, alpha=1.0), (Volume(channels=3, depth=2, height=1, width=2),)),
        ]
