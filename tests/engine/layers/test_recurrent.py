"""Recurrent layers: masks, memory between pieces and the further kinds, against torch's modules and loops written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import lamina as lm
from lamina.engine.build import build
from lamina.engine.layers.layer import LayerModule
from lamina.engine.network import NetworkModule
from lamina.network.layers import GRU, LSTM, Bidirectional, IndRNN, LastStep, Layer, MinimalGatedUnit, PeepholeLSTM, Recurrent, SimpleRNN
from lamina.shapes import Features, Sequence
from lamina.testing.layers import plan_of

F64 = torch.float64
SHAPE = Sequence(steps=None, features=3)
ENDS = torch.tensor([[i < count for i in range(7)] for count in (4, 7, 1, 6)])
SCATTERED = torch.rand(4, 7, generator=torch.Generator().manual_seed(5)) < 0.6


def made(layer: Layer, *further: Features, dtype: torch.dtype = F64) -> NetworkModule:
    network = build(plan_of(layer, (SHAPE, *further)), 3, dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network.eval()


def module_of(network: NetworkModule) -> LayerModule:
    return network.modules_of_nodes[0]


def masked(network: NetworkModule, x: Tensor, mask: Tensor, *further: Tensor) -> Tensor:
    return module_of(network).run_masked((x, *further), (mask, *(None for _ in further)))[0]


def sample(batch: int = 4, steps: int = 7, *, seed: int = 0, dtype: torch.dtype = F64) -> Tensor:
    return torch.randn(batch, steps, 3, generator=torch.Generator().manual_seed(seed), dtype=F64).to(dtype)


def assert_same(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def arrays(network: NetworkModule) -> dict[str, np.ndarray]:
    return {name.removeprefix("tested/"): array for name, array in network.named_arrays().items()}


def copied(network: NetworkModule, module: nn.RNNBase) -> nn.RNNBase:
    """Torch's module with our weights."""
    tensors, module = network.tensors(), module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if any(key.startswith("tested/forward_") for key in tensors):
                prefix = "backward_" if name.endswith("_reverse") else "forward_"
                name = prefix + name.removesuffix("_reverse")
            parameter.copy_(tensors[f"tested/{name.removesuffix('_l0')}"])
    return module


# -- torch's own -------------------------------------------------------------------------------------------------------

TORCHS: list[tuple[Recurrent, Callable[..., nn.RNNBase], dict[str, Any]]] = [
    (LSTM(5, layers=3), nn.LSTM, {"num_layers": 3}),
    (GRU(5, layers=2), nn.GRU, {"num_layers": 2}),
    (SimpleRNN(5, layers=2, bias=False), nn.RNN, {"num_layers": 2, "bias": False}),
    (LSTM(5, projection=2), nn.LSTM, {"proj_size": 2}),
    (LSTM(5, projection=2, layers=2), nn.LSTM, {"proj_size": 2, "num_layers": 2}),
    (LSTM(5), nn.LSTM, {}),
    (GRU(5), nn.GRU, {}),
    (SimpleRNN(5, activation="relu"), nn.RNN, {"nonlinearity": "relu"}),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("layer", "module", "settings"), TORCHS)
