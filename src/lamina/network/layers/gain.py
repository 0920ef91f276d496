"""A learnt factor for each feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register


@register("elementwise_multiplication")
class ElementwiseMultiplication(ParametricLayer):
    """``y = activation(weight * x + bias)``, a factor and a bias for each feature or channel.

    Deeplearning4j's ElementWiseMultiplicationLayer; without the bias and with a small ``start``, the layer scale of deep residual
    networks (Touvron et al. 2021). Any shape of numbers, which it keeps. Parameters: ``weight [n]``, ``bias [n]``. As a gain the
    weight is neither decayed nor drawn to 0 by L1 and L2.

    Attributes:
        start: What the factors start with.

    Example:
        >>> from lamina.shapes import image
        >>> {name: parameter.shape for name, parameter in ElementwiseMultiplication().parameters((image(8, 5, 5),)).items()}
        {'weight': (8,), 'bias': (8,)}
    """

    positional: ClassVar[tuple[str, ...]] = ("start",)
    stepwise: ClassVar[bool] = True
    unused_settings: ClassVar[tuple[str, ...]] = ("initializer",)

    start: float = 1.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        sizes = (last_axis(inputs[0]),)
        found = {"weight": Parameter(sizes, "gain", fills=(self.start,))}
        if self.bias:
            found["bias"] = Parameter(sizes, "bias")
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls(0.1, bias=False), (Image(channels=3, height=3, width=4),)),
            (cls(activation="tanh"), (Sequence(steps=None, features=3),)),
            (cls(-1.0), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]
