"""Masks that are found in the data, and masks that end."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.shapes import Image, Sequence, Series, Shape, Tokens
from lamina.spec import register


@register("mask_steps")
class MaskSteps(Layer):
    """Steps at which every number equals ``value`` are not real: all layers behind leave them out, until the steps end.

    Keras's Masking, Deeplearning4j's MaskZeroLayer. Sequences and series, whose shape it keeps; what it masks becomes 0. Steps
    that came masked stay so. Data that know their masks (`Dataset.from_sequences`) don't need it.

    Attributes:
        value: What a step is filled with that isn't real.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MaskSteps(-1.0).infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    positional: ClassVar[tuple[str, ...]] = ("value",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Series)
    stepwise: ClassVar[bool] = True
    makes_mask: ClassVar[bool] = True

    value: float = 0.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if shape.dtype == "int":
            raise self.refuse(
                "NN001",
                expected="steps of numbers",
                got=f"{shape} of tokens",
                cause="which tokens are not real is said where they become vectors",
                fix="set mask_token in the embedding",
            )
        return shape

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(-1.0), (Sequence(steps=5, features=2),)),
            (cls(), (Series(steps=3, item=Image(channels=1, height=2, width=2)),)),
        ]


@register("apply_mask")
class ApplyMask(Layer):
    """Steps that are not real become 0, and from here on all steps count as real: for layers that know nothing of masks.

    Deeplearning4j's MaskLayer. Behind it a sequence is as long as the longest of its batch, which layers such as a loss then
    learn from; so use it only before layers that refuse sequences of different lengths.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ApplyMask().infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Tokens, Series)
    stepwise: ClassVar[bool] = True
    clears_mask: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(), (Tokens(steps=5, vocabulary=4),)),
            (cls(), (Series(steps=None, item=Image(channels=1, height=2, width=2)),)),
        ]


@register("hold_steps")
class HoldSteps(Layer):
    """Steps that are not real repeat the last real one before them, and from here on all steps count as real.

    Steps before the first real one become 0. So does Keras with what a recurrent layer gives at masked steps.

    Attributes:
        reverse: They repeat the next real one after them: for a layer that reads backwards.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(HoldSteps().infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Series)
    clears_mask: ClassVar[bool] = True
    clears_to_zero: ClassVar[bool] = False

    reverse: bool = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(reverse=True), (Sequence(steps=5, features=2),)),
            (cls(), (Series(steps=None, item=Image(channels=1, height=2, width=2)),)),
        ]
