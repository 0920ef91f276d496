"""Truncated backpropagation through time against loops written by hand with torch.nn.LSTM."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.masks import Masks
from lamina.engine.network import NetworkModule
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.truncation import TruncatedStep
from lamina.errors import LaminaError
from lamina.learning import Adam
from lamina.learning.truncation import Truncation
from lamina.network.layers import LSTM, Dense, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Sequence

STEPS, FEATURES, UNITS, CLASSES = 11, 3, 5, 4


def network() -> NetworkModule:
    layers = [LSTM(UNITS), Dense(6, activation="tanh"), Output(CLASSES)]
    return build(Sequential(Sequence(None, FEATURES), layers).resolve(), 1, dtype=torch.float64).train()


class ByHand(nn.Module):
    def __init__(self, ours: NetworkModule) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
        self.hidden, self.out = nn.Linear(UNITS, 6), nn.Linear(6, CLASSES)
        self.double()
        tensors = ours.tensors()
        with torch.no_grad():
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(self.lstm, f"{name}_l0").copy_(tensors[f"lstm_1/{name}"])
            for name, layer in (("dense_1", self.hidden), ("output_1", self.out)):
                layer.weight.copy_(tensors[f"{name}/weight"])
                layer.bias.copy_(tensors[f"{name}/bias"])

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        x, state = self.lstm(x, state)
        return self.out(torch.tanh(self.hidden(x))), state

    def values(self) -> list[Tensor]:
        lstm = self.lstm
        inner = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0]
        return [*inner, self.hidden.weight, self.hidden.bias, self.out.weight, self.out.bias]


def batch(number: int, size: int = 4, masks: Masks | None = None) -> Any:
    g = torch.Generator().manual_seed(number)
    x = torch.randn(size, STEPS, FEATURES, generator=g, dtype=torch.float64)
    y = torch.randint(CLASSES, (size, STEPS), generator=g)
    return SimpleNamespace(inputs={"input": x}, targets={"output": y}, weight=None, total_weight=float(size), size=size, masks=masks)


def runner(net: NetworkModule, truncation: Truncation) -> TruncatedStep:
    flat = FlatParameters(net)
    precision = Precision("float64", torch.device("cpu"))
    return TruncatedStep(net, flat, optimizer_for(Adam(0.01), flat), precision, seed=5, truncation=truncation)


def ours(net: NetworkModule) -> list[Tensor]:
    names = ["lstm_1/weight_ih", "lstm_1/weight_hh", "lstm_1/bias_ih", "lstm_1/bias_hh"]
    names += ["dense_1/weight", "dense_1/bias", "output_1/weight", "output_1/bias"]
    return [net.tensors()[name] for name in names]


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(("steps", "backward"), [(4, None), (4, 3), (5, 2), (11, None), (11, 4), (1, 1)])
def test_pieces_are_those_of_a_loop_written_by_hand(steps: int, backward: int | None, carry: bool) -> None:
    net = network()
    hand = ByHand(net)
    by_hand = torch.optim.Adam(hand.parameters(), 0.01)
    truncation = Truncation(steps, backward=backward, carry=carry)
    truncated = runner(net, truncation)
    count, state = 0, None
    for number in range(3):
        b = batch(number)
        x, y = b.inputs["input"], b.targets["output"]
        state = state if carry else None
        for piece, start in enumerate(range(0, STEPS, steps)):
            stop = min(start + steps, STEPS)
            by_hand.zero_grad()
            scores = []
            # Counted from the end of the piece, every `backward` steps.
            cuts = sorted({start, *range(stop, start, -(backward or STEPS))})
            for a, z in zip(cuts, cuts[1:], strict=False):
                found, state = hand(x[:, a:z], state)
                state = tuple(s.detach() for s in state)
                scores.append(found)
            expected = F.cross_entropy(torch.cat(scores, 1).flatten(0, 1), y[:, start:stop].flatten())
            expected.backward()  # type: ignore[no-untyped-call]
            by_hand.step()
            loss, weight = truncated.update(b, piece, count, 0.0)
            count += 1
            assert abs(float(loss) - float(expected.detach())) < 1e-12
            assert abs(weight - 4 * (stop - start) / STEPS) < 1e-12
        assert (truncated.state is None) is not carry
    assert truncation.pieces(STEPS) * 3 == count
    for own, right in zip(ours(net), hand.values(), strict=True):
        assert torch.allclose(own, right, rtol=0, atol=1e-11)


def test_what_is_not_real_changes_nothing() -> None:
    """Samples of 11, 6 and 2 steps: garbage behind them, and a piece with none of theirs, leave no trace."""
    mask = torch.arange(STEPS) < torch.tensor([7, 6, 2])[:, None]
    losses, values = [], []
    for garbage in (0.0, 1e3):
        net = network()
        truncated = runner(net, Truncation(4))
        b = batch(0, 3, Masks({"input": mask}))
        b.inputs["input"][~mask] = garbage
        for piece in range(3):
            before = [p.detach().clone() for p in net.parameters()]
            loss, _ = truncated.update(b, piece, piece, 0.0)
            losses.append(float(loss))
            moved = any(not torch.equal(x, y) for x, y in zip(before, net.parameters(), strict=True))
            assert moved is (piece < 2)
        values.append([p.detach().clone() for p in net.parameters()])
    assert losses[:3] == losses[3:]
    assert losses[2] == 0.0
    assert all(torch.equal(a, b) for a, b in zip(*values, strict=True))


def test_a_smaller_batch_goes_on_with_its_own_samples() -> None:
    truncated = runner(network(), Truncation(STEPS, carry=True))
    truncated.update(batch(0), 0, 0, 0.0)
    kept = truncated.state
    assert kept is not None
    truncated.update(batch(1, 2), 0, 1, 0.0)
    assert truncated.state is not None
    assert truncated.state.batch == 2
    assert kept.batch == 4


def test_pieces_longer_than_the_sequence_are_refused_before_an_update() -> None:
    net = network()
    before = [p.detach().clone() for p in net.parameters()]
    with pytest.raises(LaminaError) as caught:
        runner(net, Truncation(12)).update(batch(0), 0, 0, 0.0)
    assert caught.value.code == "TR111"
    assert (caught.value.problems[0].expected, caught.value.problems[0].got) == ("at most 11, the steps of the sequences", "12")
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    odd = batch(0)
    odd.targets["output"] = odd.targets["output"][:, :5]
    with pytest.raises(LaminaError) as caught:
        runner(net, Truncation(3)).update(odd, 0, 0, 0.0)
    assert caught.value.code == "TR111"