def test_outputs_and_memories_are_torchs(layer: Recurrent, module: Callable[..., Any], settings: dict[str, Any], training: bool) -> None:
    network = made(layer).train(training)
    torchs, x = copied(network, module(3, 5, batch_first=True, **settings)), sample()
    y, end = torchs(x)
    ends = end if isinstance(end, tuple) else (end,)
    assert_same(network(x)["tested"], y)
    assert_same(made(layer.replace(output="last"))(x)["tested"], y[:, -1])
    assert_same(made(layer.replace(output="state"))(x)["tested"], torch.cat([part.transpose(0, 1).flatten(1) for part in ends], 1))


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("layer", "module", "settings"), TORCHS)
def test_masked_sequences_are_torchs_packed(layer: Recurrent, module: Callable[..., Any], settings: dict[str, Any], training: bool) -> None:
    network = made(layer).train(training)
    torchs, x = copied(network, module(3, 5, batch_first=True, **settings)), sample()
    packed, end = torchs(pack_padded_sequence(x, ENDS.sum(1), batch_first=True, enforce_sorted=False))
    y = pad_packed_sequence(packed, batch_first=True)[0]
    ends = end if isinstance(end, tuple) else (end,)
    assert_same(masked(network, x, ENDS)[ENDS], y[ENDS])
    last = masked(made(layer.replace(output="last")).train(training), x, ENDS)
    assert_same(last, ends[0][-1])
    state = masked(made(layer.replace(output="state")).train(training), x, ENDS)
    assert_same(state, torch.cat([part.transpose(0, 1).flatten(1) for part in ends], 1))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("layer", "module", "settings"), TORCHS[3:4] + TORCHS[5:])
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_both_directions_of_masked_sequences_are_torchs_packed(
    layer: Recurrent, module: Callable[..., Any], settings: dict[str, Any], training: bool
) -> None:
    network = made(Bidirectional(layer)).train(training)
    torchs, x = copied(network, module(3, 5, batch_first=True, bidirectional=True, **settings)), sample()
    packed, end = torchs(pack_padded_sequence(x, ENDS.sum(1), batch_first=True, enforce_sorted=False))
    y = pad_packed_sequence(packed, batch_first=True)[0]
    ends = end if isinstance(end, tuple) else (end,)
    assert_same(masked(network, x, ENDS)[ENDS], y[ENDS])
    assert_same(masked(made(Bidirectional(layer.replace(output="last"))).train(training), x, ENDS), torch.cat([ends[0][0], ends[0][1]], 1))
    state = torch.cat([part[direction] for direction in (0, 1) for part in ends], 1)
    assert_same(masked(made(Bidirectional(layer.replace(output="state"))).train(training), x, ENDS), state)


def test_few_real_steps_are_packed_in_training_with_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    import lamina.engine.layers.recurrence as module

    x, mask = sample(8, 40), torch.arange(40)[None] < torch.tensor([[2], [0], [5], [1], [3], [9], [4], [2]])
    found = []
    for below in (0.25, 0.0):
        monkeypatch.setattr(module, "PACKED_BELOW", below)
        network = made(GRU(4, layers=2)).train()
        y = masked(network, x, mask)
        y[mask].square().sum().backward()
        found.append([y[mask], *(p.grad for p in network.parameters() if p.grad is not None)])
    assert len(found[0]) == 9
    for one, other in zip(*found, strict=True):
        assert_same(one, other)


# -- masks of any kind -------------------------------------------------------------------------------------------------


def spelled(layer: Layer) -> str:
    return " ".join(f"{key}:{value}" for key, value in layer.to_dict().items())


KINDS: list[Layer] = [
    LSTM(4),
    LSTM(4, layers=2, output="state"),
    GRU(4, layers=2),
    GRU(4, reset_after=False, output="last"),
    SimpleRNN(4, reverse=True),
    LSTM(4, reverse=True, output="last"),
    LSTM(3, layer_norm=True, output="state"),
    PeepholeLSTM(4, layers=2),
    MinimalGatedUnit(4, output="last"),
    IndRNN(4),
    Bidirectional(GRU(3)),
    Bidirectional(LSTM(3, output="state")),
    Bidirectional(PeepholeLSTM(3), merge="sum"),
    LastStep(),
]


@pytest.mark.parametrize("mask", [ENDS, ENDS.flip(1), SCATTERED], ids=["right", "left", "scattered"])
@pytest.mark.parametrize("layer", KINDS, ids=spelled)
def test_each_sequence_is_read_as_if_it_were_alone(layer: Layer, mask: Tensor) -> None:
    network, x = made(layer), sample()
    y = masked(network, x, mask)
    other = masked(network, torch.where(mask[..., None], x, 1e3), mask)
    for row in range(len(x)):
        alone = network(x[row : row + 1, mask[row]])["tested"][0]
        for found in (y, other):
            assert_same(found[row, mask[row]] if found.dim() == 3 else found[row], alone)


@pytest.mark.parametrize("layer", KINDS, ids=spelled)
def test_a_sequence_without_any_real_step_leaves_the_memory_as_it_was(layer: Layer) -> None:
    network, mask = made(layer), ENDS.clone()
    mask[2] = False
    y = masked(network, sample(), mask)
    assert bool(torch.isfinite(y).all())
    if y.dim() == 2:
        assert not y[2].any()


@pytest.mark.parametrize("layer", [LSTM(8, output="state"), GRU(8), Bidirectional(LSTM(8)), SimpleRNN(8, reverse=True)], ids=str)
def test_outside_training_the_others_of_a_batch_change_no_bit(layer: Layer) -> None:
    network = made(layer, dtype=torch.float32)
    x, mask = sample(dtype=torch.float32), ENDS.clone()
    with torch.inference_mode():
        y = masked(network, x, mask)
        mask[1:], x[1:] = SCATTERED[1:], sample(seed=9, dtype=torch.float32)[1:]
        z = masked(network, x, mask)
    first = (y[0, mask[0]], z[0, mask[0]]) if y.dim() == 3 else (y[0], z[0])
    assert torch.equal(*first)


