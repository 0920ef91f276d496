"""Gated and small layers, tokens, masks that begin and end: against torch's modules and NumPy, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lamina as lm
from lamina import layers as L
from lamina.engine.build import build
from lamina.engine.masks import Masks
from lamina.engine.network import NetworkModule
from lamina.errors import DataError, LaminaError, ShapeError
from lamina.network.layers import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Tokens
from lamina.testing.layers import plan_of

F64 = torch.float64
ANY = Sequence(steps=None, features=3)
MASK = torch.tensor([[True, True, False, False], [True, True, True, True]])


def made(layer: Layer, shape: Shape) -> NetworkModule:
    network = build(plan_of(layer, (shape,)), seed=5, dtype=F64).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return network


def weights(network: NetworkModule) -> dict[str, np.ndarray]:
    return {name.rpartition("/")[2]: value.detach().numpy() for name, value in network.tensors().items()}


def run(network: NetworkModule, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    (y,), (found,) = network.run({"input_1": x}, None if mask is None else {"input_1": mask})
    return y.detach(), found


def drawn(*sizes: int) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(1), dtype=F64)


def test_glu_is_that_of_torch() -> None:
    x = drawn(2, 5, 6)
    assert torch.equal(run(made(L.GLU(), Sequence(steps=None, features=6)), x)[0], nn.GLU()(x))
    image = drawn(2, 6, 3, 4)
    assert torch.equal(run(made(L.GLU(), Image(channels=6, height=3, width=4)), image)[0], nn.GLU(1)(image))


@pytest.mark.parametrize(("gate", "function"), [("sigmoid", torch.sigmoid), ("swish", nn.functional.silu), ("relu", torch.relu)])
def test_a_gated_linear_unit_is_two_dense_layers(gate: str, function: torch.nn.Module) -> None:
    network = made(L.GatedLinearUnit(4, gate=gate), ANY)
    given, x = weights(network), drawn(2, 5, 3).numpy()
    value, inside = (x @ given["weight"][part].T + given["bias"][part] for part in (slice(4), slice(4, 8)))
    torch.testing.assert_close(run(network, torch.from_numpy(x))[0], torch.from_numpy(value) * function(torch.from_numpy(inside)))


def test_a_highway_carries_what_its_gate_lets_by() -> None:
    network = made(L.Highway(activation="tanh"), Features(3))
    given, x = weights(network), drawn(4, 3).numpy()
    gate = 1 / (1 + np.exp(-(x @ given["weight"][3:].T + given["bias"][3:])))
    wanted = gate * np.tanh(x @ given["weight"][:3].T + given["bias"][:3]) + (1 - gate) * x
    torch.testing.assert_close(run(network, torch.from_numpy(x))[0], torch.from_numpy(wanted))
    fresh = build(plan_of(L.Highway(gate_bias=-2.0), (Features(3),)), seed=1)
    assert fresh.tensors()["tested/bias"].tolist() == [0.0] * 3 + [-2.0] * 3


def test_maxout_is_the_largest_of_its_pieces() -> None:
    network = made(L.Maxout(2, pieces=3), Features(4))
    given, x = weights(network), drawn(5, 4).numpy()
    pieces = [x @ given["weight"][2 * k : 2 * k + 2].T + given["bias"][2 * k : 2 * k + 2] for k in range(3)]
    torch.testing.assert_close(run(network, torch.from_numpy(x))[0], torch.from_numpy(np.maximum.reduce(pieces)))


def test_a_vector_is_repeated() -> None:
    x = drawn(2, 3)
    assert torch.equal(run(made(L.RepeatVector(4), Features(3)), x)[0], torch.stack([x] * 4, 1))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_an_embedding_bag_is_that_of_torch(mode: str) -> None:
    network = made(L.EmbeddingBag(3, combine=mode), Tokens(steps=None, vocabulary=7))
    theirs = nn.EmbeddingBag(7, 3, mode=mode, dtype=F64)
    theirs.load_state_dict({"weight": torch.from_numpy(weights(network)["weight"])})
    x = torch.randint(7, (2, 4), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(run(network, x)[0], theirs(x).detach())
    bags = theirs(torch.cat([x[0, :2], x[1]]), torch.tensor([0, 2])).detach()
    torch.testing.assert_close(run(network, x, MASK)[0], bags)


def test_tokens_as_numbers() -> None:
    shape, x = Tokens(steps=None, vocabulary=4), torch.tensor([[1, 3, 3, 0], [0, 2, 2, 2]])
    assert torch.equal(run(made(L.OneHot(), shape), x)[0], nn.functional.one_hot(x, 4).double())
    counts = np.stack([np.bincount(row, minlength=4) for row in x.numpy()]).astype(float)
    assert np.array_equal(run(made(L.OneHot("counts"), shape), x)[0].numpy(), counts)
    assert np.array_equal(run(made(L.OneHot("any"), shape), x)[0].numpy(), np.minimum(counts, 1))
    assert run(made(L.OneHot("counts"), shape), x, MASK)[0][0].tolist() == [0, 1, 0, 1]
    with pytest.raises(DataError, match="EN012"):
        made(L.OneHot(), shape).scores({"input_1": torch.tensor([[4]])})


def test_a_mask_is_found_in_the_steps() -> None:
    x = drawn(2, 4, 3)
    x[0, 2:] = -1.0
    x[1, 0, 0] = -1.0  # one number alone is none
    network = build(lm.Sequential(ANY, [L.MaskSteps(-1.0), lm.LSTM(2), lm.LastStep()]).resolve(), 1, dtype=F64)
    plain = build(lm.Sequential(ANY, [lm.LSTM(2, name="lstm_1"), lm.LastStep()]).resolve(), 1, dtype=F64)
    plain.load_arrays(network.named_arrays())
    found, _ = network.run({"input": x})[0][0].detach(), None
    torch.testing.assert_close(found[:1], plain.run({"input": x[:1, :2]})[0][0].detach())
    torch.testing.assert_close(found[1:], plain.run({"input": x[1:]})[0][0].detach())
    given = torch.tensor([[True, False, True, True], [True, True, True, False]])
    mask = run(made(L.MaskSteps(-1.0), ANY), x, given)[1]
    assert mask is not None
    assert mask.tolist() == [[True, False, False, False], [True, True, True, False]]


@pytest.mark.parametrize("layer", [L.Embedding(3, mask_token=0), L.TokenEmbedding(3, positions="learned", length=9, mask_token=0)])
def test_the_token_that_fills_up_is_no_step(layer: Layer) -> None:
    network, x = made(layer, Tokens(steps=None, vocabulary=5)), torch.tensor([[3, 1, 0, 0], [2, 2, 4, 1]])
    y, mask = run(network, x)
    assert mask is not None
    assert torch.equal(mask, x != 0)
    torch.testing.assert_close(y[0, :2], run(network, x[:1, :2])[0][0])


def test_held_steps_repeat_the_nearest_real_one() -> None:
    x = torch.tensor([[[1.0], [2.0], [3.0], [4.0]], [[1.0], [2.0], [3.0], [4.0]]])
    mask = torch.tensor([[True, True, False, False], [False, True, False, True]])
    y, left = run(made(L.HoldSteps(), ANY.replace(features=1)), x, mask)
    assert left is None
    assert y[..., 0].tolist() == [[1, 2, 2, 2], [0, 2, 2, 4]]
    y, _ = run(made(L.HoldSteps(reverse=True), ANY.replace(features=1)), x, mask)
    assert y[..., 0].tolist() == [[1, 2, 0, 0], [2, 2, 4, 4]]


def test_behind_apply_mask_every_step_counts() -> None:
    y, mask = run(made(L.ApplyMask(), ANY), drawn(2, 4, 3), MASK)
    assert mask is None
    assert torch.equal(y[0, 2:], torch.zeros(2, 3, dtype=F64))
    five = Sequence(steps=4, features=3)
    layers = [L.MaskSteps(), lm.Flatten(), lm.Output(2)]
    with pytest.raises(ShapeError, match="NN014.*(?s:.*)apply_mask"):
        lm.Sequential(five, layers).resolve()
    lm.Sequential(five, [layers[0], L.ApplyMask(), *layers[1:]]).resolve()


def test_large_numbers_cost() -> None:
    network = build(lm.Sequential(ANY, [L.ActivityPenalty(l1=0.5, l2=0.25), lm.LastStep(), lm.Output(2)]).resolve(), 1, dtype=F64)
    x, target = drawn(2, 4, 3), torch.tensor([0, 1])
    free = network.eval().loss({"input": x}, target)
    network.train()
    cost = (0.5 * x.abs() + 0.25 * x.square()).sum((1, 2)).mean()
    torch.testing.assert_close(network.loss({"input": x}, target) - free, cost)
    network.eval()
    free = network.loss({"input": x}, target, masks=Masks({"input": MASK}))
    network.train()
    real = x * MASK[:, :, None]
    cost = (0.5 * real.abs() + 0.25 * real.square()).sum((1, 2)).mean()
    torch.testing.assert_close(network.loss({"input": x}, target, masks=Masks({"input": MASK})) - free, cost)


@pytest.mark.parametrize("sizes", [(64, 100, 8), (64, 8, 10, 10)])
def test_whole_features_are_dropped_with_mean_and_variance_kept(sizes: tuple[int, ...]) -> None:
    axis = 2 if len(sizes) == 3 else 1
    shape: Shape = Sequence(steps=100, features=8) if axis == 2 else Image(channels=8, height=10, width=10)
    network = build(plan_of(lm.Dropout({"type": "spatial_alpha_dropout", "rate": 0.4}), (shape,)), 1)
    torch.manual_seed(3)
    x = torch.randn(sizes)
    y = network.train()({"input_1": x})["tested"].movedim(axis, 1).flatten(2)
    still = y.std(2) < 1e-6
    assert 0.3 < still.float().mean() < 0.5
    assert abs(float(y.mean())) < 0.1
    assert abs(float(y.std()) - 1) < 0.1


def test_settings_that_do_not_fit_say_what_does() -> None:
    with pytest.raises(LaminaError, match="(?s)NN008.*4 units or filters"):
        L.GLU().infer((Features(3),))
    with pytest.raises(LaminaError, match="(?s)NN008.*mask_token"):
        L.Embedding(3, mask_token=7).infer((Tokens(steps=None, vocabulary=7),))
    with pytest.raises(LaminaError, match="l1: 0.0001"):
        L.ActivityPenalty()
    with pytest.raises(LaminaError, match="(?s)NN001.*mask_token"):
        L.MaskSteps().infer((lm.series(3, Tokens(steps=4, vocabulary=3)),))


def test_a_dense_layer_normalises_before_its_bias() -> None:
    network = made(L.Dense(4, layer_norm=True, activation="tanh"), ANY)
    given, x = weights(network), drawn(2, 5, 3).numpy()
    y = x @ given["weight"].T
    y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-5)
    torch.testing.assert_close(run(network, torch.from_numpy(x))[0], torch.from_numpy(np.tanh(y * given["gain"] + given["bias"])))


def test_vectors_that_are_known_start_so_and_the_others_are_drawn() -> None:
    rows = np.array([[1.5, 2.0], [0.25, -1.0]])
    shape = Tokens(steps=None, vocabulary=3)
    drawn_ones = build(plan_of(L.Embedding(2), (shape,)), 3, dtype=F64).tensors()["tested/weight"]
    some = build(plan_of(L.Embedding(2, vectors=[rows[0], None, rows[1]]), (shape,)), 3, dtype=F64).tensors()["tested/weight"]
    assert np.array_equal(some[[0, 2]].detach().numpy(), rows)
    assert torch.equal(some[1], drawn_ones[1])
    whole = L.Embedding(2, vectors=rows, frozen=True)
    assert L.Embedding.from_yaml(whole.to_yaml()) == whole
    with pytest.raises(LaminaError, match="(?s)NN008.*null where none"):
        whole.infer((shape,))
    with pytest.raises(LaminaError, match="set units: 2"):
        L.Embedding(3, vectors=rows)
