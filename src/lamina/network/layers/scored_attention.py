"""Attention without heads: by dot products, by a small network, and to one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from lamina.network.layers.attention import Attention
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count

OPEN, OTHER = Sequence(steps=None, features=3), Sequence(steps=4, features=3)


class ScoredAttention(Attention):
    """What `DotProductAttention` and `AdditiveAttention` share: the output is a mean of values, with the weights the scores give."""

    def check_sizes(self, inputs: tuple[Shape, ...], fix: str) -> None:
        """See that queries and keys have the same length.

        Raises:
            ShapeError: NN003, if not.
        """
        query, key, _ = self.parts(inputs)
        if last_axis(query) != last_axis(key):
            raise self.refuse(
                "NN003",
                expected=f"keys of {last_axis(query)} numbers, as the queries have",
                got=f"queries {query}, keys {key}",
                cause="they are compared number by number",
                fix=fix,
            )

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.check_steps(inputs)
        return Sequence(steps=inputs[0].dims[0], features=last_axis(inputs[-1]))

    def pair_flops(self, inputs: tuple[Shape, ...], each: int) -> int:
        """Operations, where each pair of query and key takes ``each``, and each value is added up."""
        query, key, value = self.parts(inputs)
        return (query.dims[0] or 1) * (key.dims[0] or 1) * (each + 2 * last_axis(value))

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        query, key, _ = self.parts(inputs)
        return elements(output) + (query.dims[0] or 1) * (key.dims[0] or 1)


@register("dot_product_attention")
class DotProductAttention(ScoredAttention):
    """Attention by dot products, without linear layers: ``softmax(scale Q K^T) V``.

    Inputs: ``query``, or in a graph ``query, key`` or ``query, key, value``, see `Attention`. Output: ``[batch, steps of the query,
    n of the value]``. This is Deeplearning4j's dot product attention layer and vertex; with ``scale: none`` or ``learned`` Keras's
    ``Attention`` (whose inputs are query, value, key), and with ``score: general`` Luong's (2015).

    Parameters: ``weight [n of the query, n of the key]`` for ``score: general``; ``scale [1]`` (starts at 1) for ``scale: learned``.

    Attributes:
        score: ``dot``: ``q . k``; ``general``: ``q . W k``, for queries and keys of any lengths.
        scale: What scores are multiplied by: ``sqrt``: ``1 / sqrt(n of the key)``; ``none``; ``learned``: one number.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(DotProductAttention().infer((sequence(None, 8), sequence(20, 8), sequence(20, 5))))
        '[batch, ?, 5]'
    """

    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    score: Literal["dot", "general"] = "dot"
    scale: Literal["sqrt", "none", "learned"] = "sqrt"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.score == "dot":
            self.check_sizes(inputs, "write score: general, or bring both to one length by dense layers")
        return super().infer(inputs)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        query, key, _ = (last_axis(shape) for shape in self.parts(inputs))
        found = {"weight": Parameter((query, key), "weight", key, query)} if self.score == "general" else {}
        return found | ({"scale": Parameter((1,), "gain")} if self.scale == "learned" else {})

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        query, key, _ = self.parts(inputs)
        general = 2 * elements(key) * last_axis(query) if self.score == "general" else 0
        return general + self.pair_flops(inputs, 2 * last_axis(query))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (OPEN,)),
            (cls(scale="learned", causal=True, activation="tanh"), (OPEN,)),
            (cls(scale="none", attention_dropout=0.2), (OPEN, OTHER)),
            (cls(score="general"), (OPEN, OTHER.replace(features=2), OTHER)),
        ]


@register("additive_attention")
class AdditiveAttention(ScoredAttention):
    """Attention by a small network (Bahdanau et al. 2015): the score of a query and a key is ``v . tanh(W q + U k + b)``.

    Inputs: ``query``, or in a graph ``query, key`` or ``query, key, value``, see `Attention`. Output: ``[batch, steps of the query,
    n of the value]``. Without ``units`` it is Keras's ``AdditiveAttention``: ``v . tanh(q + k)``, with inputs query, value, key there.
    It compares all pairs at once, which takes memory for ``queries * keys * units`` numbers.

    Parameters: ``score_weight [units]`` (``v``), unless ``scale`` is off; with ``units`` also ``query_weight [units, n]``,
    ``key_weight [units, n]`` and ``bias [units]``.

    Attributes:
        units: Width of the small network; unless set, queries and keys are added as they are.
        scale: Whether there is a ``v``; otherwise the numbers are added up.
        bias: Whether there is a ``b``; only with ``units``.

    Example:
        >>> from lamina.shapes import sequence
        >>> list(AdditiveAttention(16).parameters((sequence(None, 8), sequence(20, 5))))
        ['query_weight', 'key_weight', 'bias', 'score_weight']
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)

    units: Count | None = None
    scale: bool = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        if self.units is None:
            self.check_sizes(inputs, "set units, so that both are brought to one length")
        return super().infer(inputs)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        query, key, _ = (last_axis(shape) for shape in self.parts(inputs))
        found: dict[str, Parameter] = {}
        if self.units is not None:
            found["query_weight"] = Parameter((self.units, query), "weight", query, self.units)
            found["key_weight"] = Parameter((self.units, key), "weight", key, self.units)
            if self.bias:
                found["bias"] = Parameter((self.units,), "bias", query, self.units)
        if self.scale:
            wide = self.units or query
            found["score_weight"] = Parameter((wide,), "weight", wide, 1)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        query, key, _ = self.parts(inputs)
        projected = 2 * (elements(query) + elements(key)) * self.units if self.units else 0
        return projected + self.pair_flops(inputs, 4 * (self.units or last_axis(query)))

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        query, key, _ = self.parts(inputs)
        return elements(output) + (query.dims[0] or 1) * (key.dims[0] or 1) * (1 + (self.units or last_axis(query)))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (OPEN,)),
            (cls(scale=False, causal=True, activation="tanh"), (OPEN,)),
            (cls(5, attention_dropout=0.2), (OPEN, OTHER.replace(features=2))),
            (cls(4, bias=False), (OPEN, OTHER.replace(features=2), OTHER)),
        ]


@register("attention_pooling")
class AttentionPooling(ParametricLayer):
    """One vector for a sequence: a mean of its steps, with weights that the steps themselves give (Yang et al. 2016).

    ``weights = softmax over steps of v . tanh(W x + b)``; without ``units`` of ``v . x``. Input: ``[batch, steps, n]``; output:
    ``[batch, n]``. Masked steps have no weight; a sequence without any real step gives zeros.

    Parameters: ``score_weight [units]`` (``v``; ``[n]`` without ``units``); with ``units`` also ``weight [units, n]``, ``bias [units]``.

    Attributes:
        units: Width of the small network that judges steps.
        bias: Whether there is a ``b``; only with ``units``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(AttentionPooling(16).infer((sequence(None, 8),)))
        '[batch, 8]'
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    units: Count | None = None

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(last_axis(inputs[0]))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found = {} if self.units is None else dict(self.weight_and_bias((self.units, count), self.units, count, self.units))
        wide = self.units or count
        return {**found, "score_weight": Parameter((wide,), "weight", wide, 1)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps, count = inputs[0].dims[0] or 1, last_axis(inputs[0])
        return 2 * steps * (count * (self.units or 0) + (self.units or count) + count)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (OPEN,)), (cls(4, activation="tanh"), (OPEN,)), (cls(2, bias=False), (OTHER,))]