# -- memory between pieces ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("layer", [kind for kind in KINDS if getattr(kind, "memory", False)], ids=spelled)
def test_pieces_give_what_the_whole_gives(layer: Layer, training: bool, with_mask: bool) -> None:
    network, x = made(layer).train(training), sample()
    module, state = module_of(network), module_of(network).start_state(4)
    outputs: list[Tensor] = []
    for piece, own in zip(x.split([1, 3, 2, 1], 1), SCATTERED.split([1, 3, 2, 1], 1), strict=True):
        before = {name: value.clone() for name, value in state.items()}
        y, mask, new = module.step((piece,), (own if with_mask else None,), state)
        assert all(torch.equal(value, before[name]) for name, value in state.items())
        assert all(len(value) == 4 for value in new.values())
        outputs.append(y)
        state = new
    whole = masked(network, x, SCATTERED) if with_mask else network(x)["tested"]
    if whole.dim() == 2:
        assert_same(outputs[-1], whole)
    else:
        real = SCATTERED if with_mask else torch.ones_like(SCATTERED)
        assert_same(torch.cat(outputs, 1)[real], whole[real])


@pytest.mark.parametrize(("layer", "module"), [(LSTM(5), nn.LSTM), (GRU(5), nn.GRU), (SimpleRNN(5), nn.RNN)])
def test_other_nodes_give_the_memory_to_start_with(layer: Recurrent, module: Callable[..., Any]) -> None:
    sizes = list(layer.carried().values())
    parts = [torch.randn(4, size, dtype=F64) for size in sizes]
    x, wide = sample(), made(layer, Features(sum(sizes)))
    torchs = copied(wide, module(3, 5, batch_first=True))
    start = tuple(part[None] for part in parts)
    y = torchs(x, start if len(start) == 2 else start[0])[0]
    names = [f"input_{number}" for number in range(1, 4)]
    assert_same(wide({"input_1": x, "input_2": torch.cat(parts, 1)})["tested"], y)
    several = made(layer, *map(Features, sizes))
    assert_same(several(dict(zip(names, [x, *parts], strict=False)))["tested"], y)
    # Piece by piece, they count at the beginning only.
    own, state = module_of(several), module_of(several).start_state(4)
    first, _, state = own.step((x[:, :3], *parts), (None,) * (1 + len(parts)), state)
    second, _, state = own.step((x[:, 3:], *parts), (None,) * (1 + len(parts)), state)
    assert_same(torch.cat([first, second], 1), y)


# -- written out -------------------------------------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def normal(x: np.ndarray, gain: np.ndarray, bias: Any = 0.0) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * gain + bias


