"""An activation function as a layer of its own, and a layer that does nothing."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register


@register("activation")
class ActivationLayer(Layer):
    """Applies an activation function. Any shape of numbers, which it keeps; no parameters.

    Attributes:
        activation: Which.

    Example:
        >>> str(ActivationLayer("relu").infer((Features(4),)))
        '[batch, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("activation",)

    activation: Activation

    @property
    def random(self) -> bool:
        return self.activation.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls("tanh"), (Features(4),)),
            (cls("softmax"), (Sequence(steps=None, features=3),)),
            (cls("softmax"), (Image(channels=3, height=3, width=4),)),
            (cls("sigmoid"), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]


@register("identity")
class IdentityLayer(Layer):
    """Passes on what it gets: gives a place in a graph a name. Any shape of numbers, which it keeps.

    Example:
        >>> str(IdentityLayer().infer((Features(4),)))
        '[batch, 4]'
    """

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Features(4),)), (cls(), (Image(channels=2, height=3, width=4),))]
