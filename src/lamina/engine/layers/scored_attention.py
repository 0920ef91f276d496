"""How attention without heads runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.attention import Attending, Lookup, Masks, dot_product, weigh
from lamina.engine.layers.attention import AttentionModule
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.layer import last_axis
from lamina.network.layers.scored_attention import AdditiveAttention, AttentionPooling, DotProductAttention


class Plain(Attending):
    """One head, and values as they are.

    Args:
        layer: The description.
        key: Length of what is kept as a key.
        value: Length of a value.
    """

    def __init__(self, layer: Any, key: int, value: int) -> None:
        super().__init__(causal=layer.causal, dropout=layer.attention_dropout)
        self.key_size, self.value_size = key, value

    def queries(self, p: Lookup, x: Tensor, places: Tensor | None) -> Tensor:
        return x.unsqueeze(1)

    def keys(self, p: Lookup, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        return key.unsqueeze(1), value.unsqueeze(1)

    def finish(self, p: Lookup, y: Tensor) -> Tensor:
        return y.squeeze(1)


class DotProduct(Plain):
    """Scores by dot products.

    Args:
        layer: The description.
        query: Length of a query, and of a key as it is kept.
        key: Length of a key as it is given.
        value: Length of a value.
    """

    def __init__(self, layer: Any, query: int, key: int, value: int) -> None:
        super().__init__(layer, query, value)
        self._scale = key**-0.5 if layer.scale == "sqrt" else 1.0
        self._general, self._learned = layer.score == "general", layer.scale == "learned"

    def keys(self, p: Lookup, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        weight = p("weight") if self._general else None
        return (key if weight is None else F.linear(key, weight)).unsqueeze(1), value.unsqueeze(1)

    def mix(self, p: Lookup, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, bias: Tensor | None, dropout: float) -> Tensor:
        scale = p("scale") if self._learned else None
        q = q if scale is None else q * scale
        return dot_product(q, k, v, allowed=allowed, bias=bias, causal=self.causal, scale=self._scale, dropout=dropout)


class Additive(Plain):
    """Scores by a small network."""

    def queries(self, p: Lookup, x: Tensor, places: Tensor | None) -> Tensor:
        weight = p("query_weight")
        return (x if weight is None else F.linear(x, weight, p("bias"))).unsqueeze(1)

    def keys(self, p: Lookup, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        weight = p("key_weight")
        return (key if weight is None else F.linear(key, weight)).unsqueeze(1), value.unsqueeze(1)

    def mix(self, p: Lookup, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, bias: Tensor | None, dropout: float) -> Tensor:
        hidden = torch.tanh(q.unsqueeze(3) + k.unsqueeze(2))
        weight = p("score_weight")
        scores = hidden.sum(-1) if weight is None else hidden @ weight
        if allowed is None and self.causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        return F.dropout(weigh(scores, allowed), dropout, training=dropout > 0) @ v


@runs(DotProductAttention)
class DotProductAttentionModule(AttentionModule):
    """Runs `DotProductAttention`."""

    def attending(self) -> Attending:
        layer: Any = self.node.layer
        return DotProduct(layer, *(last_axis(shape) for shape in layer.parts(self.node.input_shapes)))


@runs(AdditiveAttention)
class AdditiveAttentionModule(AttentionModule):
    """Runs `AdditiveAttention`."""

    def attending(self) -> Attending:
        layer: Any = self.node.layer
        query, _, value = (last_axis(shape) for shape in layer.parts(self.node.input_shapes))
        return Additive(layer, layer.units or query, value)


@runs(AttentionPooling)
class AttentionPoolingModule(ParametricModule):
    """A mean of the steps."""

    score_weight: Tensor

    def compute(self, x: Tensor) -> Tensor:
        return self._pooled(x, None)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        return self.activated(self.noisily(lambda x: self._pooled(x, masks[0]), inputs)), None

    def _pooled(self, x: Tensor, mask: Tensor | None) -> Tensor:
        weight = self._parameters.get("weight")
        judged = x if weight is None else torch.tanh(F.linear(x, weight, self._parameters.get("bias")))
        return (weigh(judged @ self.score_weight, mask).unsqueeze(1) @ x).squeeze(1)
