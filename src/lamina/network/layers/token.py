"""A step that stands for the whole sequence, and its way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.initializers import Initializer, Normal
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register


@register("class_token")
class ClassToken(ParametricLayer):
    """A learnt vector before the first step, in which attention can gather what a sequence is about (Devlin et al. 2019).

    Input ``[batch, steps, n]``, output ``[batch, steps + 1, n]``. `FirstStep` takes it out again. Parameters: ``weight [n]``.

    Attributes:
        initializer: How the vector starts; normal with 0.02 unless set. The network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ClassToken().infer((sequence(196, 64),)))
        '[batch, 197, 64]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation", "initializer")
    unused_settings: ClassVar[tuple[str, ...]] = (
        "bias",
        "bias_initializer",
        "l1_bias",
        "l2_bias",
        "bias_learning_rate_factor",
        "bias_constraints",
    )

    initializer: Initializer = Normal(std=0.02)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        steps = inputs[0].dims[0]
        return Sequence(steps=None if steps is None else steps + 1, features=last_axis(inputs[0]))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        return {"weight": Parameter((count,), "weight", 1, count)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Sequence(steps=5, features=3),)), (cls(activation="tanh"), (Sequence(steps=None, features=2),))]


@register("first_step")
class FirstStep(Layer):
    """The first step of a sequence: ``[batch, steps, n]`` to ``[batch, n]``; of padded sequences, the first real step.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(FirstStep().infer((sequence(None, 32),)))
        '[batch, 32]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(last_axis(inputs[0]))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Sequence(steps=5, features=3),)), (cls(), (Sequence(steps=None, features=3),))]
