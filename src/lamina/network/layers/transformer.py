"""Transformer blocks: attention and a feed-forward part, each beside a path that leads past it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from lamina.network.activations import Activation, Gelu
from lamina.network.layers.attention import MultiHeadAttention, Positioned
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis
from lamina.shapes import Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count, Positive, Probability


class Transformer(Positioned):
    """What encoder and decoder blocks share. Input and output: ``[batch, steps, n]``.

    Attributes:
        heads: Parts of the attention that look by themselves.
        hidden: Width of the feed-forward part; four times the features unless set.
        activation: In the feed-forward part; GELU. The network's ``defaults`` leave it alone.
        gated: Multiply its hidden numbers by a second linear layer of the input: ``activation(x W_g) * (x W_h)`` (Shazeer 2020);
            with ``activation: swish`` this is SwiGLU.
        norm: ``layer`` or ``rms`` normalisation.
        norm_first: Normalise what goes into each part (GPT-2 and later), or else what comes out beside the path past it (the
            original; torch's default).
        norm_epsilon: Added to the variance there.
        hidden_dropout: In training, probability of dropping a hidden number of the feed-forward part.
        residual_dropout: The same for what each part adds to the path past it.
    """

    positional: ClassVar[tuple[str, ...]] = ("heads",)
    input_count: ClassVar[tuple[int, int | None]] = (1, 1)
    attentions: ClassVar[tuple[str, ...]] = ("attention",)
    """Names of the attentions, in order."""

    hidden: Count | None = None
    activation: Activation = Gelu()
    gated: bool = False
    norm: Literal["layer", "rms"] = "layer"
    norm_first: bool = True
    norm_epsilon: Positive = 1e-5
    hidden_dropout: Probability = 0.0
    residual_dropout: Probability = 0.0

    @property
    def random(self) -> bool:
        return super().random or self.hidden_dropout > 0 or self.residual_dropout > 0

    def attention(self, name: str) -> MultiHeadAttention:
        """The description of one of the attentions."""
        shared = {"heads", "key_size", "value_size", "kv_heads", "query_norm", "bias", "attention_dropout"}
        own = {"causal", "window", "positions", "rotary_base", "rotary_fraction", "rotary_pairs"} if name == "attention" else set()
        return MultiHeadAttention(**{setting: getattr(self, setting) for setting in shared | own})

    def attention_inputs(self, name: str, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """What one of the attentions is given."""
        return inputs[:1] if name == "attention" else inputs

    def hidden_for(self, features: int) -> int:
        """Width of the feed-forward part."""
        return self.hidden or 4 * features

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.key_size_for(last_axis(inputs[0]))
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found: dict[str, Parameter] = {}
        for name in self.attentions:
            found |= self._norm(f"{name}_norm", count)
            own = self.attention(name).parameters(self.attention_inputs(name, inputs))
            found |= {f"{name}/{key}": parameter for key, parameter in own.items()}
        found |= self._norm("feed_norm", count)
        wide = self.hidden_for(count)
        sizes = {"hidden": (wide, count), **({"gate": (wide, count)} if self.gated else {}), "output": (count, wide)}
        for key, shape in sizes.items():
            found[f"feed/{key}_weight"] = Parameter(shape, "weight", shape[1], shape[0])
            if self.bias:
                found[f"feed/{key}_bias"] = Parameter(shape[:1], "bias", shape[1], shape[0])
        return found

    def _norm(self, name: str, count: int) -> dict[str, Parameter]:
        found = {f"{name}/weight": Parameter((count,), "gain")}
        if self.bias and self.norm == "layer":
            found[f"{name}/bias"] = Parameter((count,), "bias")
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        feed = (3 if self.gated else 2) * 2 * elements(inputs[0]) * self.hidden_for(last_axis(inputs[0]))
        attended = [self.attention(name).flops(self.attention_inputs(name, inputs), output) for name in self.attentions]
        return feed + sum(attended) + 6 * (len(attended) + 1) * elements(inputs[0])

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps, count = inputs[0].dims[0] or 1, last_axis(inputs[0])
        attended = [self.attention(name).activation_size(self.attention_inputs(name, inputs), output) for name in self.attentions]
        return sum(attended) + steps * self.hidden_for(count) * (3 if self.gated else 2) + (len(attended) + 2) * elements(output)


@register("transformer_encoder")
class TransformerEncoder(Transformer):
    """A transformer block of self-attention and feed-forward part (Vaswani et al. 2017); with ``causal`` a block of GPT.

    With ``norm_first``: ``y = x + attention(norm(x))``, output ``y + feed(norm(y))``; else ``y = norm(x + attention(x))``, output
    ``norm(y + feed(y))``. Arithmetic and layouts are those of ``torch.nn.TransformerEncoderLayer``.

    Parameters: ``attention/...`` as for `MultiHeadAttention`; ``attention_norm/weight``, ``feed_norm/weight [n]``, each with a
    ``bias`` for ``norm: layer``; ``feed/hidden_weight [hidden, n]``, with ``gated`` also ``feed/gate_weight``, and
    ``feed/output_weight [n, hidden]``, each with its ``_bias``; no biases at all with ``bias: false``.

    Example:
        >>> from lamina.shapes import sequence
        >>> block = TransformerEncoder(4, causal=True, positions="rotary", norm="rms", gated=True, activation="swish", bias=False)
        >>> str(block.infer((sequence(None, 64),))), len(block.parameters((sequence(None, 64),)))
        ('[batch, ?, 64]', 9)
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_ = Sequence(steps=None, features=4)
        return [
            (cls(2, hidden=5), (open_,)),
            (cls(1, norm_first=False, activation="relu", attention_dropout=0.1, hidden_dropout=0.2, residual_dropout=0.3), (open_,)),
            (cls(2, causal=True, positions="rotary", norm="rms", gated=True, hidden=3, activation="swish", bias=False), (open_,)),
            (cls(2, causal=True, kv_heads=1, window=2, norm="rms", norm_first=False, hidden=6), (Sequence(steps=5, features=4),)),
        ]


@register("transformer_decoder")
class TransformerDecoder(Transformer):
    """A transformer block that also looks at what an encoder gives (Vaswani et al. 2017): inputs ``[x, encoded]`` in a graph.

    Self-attention, causal unless set otherwise; attention to ``encoded [batch, other steps, m]``; feed-forward part. Arithmetic
    and layouts are those of ``torch.nn.TransformerDecoderLayer``. ``positions`` and ``window`` are for the self-attention.

    Parameters: those of `TransformerEncoder`, and ``cross/...`` (as for `MultiHeadAttention`) and ``cross_norm/...``.

    Run piece by piece, ``encoded`` must be known as a whole before the first step; its keys and values are computed once.

    Attributes:
        causal: The self-attention looks at no later step.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(TransformerDecoder(4).infer((sequence(None, 64), sequence(20, 32))))
        '[batch, ?, 64]'
    """

    input_count: ClassVar[tuple[int, int | None]] = (2, 2)
    attentions: ClassVar[tuple[str, ...]] = ("attention", "cross")

    causal: bool = True

    def whole_inputs(self, count: int) -> tuple[int, ...]:
        return (1,) if self.causal else ()

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_, other = Sequence(steps=None, features=4), Sequence(steps=None, features=3)
        settings: dict[str, Any] = {"norm": "rms", "gated": True, "activation": "swish", "bias": False, "hidden": 3}
        return [
            (cls(2, hidden=5), (open_, other)),
            (cls(1, causal=False, norm_first=False, hidden=3, residual_dropout=0.2), (open_, open_)),
            (cls(2, kv_heads=1, positions="rotary", **settings), (open_, Sequence(steps=3, features=2))),
        ]
