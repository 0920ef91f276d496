"""Deeplearning4j's attention layers, with its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Tanh
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count


class ClassicAttention(ParametricLayer):
    """What Deeplearning4j's attention layers share. Masked steps are never looked at.

    Attributes:
        units: Length of the output's vectors; that of the input's unless set.
        heads: Parts that look by themselves.
        head_size: Length of each head's queries, keys and values; ``units / heads`` unless set.
        project: Linear layers before and after; otherwise the input itself is query, key and value, in one head.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    query_from_units: ClassVar[bool] = False
    """Whether queries have the length of the output."""

    units: Count | None = None
    heads: Count = 1
    head_size: Count | None = None
    project: bool = True

    @model_validator(mode="after")
    def _project_where_needed(self) -> Self:
        if not self.project and (self.heads > 1 or self.head_size is not None):
            raise wrong_value(
                expected="one head and no head_size with project: false",
                cause="without linear layers the input itself is what the only head looks at",
                fix="remove heads and head_size, or project",
            )
        return self

    def units_for(self, features: int) -> int:
        """Length of the output's vectors.

        Raises:
            ShapeError: NN008, where it can't differ from the input's and does.
        """
        units = self.units or features
        if not self.project and units != features:
            raise self.refuse(
                "NN008",
                expected=f"{features} units, as the input has, with project: false",
                got=f"units {units}",
                cause="without linear layers the output has the length of the input",
                fix=f"remove units, or set units: {features}, or remove project",
            )
        return units

    def size_for(self, features: int) -> int:
        """Length of each head's vectors.

        Raises:
            ShapeError: NN060, if it isn't set and the heads don't divide the units.
        """
        units = self.units_for(features)
        if self.head_size is None and units % self.heads:
            raise self.refuse(
                "NN060",
                expected=f"units that the {self.heads} heads divide, or head_size",
                got=f"{units} units",
                cause="unless head_size is set, each head gets an equal share of the units",
                fix=f"set heads to one of {', '.join(str(n) for n in range(1, units + 1) if units % n == 0)}, or set head_size",
            )
        return self.head_size or units // self.heads

    def projections(self, features: int) -> dict[str, Parameter]:
        """The linear layers, with the first values that Deeplearning4j gives them."""
        if not self.project:
            return {}
        units, size = self.units_for(features), self.size_for(features)
        wide = self.heads * size
        query = units if self.query_from_units else features
        counts = {"query": query, "key": features, "value": features}
        found = {f"{name}_weight": Parameter((wide, count), "weight", wide, units) for name, count in counts.items()}
        return {**found, "output_weight": Parameter((units, wide), "weight", features, size)}

    def attention_flops(self, features: int, queries: int, keys: int) -> int:
        """Operations of the attention, linear layers included."""
        if not self.project:
            return 4 * queries * keys * features
        wide = self.heads * self.size_for(features)
        units = self.units_for(features)
        query = units if self.query_from_units else features
        return 2 * wide * (queries * (query + units) + 2 * keys * features + 2 * queries * keys)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        count = last_axis(inputs[0])
        self.size_for(count)
        return Sequence(steps=inputs[0].dims[0], features=self.units_for(count))


@register("self_attention")
class SelfAttention(ClassicAttention):
    """Self-attention as in Deeplearning4j's ``SelfAttentionLayer``: ``softmax(Q K^T / sqrt(head_size)) V``, without biases.

    Input: ``[batch, steps, n]``; output: ``[batch, steps, units]``. `MultiHeadAttention` is the same with more settings.

    Parameters, with the heads one after another along axis 0: ``query_weight``, ``key_weight``, ``value_weight [heads head_size, n]``
    (the original's ``Wq``, ``Wk``, ``Wv`` with its first two axes as one), ``output_weight [units, heads head_size]`` (``Wo``
    transposed).

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SelfAttention(8, heads=2).infer((sequence(None, 6),)))
        '[batch, ?, 8]'
    """

    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.projections(last_axis(inputs[0]))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps = inputs[0].dims[0] or 1
        return self.attention_flops(last_axis(inputs[0]), steps, steps)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=None, features=4)
        return [(cls(), (shape,)), (cls(6, heads=2, activation="tanh"), (shape,)), (cls(project=False), (Sequence(steps=5, features=3),))]


@register("learned_self_attention")
class LearnedSelfAttention(ClassicAttention):
    """Attention with learnt queries, Deeplearning4j's ``LearnedSelfAttentionLayer``: a sequence of any length becomes ``queries`` vectors.

    Input: ``[batch, steps, n]``; output: ``[batch, queries, units]``, all of them real.

    Parameters: ``queries [queries, n]`` and those of `SelfAttention`.

    Attributes:
        queries: How many; the steps of the output.
        units: Length of the output's vectors; that of the input's unless set.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LearnedSelfAttention(4, 8).infer((sequence(None, 6),)))
        '[batch, 4, 8]'
    """

    positional: ClassVar[tuple[str, ...]] = ("queries", "units")
    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    queries: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Sequence(steps=self.queries, features=last_axis(super().infer(inputs)))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        return {"queries": Parameter((self.queries, count), "weight", count, self.queries), **self.projections(count)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return self.attention_flops(last_axis(inputs[0]), self.queries, inputs[0].dims[0] or 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=None, features=4)
        return [(cls(3), (shape,)), (cls(2, 6, heads=2, activation="tanh"), (shape,)), (cls(3, project=False), (shape,))]


@register("recurrent_attention")
class RecurrentAttention(ClassicAttention):
    """Attention whose query is its own last output, Deeplearning4j's ``RecurrentAttentionLayer``.

    ``y_i = activation(W x_i + R attention(y_(i-1), x, x) + b)``; at the first step there is no attention. Input: ``[batch, steps,
    n]``; output: ``[batch, steps, units]``. It looks at all steps, later ones too, so it can't be run piece by piece.

    Parameters: ``weight [units, n]``, ``recurrent_weight [units, units]``, ``bias [units]``, and those of `SelfAttention`, where
    ``query_weight`` is ``[heads head_size, units]``.

    Attributes:
        activation: Of each output; tanh. The network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(RecurrentAttention(8, heads=2).infer((sequence(None, 6),)))
        '[batch, ?, 8]'
    """

    query_from_units: ClassVar[bool] = True

    activation: Activation = Tanh()

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        units = self.units_for(count)
        found = self.weight_and_bias((units, count), units, count, units)
        return {
            "weight": found.pop("weight"),
            "recurrent_weight": Parameter((units, units), "weight", units, units),
            **found,
            **self.projections(count),
        }

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps, count, units = inputs[0].dims[0] or 1, last_axis(inputs[0]), last_axis(output)
        return 2 * elements(output) * (count + units) + self.attention_flops(count, steps, steps)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=None, features=4)
        return [
            (cls(3), (shape,)),
            (cls(6, heads=2, head_size=2, bias=False, activation="softsign"), (shape,)),
            (cls(project=False), (Sequence(steps=5, features=3),)),
        ]
