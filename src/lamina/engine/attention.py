"""The arithmetic of attention: which steps are looked at, how places are told, and keys and values kept from step to step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.masks import combined
from lamina.engine.state import Memory
from lamina.errors import TrainingError

Lookup = Callable[[str], Tensor | None]
"""A layer's parameters as they are now, by their plain names; None for those it hasn't got."""
Masks = tuple[Tensor | None, ...]


class Attending:
    """What all attention over steps has in common, without parameters; subclasses say how steps are compared.

    A *place* is the number of a step among the real steps of its sequence, -1 for one that is not real, so that everything that
    depends on distance comes out as for each sequence alone.

    Args:
        causal: Whether a step looks at itself and at steps before it only.
        window: How far it looks; None for everywhere.
        dropout: Probability of dropping weights, in training.
    """

    heads: int = 1
    """Heads of keys and values."""
    uses_places: bool = False
    """Whether more depends on places than what may be looked at."""
    key_size: int
    value_size: int

    def __init__(self, *, causal: bool = False, window: int | None = None, dropout: float = 0.0) -> None:
        self.causal = causal
        self.window = window
        self.dropout = dropout

    # -- what subclasses say ----------------------------------------------------------------------------------------

    def queries(self, p: Lookup, x: Tensor, places: Tensor | None) -> Tensor:
        """Queries ``[batch, heads, steps, size]``."""
        raise NotImplementedError

    def keys(self, p: Lookup, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        """Keys and values ``[batch, heads, steps, size]``."""
        raise NotImplementedError

    def together(self, p: Lookup, x: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of one sequence."""
        return self.queries(p, x, places), *self.keys(p, x, x, places)

    def mix(self, p: Lookup, q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, bias: Tensor | None, dropout: float) -> Tensor:
        """What each query takes: ``[batch, heads, steps, size]``.

        Args:
            p: Parameters.
            q: Queries.
            k: Keys.
            v: Values.
            allowed: Which keys each query may look at, ``[batch or 1, 1, queries, keys]``; None: all, or if ``causal`` those up to
                its own place.
            bias: Added to the scores.
            dropout: Probability of dropping a weight.
        """
        raise NotImplementedError

    def finish(self, p: Lookup, y: Tensor) -> Tensor:
        """The output, from what the heads took."""
        raise NotImplementedError

    def bias(self, queries: Tensor, keys: Tensor) -> Tensor | None:
        """What is added to the scores because of places."""
        return None

    # -- whole sequences --------------------------------------------------------------------------------------------

    def run(self, p: Lookup, inputs: tuple[Tensor, ...], masks: Masks, *, training: bool) -> Tensor:
        """Attend over whole sequences.

        Args:
            p: Parameters.
            inputs: Query, or query and key, or query, key and value.
            masks: Which steps of each are real; None: all.
            training: Whether weights are dropped.
        """
        query, key, value = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]
        own, other = masks[0], masks[0] if len(inputs) == 1 else combined(masks[1:])
        dropout = self.dropout if training else 0.0
        # No distance in so short a sequence reaches beyond the window.
        narrow = self.window is not None and self.window < max(query.shape[1], key.shape[1])
        plain = other is None and not narrow and not self.uses_places
        # Masks of queries alone matter where places do.
        if plain and (own is None or not self.causal):
            q, k, v = self.together(p, query, None) if len(inputs) == 1 else (self.queries(p, query, None), *self.keys(p, key, value, None))
            return self.finish(p, self.mix(p, q, k, v, None, None, dropout))
        here = places(query, own)
        there = here if len(inputs) == 1 else places(key, other)
        if len(inputs) == 1:
            q, k, v = self.together(p, query, here)
        else:
            q, (k, v) = self.queries(p, query, here), self.keys(p, key, value, there)
        # torch's own causal mask needs no matrix, where nothing else is forbidden and nothing is added.
        allowed = None if own is None and other is None and not narrow else self._allowed(here, there)
        bias = self.bias(here, there)
        if bias is not None and allowed is None and self.causal:
            allowed = self._allowed(here, there)
        return self.finish(p, self.mix(p, q, k, v, allowed, bias, dropout))

    def _allowed(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Which keys each query may look at: ``[batch or 1, 1, queries, keys]``."""
        found = (keys >= 0)[:, None, :]
        distance = queries[:, :, None] - keys[:, None, :]
        if self.causal:
            found = found & (distance >= 0)
        if self.window is not None:
            found = found & (distance.abs() < self.window)
        return found.expand(-1, queries.shape[1], -1).unsqueeze(1)

    # -- piece by piece ---------------------------------------------------------------------------------------------

    def start(self, batch: int, like: Tensor) -> Memory:
        """The memory before the first step: no keys."""
        return {
            "key": like.new_zeros(batch, self.heads, 0, self.key_size),
            "value": like.new_zeros(batch, self.heads, 0, self.value_size),
            "place": like.new_zeros((batch, 0), dtype=torch.int64),
            "count": like.new_zeros((batch, 2), dtype=torch.int64),
        }

    def step(
        self, p: Lookup, inputs: tuple[Tensor, ...], masks: Masks, memory: Memory, *, training: bool, where: str
    ) -> tuple[Tensor, Memory]:
        """Attend for some further steps; not causal, keys and values are whole and the same in every call."""
        query, key, value = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]
        own, other = masks[0], masks[0] if len(inputs) == 1 else combined(masks[1:])
        # Real queries and keys so far.
        count = memory["count"].to(query.device)
        here = _after(places(query, own), count[:, :1])
        count = torch.stack([count[:, 0] + (here >= 0).sum(1), count[:, 1]], 1)
        k, v, there = memory["key"], memory["value"], memory["place"]
        q = self.queries(p, query, here)
        if self.causal:
            if key.shape[1] != query.shape[1]:
                raise _apart(where, query.shape[1], key.shape[1])
            new = _after(places(key, other), count[:, 1:])
            count = torch.stack([count[:, 0], count[:, 1] + (new >= 0).sum(1)], 1)
            more = self.keys(p, key, value, new)
            k, v = (torch.cat([old.to(fresh), fresh], 2) for old, fresh in zip((k, v), more, strict=True))
            there = torch.cat([there.to(new.device), new], 1)
        elif k.shape[2] == 0:
            there = places(key, other).expand(len(query), -1)
            k, v = self.keys(p, key, value, there)
        y = self.mix(p, q, k, v, self._allowed(here, there), self.bias(here, there), self.dropout if training else 0.0)
        if self.causal and self.window is not None:
            k, v, there = self._recent(k, v, there, count[:, :1])
        return self.finish(p, y), {"key": k, "value": v, "place": there, "count": count}

    def _recent(self, k: Tensor, v: Tensor, there: Tensor, count: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Without the keys at the front that no later step can look at."""
        seen = ((there > count - (self.window or 1)) & (there >= 0)).any(0)
        first = int(seen.int().argmax()) if bool(seen.any()) else there.shape[1]
        return k[:, :, first:], v[:, :, first:], there[:, first:]


def places(x: Tensor, mask: Tensor | None) -> Tensor:
    """Number of each step among the real ones, -1 for those that are not: ``[batch, steps]``, or ``[1, steps]`` without a mask."""
    if mask is None:
        return torch.arange(x.shape[1], device=x.device)[None]
    return torch.where(mask, mask.cumsum(1) - 1, -1)


def widest(device: torch.device) -> torch.dtype:
    """The widest floats that a device computes with."""
    return torch.float32 if device.type == "mps" else torch.float64


def _after(own: Tensor, count: Tensor) -> Tensor:
    """Places that go on from ``count [batch, 1]``, for every sample."""
    return torch.where(own >= 0, own + count, -1)


def weigh(scores: Tensor, allowed: Tensor | None) -> Tensor:
    """Weights of keys from scores: a softmax over those that are allowed, zeros where none is."""
    if allowed is None:
        return scores.softmax(-1)
    some = allowed.any(-1, keepdim=True)
    return scores.masked_fill(~allowed & some, -torch.inf).softmax(-1) * some


def dot_product(
    q: Tensor, k: Tensor, v: Tensor, *, allowed: Tensor | None, bias: Tensor | None, causal: bool, scale: float | None, dropout: float
) -> Tensor:
    """``softmax(scale Q K^T + bias) V`` in each head, by torch's fused kernel; zeros for a query without any key.

    Args:
        q: Queries ``[batch, heads, steps, size]``.
        k: Keys; of fewer heads, each serves as many heads of queries, one after another.
        v: Values.
        allowed: Which keys each query may look at.
        bias: Added to the scores.
        causal: Where ``allowed`` and ``bias`` are None: queries look at keys up to their own place.
        scale: None for ``1 / sqrt(size)``.
        dropout: Probability of dropping a weight.
    """
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    if q.device.type == "cpu" and q.dtype in (torch.bfloat16, torch.float16):
        # On CPUs the kernel for short floats goes backward three times slower than that for float32 (torch 2.13).
        with torch.autocast("cpu", enabled=False):
            wide = (x.float() for x in (q, k, v))
            return dot_product(*wide, allowed=allowed, bias=bias, causal=causal, scale=scale, dropout=dropout).to(q.dtype)
    bias = None if bias is None else bias.to(q.dtype)
    if allowed is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, is_causal=causal and bias is None, scale=scale)
    some = allowed.any(-1, keepdim=True)
    seen = allowed | ~some
    mask = seen if bias is None else bias.masked_fill(~seen, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, scale=scale).masked_fill(~some, 0.0)


def _apart(where: str, queries: int, keys: int) -> TrainingError:
    return TrainingError(
        "EN090",
        where=where,
        expected=f"keys for the same {queries} steps as the queries",
        got=f"{keys} steps of keys",
        cause="in causal attention, keys and queries of a step come together; all keys at once are for attention that is not causal",
        fix="set causal: false to look at all keys, or give the input of the keys piece by piece too",
    )
