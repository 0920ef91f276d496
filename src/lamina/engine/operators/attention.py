"""Attention."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator


def _heads(x: Tensor, count: int | None, context: Context) -> Tensor:
    """``[batch, heads, steps, size]`` of ``[batch, steps, heads * size]``."""
    if x.dim() == 4:
        return x
    if not count:
        raise context.refused(expected="q_num_heads and kv_num_heads for inputs of three axes", got="none", fix="set both")
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def _allowed(q: int, k: int, offset: Any, causal: bool, left: int, right: int, device: torch.device) -> Tensor | None:
    """Which keys each query may see, ``[q, k]`` or ``[batch, 1, q, k]``."""
    if not causal and left < 0 and right < 0:
        return None
    places = torch.arange(q, device=device)[:, None]
    places = places + (offset.reshape(-1, 1, 1, 1) if isinstance(offset, Tensor) else offset)
    gap = places - torch.arange(k, device=device)[None]
    found = gap >= 0 if causal else torch.ones_like(gap, dtype=torch.bool)
    if left >= 0:
        found = found & (gap <= left)
    return found & (-gap <= right) if right >= 0 else found


@operator("Attention")
def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    lengths: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: str | None = None,
    context: Context,
) -> tuple[Tensor, ...]:
    """Scaled dot product attention with several heads, a memory, windows and masks."""
    flat = query.dim() == 3
    q, k, v = _heads(query, q_num_heads, context), _heads(key, kv_num_heads, context), _heads(value, kv_num_heads, context)
    if past_key is not None and past_value is not None:
        k, v = torch.cat([past_key, k], 2), torch.cat([past_value, v], 2)
    present = k, v
    factor = math.sqrt(1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if k.shape[1] != q.shape[1]:
        times = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
    steps, keys = q.shape[2], k.shape[2]
    bias = torch.zeros(steps, keys, dtype=q.dtype, device=q.device)
    lowest = torch.full((), float("-inf"), dtype=q.dtype, device=q.device)
    if mask is not None:
        own = torch.where(mask, torch.zeros_like(lowest), lowest) if mask.dtype == torch.bool else mask.to(q.dtype)
        if own.shape[-1] < keys:
            own = torch.nn.functional.pad(own, (0, keys - own.shape[-1]), value=float("-inf"))
        bias = bias + own
    offset: Any = past_key.shape[2] if past_key is not None else 0 if lengths is None else lengths.reshape(-1) - steps
    allowed = _allowed(steps, keys, offset, bool(is_causal), left_window_size, right_window_size, q.device)
    if allowed is not None:
        bias = bias + torch.where(allowed, torch.zeros_like(lowest), lowest)
    if lengths is not None:
        real = torch.arange(keys, device=q.device)[None, None, None] < lengths.reshape(-1, 1, 1, 1)
        bias = bias + torch.where(real, torch.zeros_like(lowest), lowest)
    scores = torch.matmul(q * factor, (k * factor).transpose(-1, -2))
    shown = scores
    if softcap > 0:
        scores = torch.tanh(scores / softcap) * softcap
        shown = scores
    with_bias = scores + bias
    if qk_matmul_output_mode == 2:
        shown = with_bias
    wide = with_bias if softmax_precision is None else with_bias.to(context.dtype(softmax_precision))
    hidden = (bias.amax(-1, keepdim=True) == float("-inf")) if keys else torch.zeros_like(bias[..., :1], dtype=torch.bool)
    weights = torch.where(hidden, torch.zeros_like(wide), torch.softmax(torch.where(hidden, torch.zeros_like(wide), wide), -1)).to(q.dtype)
    if qk_matmul_output_mode == 3:
        shown = weights
    y = torch.matmul(weights, v)
    if flat:
        y = y.transpose(1, 2).flatten(2)
    return y, *present, shown


@operator("RotaryEmbedding")
def rotary_embedding(
    x: Tensor,
    cosines: Tensor,
    sines: Tensor,
    positions: Tensor | None = None,
    *,
    interleaved: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Tensor:
    """Pairs of features turned by an angle that depends on the position."""
    flat = x.dim() == 3
    y = x.reshape(x.shape[0], x.shape[1], num_heads, -1) if flat else x.transpose(1, 2)
    size = rotary_embedding_dim or y.shape[-1]
    turned, rest = y[..., :size], y[..., size:]
    if positions is not None:
        cosines, sines = cosines[positions], sines[positions]
    cosine, sine = cosines[..., : size // 2].unsqueeze(2), sines[..., : size // 2].unsqueeze(2)
    first, second = (turned[..., 0::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    real, imaginary = cosine * first - sine * second, sine * first + cosine * second
    joined = torch.stack([real, imaginary], -1).flatten(-2) if interleaved else torch.cat([real, imaginary], -1)
    y = torch.cat([joined, rest], -1)
    return y.reshape(x.shape) if flat else y.transpose(1, 2)


@operator("LinearAttention")
def linear_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    past: Tensor | None = None,
    decay: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    chunk_size: int = 0,
    kv_num_heads: int,
    q_num_heads: int,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> tuple[Tensor, Tensor]:
    """Attention through a state of fixed size, written and read step by step."""
    batch, steps, _ = query.shape

    def heads(x: Tensor, count: int) -> Tensor:
        return x.reshape(batch, steps, count, -1).transpose(1, 2).float()

    q, k, v = heads(query, q_num_heads), heads(key, kv_num_heads), heads(value, kv_num_heads)
    state = q.new_zeros(batch, kv_num_heads, k.shape[-1], v.shape[-1]) if past is None else past.float()
    fade = None if decay is None else torch.exp(heads(decay, kv_num_heads))
    rate = None if beta is None else beta.reshape(batch, steps, -1, 1).transpose(1, 2).float()
    factor = scale or 1 / math.sqrt(k.shape[-1])
    outputs = []
    for step in range(steps):
        if fade is not None:
            state = state * fade[:, :, step, :, None]
        new = v[:, :, step]
        if rate is not None:
            new = rate[:, :, step] * (new - torch.einsum("bhdm,bhd->bhm", state, k[:, :, step]))
        state = state + k[:, :, step, :, None] * new[:, :, None]
        read = state.repeat_interleave(q_num_heads // kv_num_heads, 1)
        outputs.append(factor * torch.einsum("bhd,bhdm->bhm", q[:, :, step], read))
    y = torch.stack(outputs, 1).flatten(2) if outputs else q.new_zeros(batch, 0, q_num_heads * v.shape[-1])
    return y.to(query.dtype), state.to(query.dtype if past is None else past.dtype)
