"""Attention against torch's own module, and against arithmetic written out in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.attention import dot_product
from lamina.engine.build import build
from lamina.engine.layers.attention import alibi_slopes
from lamina.engine.network import NetworkModule
from lamina.errors import DescriptionError, ShapeError, TrainingError
from lamina.network.layers import Layer, MultiHeadAttention
from lamina.shapes import Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64


def made(layer: Layer, *shapes: Shape) -> tuple[NetworkModule, dict[str, np.ndarray]]:
    network = build(plan_of(layer, shapes), 3, dtype=F64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network, {name.removeprefix("tested/"): value for name, value in network.named_arrays().items()}


def drawn(*sizes: int, seed: int = 5) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed), dtype=F64)


def assert_same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a.detach() if isinstance(a, Tensor) else a), np.asarray(b), rtol=1e-10, atol=1e-11)


# -- torch -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_self_attention_is_torchs(*, causal: bool, bias: bool) -> None:
    network, weights = made(MultiHeadAttention(3, causal=causal, bias=bias), Sequence(steps=None, features=6))
    other = nn.MultiheadAttention(6, 3, bias=bias, batch_first=True, dtype=F64).eval()
    names = ("query", "key", "value")
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.from_numpy(np.concatenate([weights[f"{name}_weight"] for name in names])))
        other.out_proj.weight.copy_(torch.from_numpy(weights["output_weight"]))
        if bias:
            other.in_proj_bias.copy_(torch.from_numpy(np.concatenate([weights[f"{name}_bias"] for name in names])))
            other.out_proj.bias.copy_(torch.from_numpy(weights["output_bias"]))
    x, mask = drawn(4, 7, 6), torch.arange(7)[None] < torch.tensor([7, 3, 5, 1])[:, None]
    forbidden = ~torch.ones(7, 7, dtype=torch.bool).tril() if causal else None
    assert_same(network(x)["tested"], other(x, x, x, attn_mask=forbidden, need_weights=False)[0].detach())
    (y,), _ = network.run(x, {"input_1": mask})
    wanted = other(x, x, x, attn_mask=forbidden, key_padding_mask=~mask, need_weights=False)[0].detach()
    assert_same(y[mask], wanted[mask])


def test_cross_attention_is_torchs() -> None:
    shapes = (Sequence(steps=None, features=6), Sequence(steps=None, features=5), Sequence(steps=None, features=4))
    network, weights = made(MultiHeadAttention(2), *shapes)
    other = nn.MultiheadAttention(6, 2, batch_first=True, kdim=5, vdim=4, dtype=F64).eval()
    with torch.no_grad():
        for short, name in (("q", "query"), ("k", "key"), ("v", "value")):
            getattr(other, f"{short}_proj_weight").copy_(torch.from_numpy(weights[f"{name}_weight"]))
        other.in_proj_bias.copy_(torch.from_numpy(np.concatenate([weights[f"{n}_bias"] for n in ("query", "key", "value")])))
        other.out_proj.weight.copy_(torch.from_numpy(weights["output_weight"]))
        other.out_proj.bias.copy_(torch.from_numpy(weights["output_bias"]))
    q, k, v = drawn(2, 4, 6), drawn(2, 3, 5, seed=6), drawn(2, 3, 4, seed=7)
    inputs = {"input_1": q, "input_2": k, "input_3": v}
    assert_same(network(inputs)["tested"], other(q, k, v, need_weights=False)[0].detach())


# -- written out -------------------------------------------------------------------------------------------------------


def turned(x: np.ndarray, place: int, size: int, base: float, *, halves: bool) -> np.ndarray:
    """One vector, pair by pair, by a rotation matrix."""
    y = x.copy()
    for i in range(size // 2):
        angle = place * base ** (-2 * i / size)
        a, b = (i, i + size // 2) if halves else (2 * i, 2 * i + 1)
        y[a], y[b] = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ x[[a, b]]
    return y


def by_hand(layer: MultiHeadAttention, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """One sequence ``[steps, n]``, head by head, step by step."""
    heads, groups = layer.heads, layer.groups
    size = layer.key_size_for(x.shape[1])
    bias = {name: w.get(f"{name}_bias", 0.0) for name in ("query", "key", "value", "output")}
    q, k, v = (x @ w[f"{name}_weight"].T + bias[name] for name in ("query", "key", "value"))
    taken = []
    for head in range(heads):
        group = head // (heads // groups)
        qs, ks = q[:, head * size : (head + 1) * size], k[:, group * size : (group + 1) * size]
        wide = v.shape[1] // groups
        vs = v[:, group * wide : (group + 1) * wide]
        if layer.query_norm:
            qs = qs / np.sqrt((qs**2).mean(-1, keepdims=True) + 1e-6) * w["query_gain"]
            ks = ks / np.sqrt((ks**2).mean(-1, keepdims=True) + 1e-6) * w["key_gain"]
        if layer.positions == "rotary":
            halves = layer.rotary_pairs == "halves"
            count = int(size * layer.rotary_fraction) // 2 * 2
            qs, ks = (np.stack([turned(row, i, count, layer.rotary_base, halves=halves) for i, row in enumerate(m)]) for m in (qs, ks))
        rows = []
        for i in range(len(x)):
            seen = [j for j in range(len(x)) if (not layer.causal or j <= i) and (layer.window is None or abs(i - j) < layer.window)]
            slope = 2.0 ** (-8 * (head + 1) / heads) if layer.positions == "alibi" else 0.0
            scores = np.array([qs[i] @ ks[j] / math.sqrt(size) - slope * abs(i - j) for j in seen])
            weight = np.exp(scores - scores.max())
            rows.append(weight / weight.sum() @ vs[seen])
        taken.append(np.stack(rows))
    return np.concatenate(taken, 1) @ w["output_weight"].T + bias["output"]


KINDS = [
    {"heads": 4, "kv_heads": 2, "positions": "rotary", "causal": True},
    {"heads": 4, "kv_heads": 1, "positions": "rotary", "rotary_pairs": "neighbours", "rotary_base": 50.0, "key_size": 6, "value_size": 3},
    {"heads": 2, "positions": "rotary", "rotary_fraction": 0.5, "causal": True, "window": 3, "bias": False},
    {"heads": 4, "positions": "alibi", "causal": True},
    {"heads": 2, "positions": "alibi", "window": 2, "units": 3},
    {"heads": 2, "query_norm": True, "causal": True, "window": 4},
    {"heads": 2, "kv_heads": 1},
]


@pytest.mark.parametrize("settings", KINDS)
def test_written_out_with_masks_and_piece_by_piece(settings: dict[str, Any]) -> None:
    layer = MultiHeadAttention(**settings)
    network, weights = made(layer, Sequence(steps=None, features=8))
    x = drawn(4, 9, 8)
    real = torch.tensor([[1] * 9, [1] * 4 + [0] * 5, [0] * 3 + [1] * 6, [0, 0, 1, 1, 1, 1, 0, 0, 0]], dtype=torch.bool)
    assert_same(network(x)["tested"], np.stack([by_hand(layer, weights, row.numpy()) for row in x]))
    spoiled = torch.where(real[..., None], x, torch.full_like(x, 1e4))
    (y,), mask = network.run(spoiled, {"input_1": real})
    assert mask[0] is real
    wanted = [by_hand(layer, weights, row[own].numpy()) for row, own in zip(x, real, strict=True)]
    for row, own, right in zip(y, real, wanted, strict=True):
        assert_same(row[own], right)
    if not layer.causal:
        with pytest.raises(TrainingError, match="attention"):
            network.advance(x[:, :2], network.start_state(4))
        return
    state, pieces = network.start_state(4), []
    for start, stop in ((0, 1), (1, 4), (4, 5), (5, 9)):
        scores, _, state = network.advance(spoiled[:, start:stop], state, {"input_1": real[:, start:stop]})
        pieces.append(scores["tested"])
    for row, own, right in zip(torch.cat(pieces, 1), real, wanted, strict=True):
        assert_same(row[own], right)
    if layer.window:
        assert state.memories["tested"]["key"].shape[2] <= 9 - 3 + layer.window


def test_a_query_without_any_key_gets_nothing_and_no_nan() -> None:
    shape, other = Sequence(steps=None, features=4), Sequence(steps=None, features=3)
    network, weights = made(MultiHeadAttention(2), shape, other)
    q, k = drawn(2, 3, 4).requires_grad_(), drawn(2, 5, 3)
    mask = torch.tensor([[False] * 5, [True] * 5])
    (y,), _ = network.run({"input_1": q, "input_2": k}, {"input_2": mask})
    assert_same(y[0], np.tile(weights["output_bias"], (3, 1)))
    y.sum().backward()
    assert q.grad is not None
    assert torch.isfinite(q.grad).all()
    assert not q.grad[0].any()


def test_keys_given_as_a_whole_are_projected_once() -> None:
    network, _ = made(MultiHeadAttention(2, positions="rotary"), Sequence(steps=None, features=4), Sequence(steps=None, features=3))
    q, k = drawn(2, 6, 4), drawn(2, 5, 3)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    (whole,), _ = network.run({"input_1": q, "input_2": k}, {"input_2": mask})
    state = network.start_state(2, {"input_2": k}, {"input_2": mask})
    first, _, state = network.advance(q[:, :2], state)
    with torch.no_grad():
        network.tensors()["tested/key_weight"].zero_()
    # Beam search: the samples in another order, one of them twice.
    order = torch.tensor([1, 0, 1])
    second, _, _ = network.advance(q[order, 2:], state.select(order))
    assert_same(first["tested"], whole[:, :2].detach())
    assert_same(second["tested"], whole[order, 2:].detach())


def test_keys_that_come_piece_by_piece_are_refused_where_all_are_needed() -> None:
    network, _ = made(MultiHeadAttention(2), Sequence(steps=None, features=4), Sequence(steps=None, features=4))
    with pytest.raises(TrainingError, match="start_state") as caught:
        network.advance({"input_1": drawn(2, 1, 4), "input_2": drawn(2, 1, 4)}, network.start_state(2))
    assert caught.value.code == "EN041"
    network, _ = made(MultiHeadAttention(2, causal=True), Sequence(steps=None, features=4), Sequence(steps=None, features=4))
    with pytest.raises(TrainingError, match="causal: false") as caught:
        network.advance(drawn(2, 1, 4), network.start_state(2, {"input_2": drawn(2, 3, 4)}))
    assert caught.value.code == "EN090"


def test_dropping_weights_is_for_training_only_and_keeps_the_mean() -> None:
    network, _ = made(MultiHeadAttention(1, attention_dropout=0.5), Sequence(steps=None, features=2))
    x = drawn(1, 4, 2)
    still = network(x)["tested"]
    network.train()
    torch.manual_seed(0)
    many = torch.stack([network(x)["tested"] for _ in range(4000)]).detach()
    assert not torch.equal(many[0], still)
    assert torch.allclose(many.mean(0), still, atol=6 * float(many.std(0).max()) / 4000**0.5)


def test_short_floats_are_added_up_in_long_ones_on_a_cpu() -> None:
    q, k, v = (drawn(2, 2, 5, 4, seed=seed).bfloat16().requires_grad_() for seed in (1, 2, 3))
    y = dot_product(q, k, v, allowed=None, bias=None, causal=True, scale=None, dropout=0.0)
    wanted = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True).bfloat16()
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, wanted)
    y.sum().backward()
    assert q.grad is not None
    assert q.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("heads", [1, 3, 8, 12])
def test_slopes_of_alibi(heads: int) -> None:
    # The paper: a geometric sequence from 2^(-8/n) for n a power of two; 8 heads: 1/2, 1/4 ... 1/256.
    exact = {1: [2**-8], 8: [2.0**-i for i in range(1, 9)], 3: [2**-4, 2**-8, 2**-2]}
    exact[12] = [*exact[8], *(2.0 ** -(i + 0.5) for i in range(4))]
    assert alibi_slopes(heads) == pytest.approx(exact[heads])


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(DescriptionError, match=r"1, 2, 4, 8"):
        MultiHeadAttention(8, kv_heads=3)
    with pytest.raises(DescriptionError, match="positions: rotary"):
        MultiHeadAttention(8, rotary_base=500.0)
    with pytest.raises(ShapeError, match="set heads to one of 1, 2, 5, 10") as caught:
        MultiHeadAttention(4).infer((Sequence(steps=None, features=10),))
    assert caught.value.code == "NN060"
    with pytest.raises(ShapeError, match="larger key_size") as caught:
        MultiHeadAttention(4, positions="rotary").infer((Sequence(steps=None, features=4),))
    assert caught.value.code == "NN061"
    with pytest.raises(ShapeError, match="query, key, value") as caught:
        MultiHeadAttention(2).infer((Sequence(steps=3, features=4), Sequence(steps=3, features=4), Sequence(steps=2, features=4)))
    assert caught.value.code == "NN003"
