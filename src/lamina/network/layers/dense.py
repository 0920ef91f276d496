"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count


class FullyConnected(ParametricLayer):
    """What layers share that compute ``x W^T + b``: `Dense`, and `Output` at the end of a network.

    Attributes:
        units: Number of outputs.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    flattens: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    units: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return shape.replace(features=self.units) if isinstance(shape, Sequence) else Features(self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = inputs[0].dims[-1] or 1
        return self.weight_and_bias((self.units, count), self.units, count, self.units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.units


@register("dense")
class Dense(FullyConnected):
    """Fully connected layer: ``y = activation(x W^T + b)``.

    Input: ``[batch, n]``, or ``[batch, steps, n]``, where each step is treated alike. An image or volume before it is
    flattened; the summary shows that. Output: the same with ``units`` in place of ``n``.

    Parameters: ``weight [units, n]``, ``bias [units]``, with ``layer_norm`` also ``gain [units]``.

    Attributes:
        units: Number of outputs.
        layer_norm: Normalise ``x W^T`` over the units, times ``gain``, before the bias is added (Ba, Kiros and Hinton 2016;
            Deeplearning4j's ``hasLayerNorm``).

    Example:
        >>> str(Dense(3).infer((Features(4),)))
        '[batch, 3]'
    """

    layer_norm: bool = False

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        found = dict(super().parameters(inputs))
        return {**found, "gain": Parameter((self.units,), "gain")} if self.layer_norm else found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return super().flops(inputs, output) + (6 * elements(output) if self.layer_norm else 0)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (Dense(3), (Features(4),)),
            (Dense(2, activation="tanh", bias=False), (Sequence(steps=5, features=3),)),
            (Dense(3, layer_norm=True, activation="tanh"), (Sequence(steps=None, features=3),)),
        ]
