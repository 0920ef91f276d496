"""An output for classes that stand in an order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, Parameter, elements
from lamina.network.layers.output import Output
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register


@register("ordinal_output")
class OrdinalOutput(Output):
    """Classes in an order, from one number: ``P(y <= c) = sigmoid(b_c - x w)`` (the proportional odds model, McCullagh 1980).

    The borders ``b_0 < b_1 < ...`` between neighbouring classes are learnt, and stay in order: each is the one before plus
    ``softplus`` of a parameter. Scores are the logarithms of the classes' probabilities, which softmax leaves as they are; so all
    losses and figures for classes fit. With `cross_entropy` it is the cumulative link model, with the loss `ordinal` CORAL.

    Input: ``[batch, n]``, or ``[batch, steps, n]``. Output: the same with ``units`` in place of ``n``. Parameters: ``weight [1, n]``,
    ``borders [units - 1]``: the first border, then what `softplus` makes the distances of.

    Attributes:
        units: The classes, at least 2, in their order.

    Example:
        >>> {name: p.shape for name, p in OrdinalOutput(4).parameters((Features(3),)).items()}
        {'weight': (1, 3), 'borders': (3,)}
    """

    unused_settings: ClassVar[tuple[str, ...]] = ("bias", "bias_initializer")

    units: int = Field(ge=2)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = inputs[0].dims[-1] or 1
        # Parameters of 0 make distances of log 2; the first border puts their middle at 0.
        borders = self.units - 1
        fills = (-(borders - 1) / 2 * math.log(2), *(0.0 for _ in range(borders - 1)))
        return {
            "weight": Parameter((1, count), "weight", count, 1),
            "borders": Parameter((borders,), "bias", count, 1, blocks=borders, fills=fills),
        }

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) + 5 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(4), (Features(3),)),
            (cls(2, loss="ordinal"), (Features(3),)),
            (cls(3, loss="ordinal"), (Sequence(steps=None, features=2),)),
        ]
