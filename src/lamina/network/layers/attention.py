"""Attention: each step takes from other steps what its query finds in their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive, Probability


class Attention(ParametricLayer):
    """What attention over steps shares: inputs ``query``, or ``query, key``, or ``query, key, value``.

    With one input each step looks at the steps of its own sequence; with two the second one gives keys and values. Each input is
    ``[batch, steps, n]``; the output has the steps of the query. Keys at masked steps are never looked at; a query that has no
    key at all gets zeros.

    Run piece by piece, causal attention keeps the keys and values of the steps before. Where it is not causal, keys and values
    of further inputs must be known as a whole before the first step (they are projected once); with one input it then needs all
    steps at once.

    Attributes:
        causal: A step looks at itself and at steps before it only.
        attention_dropout: In training, probability of dropping the weight that a query gives to a key.
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    input_count: ClassVar[tuple[int, int | None]] = (1, 3)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    causal: bool = False
    attention_dropout: Probability = 0.0

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether it can be run piece by piece, whatever its inputs."""
        return self.causal

    @property
    def random(self) -> bool:
        return super().random or self.attention_dropout > 0

    def whole_inputs(self, count: int) -> tuple[int, ...]:
        return () if self.causal else tuple(range(1, count))

    def check_steps(self, inputs: tuple[Shape, ...]) -> None:
        """See that keys and values belong together.

        Raises:
            ShapeError: NN003, if they have different numbers of steps.
        """
        if len(inputs) == 3 and None not in (inputs[1].dims[0], inputs[2].dims[0]) and inputs[1].dims[0] != inputs[2].dims[0]:
            raise self.refuse(
                "NN003",
                expected=f"as many values as keys, {inputs[1].dims[0]} steps",
                got=f"keys {inputs[1]}, values {inputs[2]}",
                cause="each key says how much its own value counts",
                fix="give key and value from the same sequence; the order of the inputs is query, key, value",
            )

    @staticmethod
    def parts(inputs: tuple[Shape, ...]) -> tuple[Shape, Shape, Shape]:
        """Shapes of query, key and value; what isn't given apart is the input before."""
        return inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]


class Positioned(Attention):
    """Attention in several heads: its settings, and those of how far and in which order the steps stand.

    Attributes:
        heads: Parts that look by themselves.
        key_size: Length of each head's queries and keys; the features of the query by the heads unless set.
        value_size: Length of each head's values; ``key_size`` unless set.
        kv_heads: Heads of keys and values, each shared by ``heads / kv_heads`` heads of queries (grouped-query attention; 1:
            multi-query). All unless set.
        window: A step looks only at steps less than this far away: itself and ``window - 1`` before it, and as many after it
            unless ``causal``. None: at all.
        positions: How queries and keys know their places. ``rotary``: they are turned by angles that grow with the place (Su et
            al. 2021). ``alibi``: far keys count less, by a slope for each head (Press et al. 2022). None: they don't; put a
            position layer before.
        rotary_base: Slowest turn of the angles; for ``rotary``.
        rotary_fraction: Share of each head's numbers that is turned; for ``rotary``.
        rotary_pairs: Which numbers are turned together: ``halves`` (number i with i + half: GPT-NeoX, Llama) or ``neighbours``
            (2 i with 2 i + 1: the paper, GPT-J); for ``rotary``.
        query_norm: Bring each head's queries and keys to root mean square 1, with learnt gains (Henry et al. 2020, in RMS form):
            keeps training with large learning rates stable.
    """

    heads: Count = 1
    key_size: Count | None = None
    value_size: Count | None = None
    kv_heads: Count | None = None
    window: Count | None = None
    positions: Literal["rotary", "alibi"] | None = None
    rotary_base: Positive = 10000.0
    rotary_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    rotary_pairs: Literal["halves", "neighbours"] = "halves"
    query_norm: bool = False

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise wrong_value(
                expected=f"kv_heads that divide the {self.heads} heads",
                cause="each head of keys serves the same number of heads of queries",
                fix=f"set kv_heads to one of {', '.join(str(n) for n in range(1, self.heads + 1) if self.heads % n == 0)}",
            )
        for name in ("rotary_base", "rotary_fraction", "rotary_pairs"):
            if self.positions != "rotary" and getattr(self, name) != type(self).model_fields[name].default:
                raise wrong_value(
                    expected=f"no {name!r} without positions: rotary",
                    cause="the setting would do nothing",
                    fix=f"write positions: rotary, or remove {name!r}",
                )
        return self

    @property
    def groups(self) -> int:
        """Heads of keys and values."""
        return self.kv_heads or self.heads

    def key_size_for(self, features: int) -> int:
        """Length of each head's queries and keys.

        Raises:
            ShapeError: NN060, if it isn't set and the heads don't divide the features; NN061, if it can't be turned in pairs.
        """
        if self.key_size is None and features % self.heads:
            raise self.refuse(
                "NN060",
                expected=f"features that the {self.heads} heads divide, or key_size",
                got=f"{features} features",
                cause="unless key_size is set, each head gets an equal share of the features",
                fix=f"set heads to one of {', '.join(str(n) for n in range(1, features + 1) if features % n == 0)}, or set key_size",
            )
        size = self.key_size or features // self.heads
        if self.positions == "rotary" and self.turned(size) < 2:
            raise self.refuse(
                "NN061",
                expected="heads of at least two numbers to turn",
                got=f"key_size {size}, of which rotary_fraction {self.rotary_fraction:g} leaves {self.turned(size)}",
                cause="rotary positions turn numbers in pairs",
                fix="set a larger key_size or rotary_fraction, or fewer heads",
            )
        return size

    def turned(self, size: int) -> int:
        """How many of a head's numbers rotary positions turn: the share that is set, in whole pairs."""
        return int(size * self.rotary_fraction) // 2 * 2

    def score_flops(self, inputs: tuple[Shape, ...]) -> int:
        """Operations of comparing queries with keys and adding up values."""
        query, key, _ = self.parts(inputs)
        size = self.key_size_for(last_axis(query))
        return 2 * (query.dims[0] or 1) * (key.dims[0] or 1) * self.heads * (size + (self.value_size or size))


