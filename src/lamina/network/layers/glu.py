"""Gated linear units: one half of the numbers says how much of the other passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.activations import Activation, Sigmoid
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis, spatial_axes, with_axes
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Count


@register("glu")
class GLU(Layer):
    """``a * gate(b)`` of the two halves ``a`` and ``b`` of the features or channels; ``torch.nn.GLU`` (Dauphin et al. 2017).

    Any shape of numbers; half of the features or channels come out. No parameters: put it behind a dense layer or a convolution of
    twice the size, or use `GatedLinearUnit`.

    Attributes:
        gate: What makes factors of the second half; sigmoid. ``gelu`` makes it GEGLU, ``swish`` SwiGLU, ``relu`` ReGLU.

    Example:
        >>> from lamina.shapes import image
        >>> str(GLU().infer((image(8, 5, 5),)))
        '[batch, 4, 5, 5]'
    """

    positional: ClassVar[tuple[str, ...]] = ("gate",)
    stepwise: ClassVar[bool] = True

    gate: Activation = Sigmoid()

    @property
    def random(self) -> bool:
        return self.gate.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        count = last_axis(shape)
        if count % 2:
            raise self.refuse(
                "NN008",
                expected="an even number of features or channels",
                got=f"{shape}: {count}",
                cause="one half of them says how much of the other passes",
                fix=f"give the layer before {count + 1} units or filters",
            )
        return Features(count // 2) if isinstance(shape, Features) else with_axes(shape, count // 2, spatial_axes(shape))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls("tanh"), (Sequence(steps=None, features=6),)),
            (cls("swish"), (Image(channels=4, height=3, width=2),)),
            (cls(), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]


@register("gated_linear_unit")
class GatedLinearUnit(ParametricLayer):
    """``y = activation((x W^T + b) * gate(x V^T + c))``, with weights of its own (Dauphin et al. 2017, Shazeer 2020).

    Input: ``[batch, n]``, or ``[batch, steps, n]``, where each step is treated alike. Output: the same with ``units``.

    Parameters: ``weight [2 units, n]``, ``W`` above ``V``, and ``bias [2 units]``: those of a dense layer of twice the size before
    `GLU`.

    Attributes:
        units: Number of outputs.
        gate: Makes factors; sigmoid. ``gelu`` makes it GEGLU, ``swish`` SwiGLU, ``relu`` ReGLU, ``identity`` a bilinear unit.

    Example:
        >>> from lamina.shapes import features
        >>> GatedLinearUnit(5, gate="swish").parameters((features(3),))["weight"].shape
        (10, 3)
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    flattens: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    units: Count
    gate: Activation = Sigmoid()

    @property
    def random(self) -> bool:
        return super().random or self.gate.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return shape.replace(features=self.units) if isinstance(shape, Sequence) else Features(self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found = {"weight": Parameter((2 * self.units, count), "weight", count, self.units, blocks=2)}
        if self.bias:
            found["bias"] = Parameter((2 * self.units,), "bias", count, self.units, blocks=2)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 4 * elements(inputs[0]) * self.units + 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (Features(4),)),
            (cls(2, gate="swish", bias=False), (Sequence(steps=None, features=3),)),
            (cls(2, gate="tanh", activation="tanh"), (Sequence(steps=5, features=3),)),
        ]
