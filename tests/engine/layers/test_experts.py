"""A mixture of experts, vector by vector in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.errors import DescriptionError
from lamina.network.layers import MixtureOfExperts
from lamina.shapes import Features, Sequence
from lamina.testing.layers import plan_of

F64 = torch.float64


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def by_hand(layer: MixtureOfExperts, w: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    shares = softmax(w["router_weight"] @ x)
    chosen = sorted(range(layer.experts), key=lambda e: -shares[e])[: layer.top]
    total = sum(shares[e] for e in chosen) if layer.top > 1 else 1.0
    y = 0.0
    for e in chosen:
        hidden = w["hidden_weight"][e] @ x + (w["hidden_bias"][e] if layer.bias else 0)
        gate = w["gate_weight"][e] @ x + (w["gate_bias"][e] if layer.bias else 0) if layer.gated else hidden
        hidden = np.tanh(gate) * (hidden if layer.gated else 1.0)
        y = y + shares[e] / total * (w["output_weight"][e] @ hidden + (w["output_bias"][e] if layer.bias else 0))
    return np.asarray(y), shares, chosen


@pytest.mark.parametrize("settings", [{"top": 2}, {"top": 1, "units": 3, "bias": False}, {"top": 3, "gated": True}])
def test_outputs_and_penalty(settings: dict[str, Any]) -> None:
    layer = MixtureOfExperts(4, hidden=5, activation="tanh", balance=0.5, **settings)
    network = build(plan_of(layer, (Sequence(steps=None, features=3),)), 3, dtype=F64)
    w = {name.removeprefix("tested/"): value for name, value in network.named_arrays().items()}
    x = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(2), dtype=F64)
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [0, 1, 1, 1]], dtype=torch.bool)
    (y,), _ = network.train().run(x, {"input_1": mask})
    results = [[by_hand(layer, w, row.numpy()) for row in sample] for sample in x]
    np.testing.assert_allclose(y.detach()[mask], np.stack([[r[0] for r in rs] for rs in results])[mask.numpy()], rtol=1e-10)
    real = [r for rs, own in zip(results, mask, strict=True) for r, one in zip(rs, own, strict=True) if one]
    mean = np.mean([shares for _, shares, _ in real], 0)
    used = np.array([sum(e in chosen for _, _, chosen in real) for e in range(4)]) / (len(real) * layer.top)
    (module,) = network.modules_of_nodes
    assert module.penalty is not None
    np.testing.assert_allclose(module.penalty.detach(), 0.5 * 4 * (mean * used).sum(), rtol=1e-10)
    module.penalty.backward()
    assert network.tensors()["tested/router_weight"].grad is not None
    network.eval()(x)
    assert module.penalty is None


def test_training_uses_all_experts_alike_when_told_so() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    used = {}
    for balance in (0.0, 1.0):
        network = build(plan_of(MixtureOfExperts(4, top=1, hidden=2, balance=balance), (Features(4),)), 3).train()
        (module,) = network.modules_of_nodes
        router = network.tensors()["tested/router_weight"]
        with torch.no_grad():
            router.copy_(torch.randn(4, 4) + torch.tensor([3.0, 0, 0, 0])[:, None] * x.mean(0).sign())
        for _ in range(300):
            network(x)
            if module.penalty is not None:
                (gradient,) = torch.autograd.grad(module.penalty, router)
                with torch.no_grad():
                    router -= gradient
        used[balance] = torch.bincount((x @ router.detach().T).argmax(1), minlength=4).min()
    assert used[1.0] > used[0.0]
    assert used[1.0] >= 8


def test_more_choices_than_experts_are_refused() -> None:
    with pytest.raises(DescriptionError, match="set top: 2"):
        MixtureOfExperts(2, top=3)


def test_what_else_is_in_the_batch_changes_no_digit() -> None:
    x = torch.randn(64, 67, generator=torch.Generator().manual_seed(0))
    network = build(plan_of(MixtureOfExperts(30, hidden=131), [Features(67)]), 0).eval()
    (whole,) = network(x).values()
    for row in range(8):
        (alone,) = network(x[row : row + 1].expand(64, -1).contiguous()).values()
        assert torch.equal(alone[0], whole[row])
