"""Inputs one after another as the steps of a sequence, and one step taken out again.

Deeplearning4j's StackVertex and UnstackVertex put inputs one after another along the batch, so that one layer treats them all
alike. Here samples never see each other, so they become steps: layers treat each step alike too, and `TimeDistributed` makes any
layer do so. For one set of weights on several inputs, `Shared` is the direct way.
"""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS, Vertex, listed_inputs
from lamina.shapes import Features, Image, Sequence, Series, Shape, Volume, each_step, with_steps
from lamina.spec import register


@register("stack")
class Stack(Vertex):
    """Inputs of one shape as the steps of a new axis: vectors make a sequence, all else a series.

    Sequences of different lengths are refused: which steps of a step are real has no name.

    Example:
        >>> from lamina.shapes import image, features
        >>> str(Stack().infer((features(4), features(4)))), str(Stack().infer((image(3, 8, 8),) * 5))
        ('[batch, 2, 4]', '[batch, 5, 3, 8, 8]')
    """

    takes_masks: ClassVar[bool] = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        if not all(shape.agrees(first) for shape in inputs):
            raise self.refuse(
                "NN003",
                expected=f"inputs of one shape, {first} as the first",
                got=listed_inputs(self, inputs),
                cause="the steps of a sequence have one size",
                fix="give the last layers of the branches equal units or filters, or put the inputs side by side with concat",
            )
        return with_steps(next((shape for shape in inputs if None not in shape.dims), first), len(inputs))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (FEATURES,) * 3), (cls(), (IMAGE,) * 2), (cls(), (STEPS,) * 2), (cls(), (Sequence(steps=None, features=2),) * 2)]


@register("unstack")
class Unstack(Layer):
    """One step of a sequence or series: ``[batch, steps, n]`` to ``[batch, n]``. Of padded sequences, only real steps count.

    Attributes:
        index: Which step, from 0; negative: from the end.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Unstack(0).infer((sequence(6, 3),)))
        '[batch, 3]'
    """

    positional: ClassVar[tuple[str, ...]] = ("index",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Series)

    index: int

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        steps = shape.dims[0]
        if steps is not None and not -steps <= self.index < steps:
            raise self.refuse(
                "NN008",
                expected=f"an index from 0 to {steps - 1}, or from -{steps} to -1",
                got=f"index {self.index} of {shape}",
                cause=f"there are {steps} steps, and the first is number 0",
                fix=f"set index to a number below {steps}",
            )
        return each_step(shape)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(0), (STEPS,)),
            (cls(-2), (Sequence(steps=None, features=3),)),
            (cls(1), (Series(steps=4, item=IMAGE),)),
            (cls(-1), (Series(steps=None, item=Image(channels=1, height=2, width=2)),)),
            (cls(2), (Series(steps=3, item=Volume(channels=1, depth=2, height=2, width=2)),)),
            (cls(1), (Series(steps=3, item=Sequence(steps=None, features=Features(2).count)),)),
        ]
