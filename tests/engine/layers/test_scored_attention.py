"""Attention without heads and Deeplearning4j's layers, against arithmetic written out in NumPy, sequence by sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import DescriptionError, ShapeError
from lamina.network.layers import (
    AdditiveAttention,
    AttentionPooling,
    DotProductAttention,
    Layer,
    LearnedSelfAttention,
    RecurrentAttention,
    SelfAttention,
)
from lamina.shapes import Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPE = Sequence(steps=None, features=4)
REAL = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]], dtype=torch.bool)


def made(layer: Layer, *shapes: Shape) -> tuple[NetworkModule, dict[str, np.ndarray]]:
    network = build(plan_of(layer, shapes), 3, dtype=F64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network, {name.removeprefix("tested/"): value for name, value in network.named_arrays().items()}


def drawn(*sizes: int, seed: int = 5) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed), dtype=F64)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def assert_alone(network: NetworkModule, alone: Any, x: Tensor, *, steps: bool = True) -> None:
    """Each sequence of a batch with masks gets what the arithmetic gives for its real steps."""
    spoiled = torch.where(REAL[..., None], x, torch.full_like(x, 1e4))
    (y,), (mask,) = network.run(spoiled, {"input_1": REAL})
    for i, row in enumerate(x):
        found = y[i] if mask is None or mask.shape[1] != x.shape[1] or not steps else y[i][mask[i]]
        np.testing.assert_allclose(found.detach(), alone(row[REAL[i]].numpy()), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("scale", ["sqrt", "none", "learned"])
@pytest.mark.parametrize("score", ["dot", "general"])
def test_dot_products(score: Any, scale: Any) -> None:
    other = Sequence(steps=None, features=3 if score == "general" else 4)
    network, w = made(DotProductAttention(score=score, scale=scale), SHAPE, other, Sequence(steps=None, features=2))
    q, k, v = drawn(3, 6, 4), drawn(3, 5, other.features, seed=6), drawn(3, 5, 2, seed=7)
    (y,), _ = network.run({"input_1": q, "input_2": k, "input_3": v}, {"input_2": REAL})
    for i in range(3):
        keys, values = k[i][REAL[i]].numpy(), v[i][REAL[i]].numpy()
        scores = q[i].numpy() @ (keys @ w["weight"].T if score == "general" else keys).T
        factor = {"sqrt": 1 / np.sqrt(other.features), "none": 1.0}.get(scale) or w["scale"][0]
        np.testing.assert_allclose(y[i].detach(), softmax(scores * factor) @ values, rtol=1e-10)


@pytest.mark.parametrize("settings", [{}, {"scale": False, "causal": True}, {"units": 5}, {"units": 3, "bias": False, "causal": True}])
def test_a_small_network_as_score(settings: dict[str, Any]) -> None:
    layer = AdditiveAttention(**settings)
    network, w = made(layer, SHAPE)

    def alone(x: np.ndarray) -> np.ndarray:
        q = x @ w["query_weight"].T + w.get("bias", 0.0) if layer.units else x
        k = x @ w["key_weight"].T if layer.units else x
        weight = w.get("score_weight", np.ones(q.shape[1]))
        scores = np.array([[weight @ np.tanh(a + b) for b in k] for a in q])
        if layer.causal:
            scores[np.triu_indices(len(x), 1)] = -np.inf
        return softmax(scores) @ x

    x = drawn(3, 5, 4)
    np.testing.assert_allclose(network(x)["tested"].detach(), np.stack([alone(row.numpy()) for row in x]), rtol=1e-10)
    assert_alone(network, alone, x)
    if layer.causal:
        state, pieces = network.start_state(3), []
        for start, stop in ((0, 2), (2, 3), (3, 5)):
            scores, _, state = network.advance(x[:, start:stop], state)
            pieces.append(scores["tested"])
        torch.testing.assert_close(torch.cat(pieces, 1), network(x)["tested"])


@pytest.mark.parametrize("units", [None, 3])
def test_pooling(units: int | None) -> None:
    network, w = made(AttentionPooling(units), SHAPE)

    def alone(x: np.ndarray) -> np.ndarray:
        judged = np.tanh(x @ w["weight"].T + w["bias"]) if units else x
        return softmax(judged @ w["score_weight"]) @ x

    assert_alone(network, alone, drawn(3, 5, 4), steps=False)


# -- Deeplearning4j ----------------------------------------------------------------------------------------------------


def attended(w: dict[str, np.ndarray], q: np.ndarray, x: np.ndarray, heads: int) -> np.ndarray:
    """``multi_head_dot_product_attention`` with ``Wq, Wk, Wv [heads, size, n]`` and ``Wo [heads size, units]``."""
    wq, wk, wv = (w[f"{name}_weight"].reshape(heads, -1, w[f"{name}_weight"].shape[1]) for name in ("query", "key", "value"))
    rows = []
    for one in q:
        taken = [softmax((x @ k.T) @ (h @ one) / np.sqrt(len(h))) @ (x @ v.T) for h, k, v in zip(wq, wk, wv, strict=True)]
        rows.append(np.concatenate(taken) @ w["output_weight"].T)
    return np.stack(rows)


def test_self_attention() -> None:
    network, w = made(SelfAttention(6, heads=2), SHAPE)
    assert {name: value.shape for name, value in w.items()} == {
        "query_weight": (6, 4),
        "key_weight": (6, 4),
        "value_weight": (6, 4),
        "output_weight": (6, 6),
    }
    assert_alone(network, lambda x: attended(w, x, x, 2), drawn(3, 5, 4))
    network, _ = made(SelfAttention(project=False), SHAPE)
    assert_alone(network, lambda x: softmax(x @ x.T / 2) @ x, drawn(3, 5, 4))


def test_learnt_queries() -> None:
    network, w = made(LearnedSelfAttention(3, 6, heads=2, head_size=5), SHAPE)
    assert_alone(network, lambda x: attended(w, w["queries"], x, 2), drawn(3, 5, 4), steps=False)
    network, w = made(LearnedSelfAttention(2, project=False), SHAPE)
    assert_alone(network, lambda x: softmax(w["queries"] @ x.T / 2) @ x, drawn(3, 5, 4), steps=False)
    _, (mask,) = network.run(drawn(3, 5, 4), {"input_1": REAL})
    assert mask.shape == (3, 2)
    assert mask.all()


@pytest.mark.parametrize("settings", [{"units": 6, "heads": 2}, {"units": 3, "bias": False, "activation": "softsign"}, {"project": False}])
def test_recurrent_attention(settings: dict[str, Any]) -> None:
    layer = RecurrentAttention(**settings)
    network, w = made(layer, SHAPE)

    def alone(x: np.ndarray) -> np.ndarray:
        outputs: list[np.ndarray] = []
        for row in x:
            y = w["weight"] @ row + w.get("bias", 0.0)
            if outputs:
                last = outputs[-1][None]
                looked = attended(w, last, x, layer.heads) if layer.project else softmax(last @ x.T / 2) @ x
                y = y + w["recurrent_weight"] @ looked[0]
            outputs.append(y / (1 + abs(y)) if "activation" in settings else np.tanh(y))
        return np.stack(outputs)

    assert_alone(network, alone, drawn(3, 5, 4))


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="score: general"):
        DotProductAttention().infer((SHAPE, Sequence(steps=3, features=5)))
    with pytest.raises(ShapeError, match="set units"):
        AdditiveAttention().infer((SHAPE, Sequence(steps=3, features=5)))
    with pytest.raises(DescriptionError, match="remove heads"):
        SelfAttention(heads=2, project=False)
    with pytest.raises(ShapeError, match="remove units") as caught:
        LearnedSelfAttention(2, 5, project=False).infer((SHAPE,))
    assert caught.value.code == "NN008"
    with pytest.raises(ShapeError, match="head_size") as caught:
        RecurrentAttention(5, heads=2).infer((SHAPE,))
    assert caught.value.code == "NN060"
