"""Steps of several looks, each against a loop written by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.compound import CompoundStep
from lamina.engine.network import NetworkModule
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.step import StepRunner
from lamina.learning import Adam, Lbfgs, Optimizer, Sam, Sgd
from lamina.network.layers import BatchNorm, Dense, Dropout, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features

CPU = torch.device("cpu")
PLAIN = [Dense(8, activation="tanh"), Output(3)]
NORMED = [Dense(8, activation="tanh"), BatchNorm(), Output(3)]
NOISY = [Dense(8, activation="tanh"), Dropout(0.5), Output(3)]


def network(layers: list[Any], dtype: torch.dtype = torch.float64) -> NetworkModule:
    return build(Sequential(Features(6), layers).resolve(), 1, dtype=dtype).train()


def batch(number: int, size: int = 8, weight: Tensor | None = None) -> Any:
    g = torch.Generator().manual_seed(number)
    x, y = torch.randn(size, 6, generator=g, dtype=torch.float64), torch.randint(3, (size,), generator=g)
    total = float(size) if weight is None else float(weight.sum())
    return SimpleNamespace(inputs={"input": x}, targets={"output": y}, weight=weight, total_weight=total, size=size, masks=None)


def joined(batches: list[Any]) -> Any:
    def both(kind: str) -> dict[str, Tensor]:
        return {name: torch.cat([getattr(b, kind)[name] for b in batches]) for name in getattr(batches[0], kind)}

    weights = [b.weight for b in batches]
    weight = None if weights[0] is None else torch.cat(weights)
    total = sum(b.total_weight for b in batches)
    return SimpleNamespace(inputs=both("inputs"), targets=both("targets"), weight=weight, total_weight=total, masks=None)


def runner(net: NetworkModule, optimizer: Optimizer, **more: Any) -> CompoundStep:
    flat = FlatParameters(net)
    return CompoundStep(net, flat, optimizer_for(optimizer, flat), Precision("float64", CPU), seed=5, **more)


@pytest.mark.parametrize("weighted", [False, True])
def test_several_batches_are_one_large_one(weighted: bool) -> None:
    ours, large = network([Dense(8, activation="tanh", l2=0.1), Output(3)]), network([Dense(8, activation="tanh", l2=0.1), Output(3)])
    several, plain = runner(ours, Adam(0.01), several=True), runner(large, Adam(0.01))
    for step in range(5):
        parts = [batch(10 * step + i, size, torch.rand(size).double() if weighted else None) for i, size in enumerate([8, 8, 3])]
        whole = joined(parts)
        loss, weight = several.update(iter(parts), step, 0.0)
        expected = StepRunner.train(plain, whole.inputs, whole.targets, whole.weight, step, 0.0)
        assert abs(float(loss) - float(expected)) < 1e-12
        assert abs(weight - whole.total_weight) < 1e-12
    for own, theirs in zip(ours.parameters(), large.parameters(), strict=True):
        assert torch.allclose(own, theirs, rtol=0, atol=1e-12)


def test_batches_of_nothing_that_counts_move_nothing() -> None:
    net = network(PLAIN)
    before = {name: tensor.clone() for name, tensor in net.tensors().items()}
    loss, weight = runner(net, Sgd(0.1), several=True).update(iter([batch(0, 4, torch.zeros(4)), batch(1, 4, torch.zeros(4))]), 0, 0.0)
    assert (float(loss), weight) == (0.0, 0.0)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.tensors().items())


def test_one_batch_is_a_plain_step_to_the_bit() -> None:
    ours, plain = network(NOISY), network(NOISY)
    compound, simple = runner(ours, Adam(0.01)), runner(plain, Adam(0.01))
    for step in range(5):
        b = batch(step)
        assert float(compound.update([b], step, 0.0)[0]) == float(StepRunner.train(simple, b.inputs, b.targets, None, step, 0.0))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))


def test_each_batch_of_a_step_draws_its_own_numbers() -> None:
    seen = []
    net = network(NOISY)
    net.layers[1].register_forward_hook(lambda m, i, o: seen.append(o.detach() != 0))
    type(net).chains = False
    try:
        b = batch(0)
        compound = runner(net, Sgd(0.0), several=True)
        net._steps = [(layer, places) for layer, (_, places) in zip(net.layers, net._steps, strict=True)]
        compound.update(iter([b, b]), 0, 0.0)
        compound.update(iter([b, b]), 0, 0.0)
    finally:
        type(net).chains = True
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])


@pytest.mark.parametrize("adaptive", [False, True])
def test_sharpness_is_the_loop_written_by_hand(adaptive: bool) -> None:
    ours, hand = network(NORMED), network(NORMED)
    compound = runner(ours, Sgd(0.1, momentum=0.9), sharpness=Sam(0.3, adaptive=adaptive))
    theirs = list(hand.parameters())
    by_hand = torch.optim.SGD(theirs, 0.1, momentum=0.9)
    for step in range(6):
        b = batch(step)
        loss, _ = compound.update([b], step, 0.0)
        by_hand.zero_grad()
        first = F.cross_entropy(hand.scores(b.inputs)[0], b.targets["output"])
        first.backward()  # type: ignore[no-untyped-call]
        statistics = [buffer.clone() for buffer in hand.buffers()]
        scaled = [p.detach().abs() * p.grad if adaptive else p.grad for p in theirs]
        norm = torch.cat([g.flatten() for g in scaled]).norm()
        old = [p.detach().clone() for p in theirs]
        with torch.no_grad():
            for p in theirs:
                p.add_((p**2 if adaptive else 1.0) * p.grad * 0.3 / (norm + 1e-12))
        by_hand.zero_grad()
        F.cross_entropy(hand.scores(b.inputs)[0], b.targets["output"]).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for p, value in zip(theirs, old, strict=True):
                p.copy_(value)
            for buffer, value in zip(hand.buffers(), statistics, strict=True):
                buffer.copy_(value)
        by_hand.step()
        assert abs(float(loss) - float(first.detach())) < 1e-12
    for own, right in zip([*ours.parameters(), *ours.buffers()], [*theirs, *hand.buffers()], strict=True):
        assert torch.allclose(own, right, rtol=0, atol=1e-12)


def test_a_search_sees_one_function() -> None:
    """With dropout and batch norm, the loss found at the end of a step is lower than at its start on the same draw."""
    net = network([*NOISY[:2], BatchNorm(), Output(3)])
    compound = runner(net, Lbfgs(iterations=5))
    b = batch(0, 32)
    statistics = [buffer.clone() for buffer in net.buffers()]
    first, _ = compound.update([b], 3, 0.0)
    after = [buffer.clone() for buffer in net.buffers()]
    again = compound.add_gradient(b, 1.0, next(compound.seeds(3)))
    assert float(again) < float(first) / 1.5
    other = network([*NOISY[:2], BatchNorm(), Output(3)])
    plain = runner(other, Sgd(0.0))
    plain.update([b], 3, 0.0)
    assert not torch.equal(statistics[0], after[0])
    assert all(torch.equal(x, y) for x, y in zip(after, other.buffers(), strict=True))


def test_l1_and_l2_are_in_the_loss_that_is_searched() -> None:
    """Against torch's L-BFGS on a loss with the penalties written out."""
    layers = [Dense(4, activation="tanh", l1=0.01, l2=0.1), Output(3)]
    ours, hand = network(layers), network(layers)
    compound = runner(ours, Lbfgs(iterations=4))
    reference = torch.optim.LBFGS(hand.parameters(), max_iter=4, max_eval=10**6, history_size=10, line_search_fn="strong_wolfe")
    b = batch(0, 16)
    weight = hand.tensors()["dense_1/weight"]

    def closure() -> Tensor:
        reference.zero_grad()
        loss = F.cross_entropy(hand.scores(b.inputs)[0], b.targets["output"])
        loss = loss + 0.01 * weight.abs().sum() + 0.05 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for step in range(3):
        compound.update([b], step, 0.0)
        reference.step(closure)
    for own, right in zip(ours.parameters(), hand.parameters(), strict=True):
        assert torch.allclose(own, right, rtol=0, atol=1e-8)


@pytest.mark.parametrize("ways", [{"several": True}, {"sharpness": Sam(0.3)}, {"several": True, "sharpness": Sam(0.3)}])
def test_a_scaled_loss_makes_the_same_update_and_overflow_none(ways: dict[str, Any]) -> None:
    """Scaling alone, which a CPU can do: float16 itself needs an accelerator."""
    ours, plain = network(PLAIN), network(PLAIN)
    scaled, simple = runner(ours, Sgd(0.1), **ways), runner(plain, Sgd(0.1), **ways)
    scaled.precision = Precision("float16", torch.device("cuda"))
    scaled.precision.half = None
    for step in range(3):
        parts = [batch(2 * step), batch(2 * step + 1, 5)] if "several" in ways else [batch(step)]
        scaled.update(iter(parts), step, 0.0)
        simple.update(iter(parts), step, 0.0)
    for own, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(own, theirs, rtol=0, atol=1e-9)
    before = [p.detach().clone() for p in ours.parameters()]
    bad = batch(9)
    bad.inputs["input"][0] = float("inf")
    scaled.update([bad], 3, 0.0)
    assert scaled.precision.skipped == 1
    assert all(torch.equal(a, b) for a, b in zip(before, ours.parameters(), strict=True))
