"""Vectors for whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements
from lamina.shapes import Sequence, Shape, Tokens
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count


def vocabulary_of(shape: Shape) -> int:
    """Size of the vocabulary of tokens."""
    return shape.vocabulary if isinstance(shape, Tokens) else 1


def _rows(value: Any) -> Any:
    """Tuples of an array's rows, without importing what made it, or of lists; all else is left to be refused."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(_row(row) for row in value) if isinstance(value, list | tuple) else value


def _row(row: Any) -> Any:
    row = row.tolist() if hasattr(row, "tolist") else row
    return tuple(row) if isinstance(row, list) else row


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
        vectors: What the vectors start with, one for each token in order (a list of lists, in Python also an array), such as those
            of words learnt elsewhere; null for a token that starts as ``initializer`` says. They are part of the description,
            and are trained like others unless ``frozen``; put a table of millions of numbers into the built network instead.

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
    vectors: Annotated[tuple[tuple[float, ...] | None, ...], BeforeValidator(_rows)] | None = None

    @model_validator(mode="after")
    def _vectors_have_units(self) -> Self:
        other = next((row for row in self.vectors or () if row is not None and len(row) != self.units), None)
        if other is not None:
            raise wrong_value(
                expected=f"vectors of {self.units} numbers, as units says",
                cause=f"one has {len(other)}",
                fix=f"set units: {len(other)}, or give vectors of {self.units} numbers",
            )
        return self

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
        if self.vectors is not None and len(self.vectors) != vocabulary_of(shape):
            raise self.refuse(
                "NN008",
                expected=f"a vector, or null, for each of the {vocabulary_of(shape)} tokens of the vocabulary",
                got=f"{len(self.vectors)} vectors",
                cause="the vectors belong to another vocabulary, or tokens without one were left out",
                fix="give the vectors in the order of the tokens, with null where none is known",
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
            (cls(2, vectors=[[0.5, -1.0], None, [2.0, 0.25]]), (Tokens(steps=None, vocabulary=3),)),
        ]
