"""One vector for all tokens of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from lamina.network.layers.embedding import vocabulary_of
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements
from lamina.shapes import Features, Shape, Tokens
from lamina.spec import register
from lamina.spec.fields import Count


@register("embedding_bag")
class EmbeddingBag(ParametricLayer):
    """The sum, mean or largest of the vectors of all tokens: ``[batch, steps]`` of whole numbers to ``[batch, units]``.

    ``torch.nn.EmbeddingBag``: an `embedding` and global pooling in one. The size of the vocabulary is the input's. Of padded
    sequences only the real steps count; a sequence without any gives 0. Parameters: ``weight [vocabulary, units]``.

    Attributes:
        units: Length of the vectors.
        combine: ``mean``, ``sum`` or ``max``.

    Example:
        >>> from lamina.shapes import tokens
        >>> str(EmbeddingBag(16).infer((tokens(None, vocabulary=1000),)))
        '[batch, 16]'
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Tokens,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    # Tokens are names, not amounts, and there is no bias.
    unused_settings: ClassVar[tuple[str, ...]] = (
        "dropout",
        "bias",
        "bias_initializer",
        "l1_bias",
        "l2_bias",
        "bias_learning_rate_factor",
        "bias_constraints",
    )

    units: Count
    combine: Literal["mean", "sum", "max"] = "mean"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = vocabulary_of(inputs[0])
        return {"weight": Parameter((count, self.units), "weight", count, self.units)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(inputs[0]) * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Tokens(steps=None, vocabulary=7)
        return [(cls(3), (shape,)), (cls(2, combine="sum", activation="tanh"), (shape,)), (cls(2, combine="max"), (shape,))]
