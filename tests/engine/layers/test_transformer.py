"""Transformer blocks against torch's, with the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import lamina as lm
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import TrainingError
from lamina.network.layers import Layer, TokenEmbedding, TransformerDecoder, TransformerEncoder
from lamina.shapes import Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64
STEPS = Sequence(steps=None, features=6)


def made(layer: Layer, *shapes: Shape) -> NetworkModule:
    network = build(plan_of(layer, shapes), 3, dtype=F64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network


def drawn(*sizes: int, seed: int = 5) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed), dtype=F64)


def copy_attention(network: NetworkModule, name: str, other: nn.MultiheadAttention) -> None:
    tensors = network.tensors()
    for kind in ("weight", "bias"):
        own = [tensors.get(f"tested/{name}/{part}_{kind}") for part in ("query", "key", "value", "output")]
        if own[0] is not None:
            getattr(other, f"in_proj_{kind}").copy_(torch.cat(own[:3]))
            getattr(other.out_proj, kind).copy_(own[3])


def copy_rest(network: NetworkModule, other: nn.Module, names: dict[str, str]) -> None:
    tensors = network.tensors()
    for theirs, ours in names.items():
        module = other.get_submodule(theirs)
        module.weight.copy_(tensors[f"tested/{ours}weight"])
        if module.bias is not None:
            module.bias.copy_(tensors[f"tested/{ours}bias"])


FEED = {"linear1": "feed/hidden_", "linear2": "feed/output_"}
SETTINGS: list[dict[str, Any]] = [
    {"norm_first": False, "activation": "relu"},
    {"norm_first": True, "activation": "gelu"},
    {"norm_first": True, "activation": "relu", "bias": False, "norm_epsilon": 1e-3},
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
def test_an_encoder_block_is_torchs(settings: dict[str, Any], *, causal: bool) -> None:
    network = made(TransformerEncoder(3, hidden=7, causal=causal, **settings), STEPS)
    kinds = {key: value for key, value in settings.items() if key != "norm_epsilon"}
    other = nn.TransformerEncoderLayer(
        6, 3, 7, 0.0, batch_first=True, dtype=F64, layer_norm_eps=settings.get("norm_epsilon", 1e-5), **kinds
    ).eval()
    with torch.no_grad():
        copy_attention(network, "attention", other.self_attn)
        copy_rest(network, other, {**FEED, "norm1": "attention_norm/", "norm2": "feed_norm/"})
    x, mask = drawn(3, 5, 6), torch.arange(5)[None] < torch.tensor([5, 2, 4])[:, None]
    forbidden = ~torch.ones(5, 5, dtype=torch.bool).tril() if causal else None
    # With gradients on, torch runs the plain arithmetic, not its own fused kernel.
    torch.testing.assert_close(network(x)["tested"], other(x, src_mask=forbidden), rtol=1e-10, atol=1e-10)
    (y,), _ = network.run(x, {"input_1": mask})
    torch.testing.assert_close(y[mask], other(x, src_mask=forbidden, src_key_padding_mask=~mask)[mask], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_decoder_block_is_torchs(settings: dict[str, Any]) -> None:
    network = made(TransformerDecoder(2, hidden=7, **settings), STEPS, STEPS)
    kinds = {key: value for key, value in settings.items() if key != "norm_epsilon"}
    other = nn.TransformerDecoderLayer(
        6, 2, 7, 0.0, batch_first=True, dtype=F64, layer_norm_eps=settings.get("norm_epsilon", 1e-5), **kinds
    ).eval()
    with torch.no_grad():
        copy_attention(network, "attention", other.self_attn)
        copy_attention(network, "cross", other.multihead_attn)
        copy_rest(network, other, {**FEED, "norm1": "attention_norm/", "norm2": "cross_norm/", "norm3": "feed_norm/"})
    x, encoded = drawn(3, 5, 6), drawn(3, 4, 6, seed=6)
    mask = torch.arange(4)[None] < torch.tensor([4, 2, 1])[:, None]
    forbidden = ~torch.ones(5, 5, dtype=torch.bool).tril()
    inputs = {"input_1": x, "input_2": encoded}
    torch.testing.assert_close(network(inputs)["tested"], other(x, encoded, tgt_mask=forbidden), rtol=1e-10, atol=1e-10)
    (y,), _ = network.run(inputs, {"input_2": mask})
    wanted = other(x, encoded, tgt_mask=forbidden, memory_key_padding_mask=~mask)
    torch.testing.assert_close(y, wanted, rtol=1e-10, atol=1e-10)
    state, pieces = network.start_state(3, {"input_2": encoded}, {"input_2": mask}), []
    for start, stop in ((0, 1), (1, 3), (3, 5)):
        scores, _, state = network.advance(x[:, start:stop], state)
        pieces.append(scores["tested"])
    torch.testing.assert_close(torch.cat(pieces, 1), wanted, rtol=1e-10, atol=1e-10)


def test_gated_feed_forward_with_rms_norm_written_out() -> None:
    network = made(TransformerEncoder(1, hidden=4, gated=True, norm="rms", activation="swish", bias=False), STEPS)
    w = {name.removeprefix("tested/"): value for name, value in network.tensors().items()}
    x = drawn(1, 3, 6)

    def rms(y: Tensor, weight: Tensor) -> Tensor:
        return y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    inner = rms(x, w["attention_norm/weight"])
    q, k, v = (inner @ w[f"attention/{name}_weight"].T for name in ("query", "key", "value"))
    y = x + (q @ k.transpose(1, 2) / 6**0.5).softmax(-1) @ v @ w["attention/output_weight"].T
    inner = rms(y, w["feed_norm/weight"])
    gate = inner @ w["feed/gate_weight"].T
    wanted = y + (gate * gate.sigmoid() * (inner @ w["feed/hidden_weight"].T)) @ w["feed/output_weight"].T
    torch.testing.assert_close(network(x)["tested"], wanted, rtol=1e-10, atol=1e-10)


def test_each_dropout_is_for_training_only() -> None:
    x = drawn(2, 4, 6)
    for name in ("attention_dropout", "hidden_dropout", "residual_dropout"):
        network = made(TransformerEncoder(2, hidden=8, **{name: 0.5}), STEPS)
        still = network(x)["tested"]
        assert torch.equal(still, made(TransformerEncoder(2, hidden=8), STEPS)(x)["tested"])
        assert not torch.equal(network.train()(x)["tested"], still)


def test_a_block_that_is_not_causal_needs_all_steps() -> None:
    network = made(TransformerEncoder(2), STEPS)
    with pytest.raises(TrainingError, match="EN041"):
        network.advance(drawn(1, 1, 6), network.start_state(1))


def test_a_whole_decoder_writes_step_by_step_what_it_would_write_at_once() -> None:
    block = TransformerEncoder(2, causal=True, positions="rotary", kv_heads=1)
    layers = [TokenEmbedding(8, positions="learned", length=12), block, block, lm.LayerNorm(), lm.Output(5)]
    network = build(lm.Sequential(lm.tokens(None, 5), layers).resolve(), 1, dtype=F64).eval()
    (name,) = network.outputs
    written = torch.tensor([[0], [3]])
    scores, _, state = network.advance(written, network.start_state(2))
    for _ in range(8):
        following = scores[name][:, -1:].argmax(-1)
        torch.testing.assert_close(network(written)[name][:, -1:], scores[name])
        written = torch.cat([written, following], 1)
        scores, _, state = network.advance(following, state)
