"""Positions against NumPy; counted among the real steps, and on from piece to piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError, TrainingError
from lamina.network.layers import Layer, PositionEmbedding, SinusoidalPositions, TokenEmbedding
from lamina.shapes import Sequence, Tokens
from lamina.testing.layers import plan_of

F64 = torch.float64
X = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0), dtype=F64)


def sines(steps: int, n: int, base: float = 10000.0) -> np.ndarray:
    table = np.zeros((steps, n))
    for i in range(steps):
        for j in range(n):
            angle = i / base ** (2 * (j // 2) / n)
            table[i, j] = np.sin(angle) if j % 2 == 0 else np.cos(angle)
    return table


def test_sines_and_learnt_positions() -> None:
    network = build(plan_of(SinusoidalPositions(base=50.0), (Sequence(steps=None, features=4),)), 1, dtype=F64)
    np.testing.assert_allclose(network(X)["tested"], X.numpy() + sines(6, 4, 50.0), rtol=1e-12)
    network = build(plan_of(PositionEmbedding(9), (Sequence(steps=None, features=4),)), 1, dtype=F64).eval()
    weight = network.tensors()["tested/weight"]
    assert 0.005 < float(weight.detach().std()) < 0.04
    assert torch.equal(network(X)["tested"], X + weight[:6])


def test_tokens_with_places() -> None:
    x = torch.tensor([[3, 0, 6], [1, 1, 2]])
    network = build(plan_of(TokenEmbedding(4, positions="sinusoidal", scaled=True), (Tokens(steps=None, vocabulary=7),)), 1, dtype=F64)
    weight = network.tensors()["tested/weight"].detach().numpy()
    np.testing.assert_allclose(network(x)["tested"].detach(), 2 * weight[x.numpy()] + sines(3, 4), rtol=1e-12)
    network = build(plan_of(TokenEmbedding(4, positions="learned", length=5), (Tokens(steps=None, vocabulary=7),)), 1, dtype=F64)
    tensors = {name: value.detach() for name, value in network.tensors().items()}
    assert torch.equal(network(x)["tested"].detach(), tensors["tested/weight"][x] + tensors["tested/position"][:3])


@pytest.mark.parametrize("layer", [PositionEmbedding(6), SinusoidalPositions()])
def test_real_steps_are_counted_piece_by_piece(layer: Layer) -> None:
    network = build(plan_of(layer, (Sequence(steps=None, features=4),)), 1, dtype=F64).eval()
    mask = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]], dtype=torch.bool)
    alone = network(X[:1, 2:])["tested"]
    state, pieces = network.start_state(2), []
    for start, stop in ((0, 1), (1, 3), (3, 6)):
        scores, _, state = network.advance(X[:, start:stop], state, {"input_1": mask[:, start:stop]})
        pieces.append(scores["tested"])
    y = torch.cat(pieces, 1)
    torch.testing.assert_close(y[:1, 2:], alone)
    torch.testing.assert_close(y[1:], network(X)["tested"][1:])


def test_steps_beyond_the_learnt_positions_are_refused() -> None:
    with pytest.raises(ShapeError, match="length: 7") as shape:
        PositionEmbedding(5).infer((Sequence(steps=7, features=2),))
    assert shape.value.code == "NN062"
    network = build(plan_of(PositionEmbedding(5), (Sequence(steps=None, features=4),)), 1, dtype=F64)
    with pytest.raises(ShapeError, match="at most 5 steps"):
        network(X)
    _, _, state = network.advance(X[:, :4], network.start_state(2))
    with pytest.raises(TrainingError, match="a step number 6") as caught:
        network.advance(X[:, 4:], state)
    assert caught.value.code == "EN091"
    with pytest.raises(DescriptionError, match="add length"):
        TokenEmbedding(4, positions="learned")
