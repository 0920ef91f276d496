"""How attention runs: torch's fused kernels, masks as places, keys and values kept between pieces."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.attention import Attending, Lookup, Masks, dot_product, widest
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.state import Memory
from lamina.network.layers.attention import MultiHeadAttention, Positioned
from lamina.network.layers.layer import last_axis
from lamina.network.plan import Node

NORM_EPSILON = 1e-6


class AttentionModule(ParametricModule):
    """A layer that is one attention."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._attending = self.attending()

    def attending(self) -> Attending:
        """The arithmetic."""
        raise NotImplementedError(type(self).__name__)

    def compute(self, *inputs: Tensor) -> Tensor:
        return self._attending.run(self._parameters.get, inputs, (None,) * len(inputs), training=self.training)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        y = self.noisily(lambda *xs: self._attending.run(self._parameters.get, xs, masks, training=self.training), inputs)
        return self.activated(y), mask_of(y, masks)

    def start_state(self, batch: int) -> Memory:
        return self._attending.start(batch, next(self.parameters(), torch.zeros(0)))

    def step(self, inputs: tuple[Tensor, ...], masks: Masks, state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        if not self.node.can_step:
            return super().step(inputs, masks, state)
        where = f"layer {self.node.name!r} ({self.node.layer.type_name})"

        def run(*xs: Tensor) -> tuple[Tensor, Memory]:
            return self._attending.step(self._parameters.get, xs, masks, state, training=self.training, where=where)

        y, after = self.noisily(run, inputs)
        return self.activated(y), mask_of(y, masks), after


def mask_of(y: Tensor, masks: Masks) -> Tensor | None:
    """The mask of the queries; where others have masks, all real."""
    if masks[0] is not None or all(mask is None for mask in masks):
        return masks[0]
    return torch.ones(y.shape[:2], dtype=torch.bool, device=y.device)


class Heads(Attending):
    """Several heads with linear layers before and after.

    Args:
        layer: The description.
        features: Length of the query's vectors.
    """

    def __init__(self, layer: Positioned, features: int) -> None:
        super().__init__(causal=layer.causal, window=layer.window, dropout=layer.attention_dropout)
        self.heads = layer.groups
        self.key_size = layer.key_size_for(features)
        self.value_size = layer.value_size or self.key_size
        self.uses_places = layer.positions is not None
        self._turned = layer.turned(self.key_size) if layer.positions == "rotary" else 0
        self._base, self._halves = float(layer.rotary_base), layer.rotary_pairs == "halves"
        self._slopes = alibi_slopes(layer.heads) if layer.positions == "alibi" else None

    def queries(self, p: Lookup, x: Tensor, places: Tensor | None) -> Tensor:
        return self._placed(p, "query", self._split(linear(p, "query", x), self.key_size), places)

    def keys(self, p: Lookup, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        k = self._placed(p, "key", self._split(linear(p, "key", key), self.key_size), places)
        return k, self._split(linear(p, "value", value), self.value_size)

    def together(self, p: Lookup, x: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        # One product is faster than three.
        weights = [weight for name in ("query", "key", "value") if (weight := p(f"{name}_weight")) is not None]
        biases = [bias for name in ("query", "key", "value") if (bias := p(f"{name}_bias")) is not None]
        y = F.linear(x, torch.cat(weights), torch.cat(biases) if biases else None)
        q, k, v = torch.split(y, [len(weight) for weight in weights], -1)
        queries = self._placed(p, "query", self._split(q, self.key_size), places)
        keys = self._placed(p, "key", self._split(k, self.key_size), places)
        return queries, keys, self._split(v, self.value_size)

    def mix(self, p: Lookup, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, bias: Tensor | None, dropout: float) -> Tensor:
        return dot_product(q, k, v, allowed=allowed, bias=bias, causal=self.causal, scale=None, dropout=dropout)

    def finish(self, p: Lookup, y: Tensor) -> Tensor:
        return linear(p, "output", y.transpose(1, 2).flatten(2))

    def bias(self, queries: Tensor, keys: Tensor) -> Tensor | None:
        if self._slopes is None:
            return None
        slopes = torch.tensor(self._slopes, device=queries.device, dtype=widest(queries.device))
        distance = (queries[:, None, :, None] - keys[:, None, None, :]).abs()
        found: Tensor = -slopes[None, :, None, None] * distance
        return found

    def _split(self, x: Tensor, size: int) -> Tensor:
        return x.reshape(*x.shape[:2], x.shape[-1] // size, size).transpose(1, 2)

    def _placed(self, p: Lookup, name: str, x: Tensor, places: Tensor | None) -> Tensor:
        gain = p(f"{name}_gain")
        if gain is not None:
            x = F.rms_norm(x, gain.shape, gain, NORM_EPSILON)
        if not self._turned or places is None:
            return x
        return rotate(x, places, size=self._turned, base=self._base, halves=self._halves)


def linear(p: Lookup, name: str, x: Tensor) -> Tensor:
    """The linear layer of that name."""
    weight: Any = p(f"{name}_weight")
    return F.linear(x, weight, p(f"{name}_bias"))


def rotate(x: Tensor, places: Tensor, *, size: int, base: float, halves: bool) -> Tensor:
    """Turn the first ``size`` numbers of each vector in pairs; pair i by ``place * base^(-2 i / size)``.

    Args:
        x: ``[batch, heads, steps, n]``.
        places: ``[batch or 1, steps]``.
        size: Even.
        base: Of the angles.
        halves: Whether pair i is the numbers i and ``i + size / 2``; else ``2 i`` and ``2 i + 1``.
    """
    exact = torch.float64 if x.dtype == torch.float64 else torch.float32
    speeds = base ** (torch.arange(0, size, 2, device=x.device, dtype=exact) / -size)
    angles = (places.to(exact)[:, :, None] * speeds)[:, None]
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    turning, rest = (x, None) if size == x.shape[-1] else (x[..., :size], x[..., size:])
    first, second = turning.chunk(2, -1) if halves else (turning[..., ::2], turning[..., 1::2])
    pair = (first * cosine - second * sine, first * sine + second * cosine)
    turned = torch.cat(pair, -1) if halves else torch.stack(pair, -1).flatten(-2)
    return turned if rest is None else torch.cat((turned, rest), -1)


def alibi_slopes(heads: int) -> list[float]:
    """Slopes of the heads, as in the paper: powers of ``2^(-8 / heads)``.

    For a count that is no power of two, those of the next lower one, then every second of the next higher.
    """
    whole = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / whole) for i in range(whole)]
    return [*slopes, *(2 ** (-4 * (2 * i + 1) / whole) for i in range(heads - whole))]


@runs(MultiHeadAttention)
class MultiHeadAttentionModule(AttentionModule):
    """Runs `MultiHeadAttention`."""

    def attending(self) -> Attending:
        layer: Any = self.node.layer
        return Heads(layer, last_axis(self.node.input_shapes[0]))
