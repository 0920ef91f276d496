"""Vectors for whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements
from lamina.shapes import Sequence, Shape, Tokens
from lamina.spec import register
from lamina.spec.fields import Count


def vocabulary_of(shape: Shape) -> int:
    """Size of the vocabulary of tokens."""
    return shape.vocabulary if isinstance(shape, Tokens) else 1


@register("embedding")
class Embedding(ParametricLayer):
    """A learnt vector for each token: ``[batch, steps]`` of whole numbers to ``[batch, steps, units]``.

    The size of the vocabulary is the input's. Parameters (torch's layout): ``weight [vocabulary, units]``, ``bias [units]``
    if asked for.

    Attributes:
        units: Length of the vectors.
        bias: Whether a bias is added; off unless set, as in Deeplearning4j and torch. ``defaults`` leave it alone.
        mask_token: The token that fills sequences up: steps that have it are not real, for all layers behind (Keras's
            ``mask_zero`` is ``mask_token: 0``).

    Example:
        >>> from lamina.shapes import tokens
        >>> str(Embedding(16).infer((tokens(None, vocabulary=1000),)))
        '[batch, ?, 16]'
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Tokens,)
    stepwise: ClassVar[bool] = True
    own_settings: ClassVar[tuple[str, ...]] = ("activation", "bias")
    # Tokens are names, not amounts: noise on them means nothing. A dropout layer after the embedding does.
    unused_settings: ClassVar[tuple[str, ...]] = ("dropout",)

    units: Count
    bias: bool = False
    mask_token: Annotated[int, Field(ge=0)] | None = None

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        """Whether a token says which steps are real."""
        return self.mask_token is not None

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if self.mask_token is not None and self.mask_token >= vocabulary_of(shape):
            raise self.refuse(
                "NN008",
                expected=f"a mask_token below the {vocabulary_of(shape)} tokens of the vocabulary",
                got=f"mask_token {self.mask_token}",
                cause="tokens are counted from 0; the token that fills up is one of them",
                fix="set mask_token to the token that fills sequences up, or make the input's vocabulary larger",
            )
        return Sequence(steps=shape.dims[0], features=self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = vocabulary_of(inputs[0])
        # A token is a one-hot vector: the vocabulary feeds each output, as in Deeplearning4j and Keras.
        return self.weight_and_bias((count, self.units), self.units, count, self.units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output) if self.bias else 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (Tokens(steps=5, vocabulary=7),)),
            (cls(4, bias=True, activation="tanh"), (Tokens(steps=None, vocabulary=7),)),
            (cls(2, mask_token=0), (Tokens(steps=None, vocabulary=7),)),
        ]
