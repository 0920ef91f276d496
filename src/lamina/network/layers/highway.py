"""Dense layers that learn how much to carry past themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.activations import Activation, Relu
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register


@register("highway")
class Highway(ParametricLayer):
    """``y = t * activation(x W^T + b) + (1 - t) * x`` with ``t = sigmoid(x V^T + c)`` (Srivastava et al. 2015).

    Input ``[batch, n]``, or ``[batch, steps, n]``, where each step is treated alike; the output has the same shape. Parameters:
    ``weight [2 n, n]``, ``W`` above ``V``, and ``bias [2 n]``.

    Attributes:
        activation: Of what is not carried; ReLU. The network's ``defaults`` leave it alone.
        gate_bias: What ``c`` starts with: below 0, so that at first most is carried, as its authors advise.

    Example:
        >>> from lamina.shapes import features
        >>> Highway().parameters((features(3),))["weight"].shape
        (6, 3)
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    flattens: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    activation: Activation = Relu()
    gate_bias: float = -1.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found = {"weight": Parameter((2 * count, count), "weight", count, count, blocks=2)}
        if self.bias:
            found["bias"] = Parameter((2 * count,), "bias", count, count, blocks=2, fills=(None, self.gate_bias))
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 4 * elements(output) * last_axis(output) + 4 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(activation="tanh"), (Features(4),)),
            (cls(bias=False, activation="softplus"), (Sequence(steps=None, features=3),)),
            (cls(gate_bias=-3.0, activation="tanh"), (Sequence(steps=5, features=2),)),
        ]
