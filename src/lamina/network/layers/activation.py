"""An activation function as a layer of its own, one with a slope that is learnt, and a layer that does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, last_axis
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
    stepwise: ClassVar[bool] = True

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


@register("prelu")
class PReLU(ParametricLayer):
    """``x`` above 0, ``weight * x`` below, with a slope that is learnt (He et al. 2015). Any shape of numbers, which it keeps.

    Parameters: ``weight [n]``, one slope for each feature or channel, as ``torch.nn.PReLU(n)`` has it; see ``shared``. As a gain
    it is neither decayed nor drawn to 0 by L1 and L2, which its authors advise against.

    Attributes:
        start: What slopes start with: 0.25 as its authors and torch have it (Deeplearning4j: 0).
        shared: Which numbers of a sample share a slope: ``positions``, all positions of a feature or channel; ``all``, all numbers
            (``torch.nn.PReLU()``); ``none``: each has its own (Deeplearning4j without ``sharedAxes``).

    Example:
        >>> from lamina.shapes import image
        >>> PReLU().parameters((image(8, 5, 5),))["weight"].shape
        (8,)
    """

    positional: ClassVar[tuple[str, ...]] = ("start",)
    # Its numbers are slopes: nothing is added, nothing drawn, and it is the activation.
    unused_settings: ClassVar[tuple[str, ...]] = (
        *("activation", "initializer", "bias", "bias_initializer", "weight_noise", "weight_decay"),
        *("l1", "l2", "l1_bias", "l2_bias", "bias_learning_rate_factor", "constraints", "bias_constraints"),
    )

    start: float = 0.25
    shared: Literal["positions", "all", "none"] = "positions"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether all steps of a sequence have the same slopes."""
        return self.shared != "none"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if self.shared == "none" and shape.size is None:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since shared: none has a slope for each of them",
                got=f"{shape} with an unknown number of steps",
                cause="the length of this sequence is known only from the data",
                fix="set shared: positions, or give the input its number of steps",
            )
        return shape

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        (shape,) = inputs
        own = tuple(1 if size is None else size for size in shape.dims)
        sizes = {"positions": (last_axis(shape),), "all": (1,), "none": own}[self.shared]
        return {"weight": Parameter(sizes, "gain", fills=(self.start,))}

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(0.1), (Image(channels=3, height=3, width=4),)),
            (cls(shared="all"), (Volume(channels=2, depth=2, height=3, width=2),)),
            (cls(shared="none"), (Sequence(steps=5, features=3),)),
            (cls(shared="none"), (Image(channels=2, height=3, width=4),)),
        ]


@register("identity")
class IdentityLayer(Layer):
    """Passes on what it gets: gives a place in a graph a name. Any shape of numbers, which it keeps.

    Example:
        >>> str(IdentityLayer().infer((Features(4),)))
        '[batch, 4]'
    """

    stepwise: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Features(4),)), (cls(), (Image(channels=2, height=3, width=4),))]