Step = Callable[[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def peephole(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    i, f, g, o = np.split(p["weight_ih"] @ x + p["bias_ih"] + p["weight_hh"] @ h + p["bias_hh"], 4)
    see_i, see_f, see_o = np.split(p["peephole"], 3)
    new = sigmoid(f + see_f * c) * c + sigmoid(i + see_i * c) * np.tanh(g)
    return sigmoid(o + see_o * new) * np.tanh(new), new


def reset_before(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(h)
    fed, weight, bias = p["weight_ih"] @ x + p["bias_ih"], p["weight_hh"], p["bias_hh"]
    r = sigmoid(fed[:n] + weight[:n] @ h + bias[:n])
    z = sigmoid(fed[n : 2 * n] + weight[n : 2 * n] @ h + bias[n : 2 * n])
    new = np.tanh(fed[2 * n :] + weight[2 * n :] @ (r * h) + bias[2 * n :])
    return (1 - z) * new + z * h, c


def normalized_lstm(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    whole = normal(p["weight_ih"] @ x, p["gain_ih"], p["bias_ih"]) + normal(p["weight_hh"] @ h, p["gain_hh"], p["bias_hh"])
    i, f, g, o = np.split(whole, 4)
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(normal(new, p["gain_cell"], p["bias_cell"])), new


def normalized_gru(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    fed, seen = normal(p["weight_ih"] @ x, p["gain_ih"], p["bias_ih"]), normal(p["weight_hh"] @ h, p["gain_hh"], p["bias_hh"])
    (r, z, n), (hr, hz, hn) = np.split(fed, 3), np.split(seen, 3)
    update = sigmoid(z + hz)
    return (1 - update) * np.tanh(n + sigmoid(r + hr) * hn) + update * h, c


def normalized_rnn(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Deeplearning4j's SimpleRnn with hasLayerNorm, but for the two biases that are one there.
    return np.tanh(normal(p["weight_ih"] @ x, p["gain_ih"]) + normal(p["weight_hh"] @ h, p["gain_hh"]) + p["bias_ih"] + p["bias_hh"]), c


def minimal(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(h)
    fed, weight, bias = p["weight_ih"] @ x + p["bias_ih"], p["weight_hh"], p["bias_hh"]
    f = sigmoid(fed[:n] + weight[:n] @ h + bias[:n])
    return (1 - f) * h + f * np.tanh(fed[n:] + weight[n:] @ (f * h) + bias[n:]), c


def independent(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(0, p["weight_ih"] @ x + p["bias_ih"] + p["weight_hh"] * h), c


WRITTEN: list[tuple[Recurrent, Step]] = [
    (PeepholeLSTM(4), peephole),
    (GRU(4, reset_after=False), reset_before),
    (LSTM(4, layer_norm=True), normalized_lstm),
    (GRU(4, layer_norm=True), normalized_gru),
    (SimpleRNN(4, layer_norm=True), normalized_rnn),
    (MinimalGatedUnit(4), minimal),
    (IndRNN(4), independent),
]


@pytest.mark.parametrize(("layer", "step"), WRITTEN, ids=lambda value: getattr(value, "type_name", None) or value.__name__)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_equations_written_out(layer: Recurrent, step: Step, reverse: bool) -> None:
    network, x = made(layer.replace(reverse=reverse)), sample(2)
    p, y = arrays(network), network(x)["tested"]
    for row in range(2):
        h, c, expected = np.zeros(4), np.zeros(4), np.zeros((7, 4))
        for number in range(6, -1, -1) if reverse else range(7):
            h, c = step(p, x[row, number].numpy(), h, c)
            expected[number] = h
        assert_same(y[row], torch.from_numpy(expected))


def test_recurrent_dropout_drops_the_same_units_at_every_step() -> None:
    network = made(SimpleRNN(200, activation="identity", recurrent_dropout=0.25)).train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        module: Any = network.layers[0]
        module.weight_hh.copy_(torch.eye(200, dtype=F64))
        module.bias_ih.fill_(1.0)
    torch.manual_seed(0)
    y = network(torch.zeros(2, 4, 3, dtype=F64))["tested"]
    # h' = 1 + d h, with d either 0 or 4/3 for the whole sequence.
    kept = y[:, 1] > 1.5
    assert 0.2 < float((~kept).double().mean()) < 0.3
    assert not torch.equal(kept[0], kept[1])
    growth = torch.tensor([sum((4 / 3) ** k for k in range(n + 1)) for n in range(4)], dtype=F64)
    assert_same(y, torch.where(kept[:, None], growth[None, :, None], torch.ones_like(y)))
    assert_same(network.eval()(torch.zeros(1, 4, 3, dtype=F64))["tested"][0, :, 0], torch.arange(1.0, 5.0, dtype=F64))


def test_one_bias_computes_what_two_do_and_is_the_only_one_that_learns() -> None:
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for layer in (
        lm.LSTM(4, recurrent_bias=False),
        lm.GRU(4, recurrent_bias=False),
        lm.Bidirectional(lm.SimpleRNN(4, recurrent_bias=False)),
    ):
        network = build(lm.Sequential(lm.sequence(5, 3), [layer]).resolve(), 0, dtype=torch.float64)
        names = [name for name, _ in network.named_parameters()]
        assert not [name for name in names if "bias_hh" in name]
        (y,), _ = network.run({"input": x})
        inner = layer.recurrent if isinstance(layer, lm.Bidirectional) else layer
        two = (
            layer.replace(layer=inner.replace(recurrent_bias=True))
            if isinstance(layer, lm.Bidirectional)
            else layer.replace(recurrent_bias=True)
        )
        twin = build(lm.Sequential(lm.sequence(5, 3), [two]).resolve(), 0, dtype=torch.float64)
        with torch.no_grad():
            own = dict(network.named_parameters())
            for name, value in twin.named_parameters():
                value.copy_(own[name] if name in own else torch.zeros_like(value))
        torch.testing.assert_close(y, twin.run({"input": x})[0][0])
