"""Tokens as numbers, without weights."""

from __future__ import annotations

from typing import ClassVar, Literal

from lamina.network.layers.embedding import vocabulary_of
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Sequence, Shape, Tokens
from lamina.spec import register


@register("one_hot")
class OneHot(Layer):
    """1 at the place of the token, 0 at all others: ``[batch, steps]`` of whole numbers to ``[batch, steps, vocabulary]``.

    Keras's CategoryEncoding. The size of the vocabulary is the input's. No parameters.

    Attributes:
        encode: ``steps``: each step by itself. ``any``: 1 for each token that a sample holds, ``[batch, vocabulary]`` (Keras's
            ``multi_hot``); ``counts``: how often it holds each. Of padded sequences only the real steps count.

    Example:
        >>> from lamina.shapes import tokens
        >>> str(OneHot().infer((tokens(None, 10),))), str(OneHot("counts").infer((tokens(None, 10),)))
        ('[batch, ?, 10]', '[batch, 10]')
    """

    positional: ClassVar[tuple[str, ...]] = ("encode",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Tokens,)

    encode: Literal["steps", "any", "counts"] = "steps"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is encoded by itself."""
        return self.encode == "steps"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        count = vocabulary_of(inputs[0])
        return Sequence(steps=inputs[0].dims[0], features=count) if self.encode == "steps" else Features(count)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Tokens(steps=None, vocabulary=4)
        return [(cls(), (shape,)), (cls(), (Tokens(steps=5, vocabulary=3),)), (cls("any"), (shape,)), (cls("counts"), (shape,))]
