"""Channels that are turned up or down by what the whole sample shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.activations import Activation, Relu, Sigmoid
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Count


@register("squeeze_excite")
class SqueezeExcite(ParametricLayer):
    """Squeeze and excitation (Hu et al. 2018): ``y = x * gate(W_e activation(W_r mean(x) + b_r) + b_e)``, a factor for each channel.

    The mean is over all positions of an image or volume, or all steps of a sequence. Input and output: the same shape, of ``c``
    channels or features. Parameters: ``reduce_weight [units, c]``, ``reduce_bias [units]``, ``expand_weight [c, units]``,
    ``expand_bias [c]``.

    Attributes:
        units: How many numbers the sample is squeezed to; a quarter or a sixteenth of the channels is usual.
        activation: Of these; ReLU. The network's ``defaults`` leave it alone.
        gate: Makes factors of what comes out; sigmoid.

    Example:
        >>> from lamina.shapes import image
        >>> {name: parameter.shape for name, parameter in SqueezeExcite(4).parameters((image(16, 7, 7),)).items()}
        {'reduce_weight': (4, 16), 'reduce_bias': (4,), 'expand_weight': (16, 4), 'expand_bias': (16,)}
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    units: Count
    activation: Activation = Relu()
    gate: Activation = Sigmoid()

    @property
    def random(self) -> bool:
        return super().random or self.gate.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found: dict[str, Parameter] = {}
        for name, outputs, entering in (("reduce", self.units, count), ("expand", count, self.units)):
            found[f"{name}_weight"] = Parameter((outputs, entering), "weight", entering, outputs)
            if self.bias:
                found[f"{name}_bias"] = Parameter((outputs,), "bias", entering, outputs)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # The mean, two dense layers, and a product for each number.
        return 2 * elements(output) + 4 * last_axis(output) * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (Image(channels=4, height=3, width=5),)),
            (cls(3, activation="tanh", gate={"type": "hard_sigmoid", "slope": 0.3}, bias=False), (Sequence(steps=None, features=2),)),
            (cls(1, activation="softplus"), (Volume(channels=3, depth=2, height=3, width=2),)),
        ]
