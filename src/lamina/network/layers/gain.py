"""A learnt factor for each feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value


@register("elementwise_multiplication")
class ElementwiseMultiplication(ParametricLayer):
    """``y = activation(weight * x + bias)``, a factor and a bias for each feature or channel.

    Deeplearning4j's ElementWiseMultiplicationLayer; without the bias and with a small ``start``, the layer scale of deep residual
    networks (Touvron et al. 2021). Any shape of numbers, which it keeps. Parameters: ``weight [n]``, ``bias [n]``. As a gain the
    weight is neither decayed nor drawn to 0 by L1 and L2, unless asked.

    Attributes:
        start: What the factors start with.
        shared: Which numbers of a sample share a factor and a bias: ``positions``, all positions of a feature or channel; ``all``, all
            numbers; ``none``: each has its own.
        factors: Whether there are factors; without them it only adds a bias.
        decayed: Whether the factors are decayed, and drawn to 0 by L1 and L2, like any weight, as in Caffe.

    Example:
        >>> from lamina.shapes import image
        >>> {name: parameter.shape for name, parameter in ElementwiseMultiplication().parameters((image(8, 5, 5),)).items()}
        {'weight': (8,), 'bias': (8,)}
    """

    positional: ClassVar[tuple[str, ...]] = ("start",)
    unused_settings: ClassVar[tuple[str, ...]] = ("initializer",)

    start: float = 1.0
    shared: Literal["positions", "all", "none"] = "positions"
    factors: bool = True
    decayed: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.factors and not self.bias:
            raise wrong_value(expected="factors, a bias or both", cause="without them nothing is left", fix="remove factors or bias")
        return self

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether all steps of a sequence have the same factors."""
        return self.shared != "none"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if self.shared == "none" and shape.size is None:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since shared: none has a factor for each of them",
                got=f"{shape} with an unknown number of steps",
                cause="the length of this sequence is known only from the data",
                fix="set shared: positions, or give the input its number of steps",
            )
        return shape

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        (shape,) = inputs
        own = tuple(1 if size is None else size for size in shape.dims)
        sizes = {"positions": (last_axis(shape),), "all": (1,), "none": own}[self.shared]
        found: dict[str, Parameter] = {}
        if self.factors:
            found["weight"] = Parameter(sizes, "weight" if self.decayed else "gain", fills=(self.start,))
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
            (cls(factors=False), (Image(channels=3, height=3, width=4),)),
            (cls(shared="all"), (Sequence(steps=None, features=3),)),
            (cls(shared="none", decayed=True), (Image(channels=2, height=3, width=4),)),
        ]