@register("multi_head_attention")
class MultiHeadAttention(Positioned):
    """Attention in several heads (Vaswani et al. 2017): ``softmax(Q K^T / sqrt(key_size)) V`` in each, then a linear layer.

    Inputs: ``query [batch, steps, n]``, and in a graph also ``key`` and ``value``, see `Attention`; Deeplearning4j's attention
    vertex is this with two or three inputs and ``bias: false``. Output: ``[batch, steps of the query, units]``.

    Parameters, in torch's layout, with the heads one after another along axis 0: ``query_weight [heads key_size, n]``,
    ``key_weight [kv_heads key_size, n]``, ``value_weight [kv_heads value_size, n]``, ``output_weight [units, heads value_size]``
    and, unless ``bias`` is off, ``query_bias``, ``key_bias``, ``value_bias``, ``output_bias``; with ``query_norm`` also
    ``query_gain``, ``key_gain [key_size]``.

    Attributes:
        heads: Parts that look by themselves.
        units: Length of the output's vectors; that of the query's unless set.

    Example:
        >>> from lamina.shapes import sequence
        >>> layer = MultiHeadAttention(4, causal=True, positions="rotary")
        >>> str(layer.infer((sequence(None, 32),))), layer.parameters((sequence(None, 32),))["key_weight"].shape
        ('[batch, ?, 32]', (32, 32))
    """

    positional: ClassVar[tuple[str, ...]] = ("heads",)

    units: Count | None = None

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.check_steps(inputs)
        self.key_size_for(last_axis(inputs[0]))
        return Sequence(steps=inputs[0].dims[0], features=self.units or last_axis(inputs[0]))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        query, key, value = (last_axis(shape) for shape in self.parts(inputs))
        size = self.key_size_for(query)
        wide = self.value_size or size
        units = self.units or query
        sizes = {
            "query": (self.heads * size, query),
            "key": (self.groups * size, key),
            "value": (self.groups * wide, value),
            "output": (units, self.heads * wide),
        }
        found = {f"{name}_weight": Parameter(shape, "weight", shape[1], shape[0]) for name, shape in sizes.items()}
        if self.bias:
            found |= {f"{name}_bias": Parameter(shape[:1], "bias", shape[1], shape[0]) for name, shape in sizes.items()}
        if self.query_norm:
            found |= {"query_gain": Parameter((size,), "gain"), "key_gain": Parameter((size,), "gain")}
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        query, key, value = self.parts(inputs)
        sizes = {name: parameter.size for name, parameter in self.parameters(inputs).items() if name.endswith("_weight")}
        rows = {"query_weight": query, "key_weight": key, "value_weight": value, "output_weight": query}
        return self.score_flops(inputs) + sum(2 * size * (rows[name].dims[0] or 1) for name, size in sizes.items())

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Queries, keys, values and what the heads give; fused kernels don't keep the weights of the keys.
        query, key, _ = self.parts(inputs)
        size = self.key_size_for(last_axis(query))
        wide = self.value_size or size
        kept = (query.dims[0] or 1) * self.heads * (size + wide) + (key.dims[0] or 1) * self.groups * (size + wide)
        return kept + elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_, known, other = Sequence(steps=None, features=4), Sequence(steps=5, features=4), Sequence(steps=3, features=2)
        rotary: dict[str, Any] = {"positions": "rotary", "causal": True}
        return [
            (cls(2), (open_,)),
            (cls(2, causal=True, attention_dropout=0.3), (known,)),
            (cls(2, key_size=3, value_size=5, units=3, bias=False, activation="tanh"), (known, other)),
            (cls(2, units=2), (open_, other, other.replace(features=5))),
            (cls(4, kv_heads=2, query_norm=True, **rotary), (Sequence(steps=None, features=8),)),
            (cls(2, kv_heads=1, rotary_pairs="neighbours", rotary_fraction=0.5, key_size=5, rotary_base=100.0, **rotary), (open_,)),
            (cls(2, window=2, positions="rotary"), (open_,)),
            (cls(3, window=3, key_size=2, positions="alibi", causal=True), (open_,)),
            (cls(2, positions="alibi"), (open_,)),
            (cls(1, causal=True), (open_, open_)),
        ]
