"""Contract suite of ways to exchange: what every one of them must do, ours and third parties'.

The processes are threads here, each with a network of its own, so that the suite is quick; real processes are started by the tests of
`lamina.distribute`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from lamina.distribute.exchange import ExchangeRun, exchange_for
from lamina.distribute.world import Wait, World
from lamina.engine.optimizers import OptimizerRun, optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.learning.exchange import Exchange
from lamina.learning.optimizers import Adam, Optimizer, Sgd
from lamina.testing.promises import check_round_trips, drawn, promise

WORKERS, STEPS = 3, 12


class Threads(World):
    """Threads of one process that exchange through memory.

    Args:
        rank: Number of this thread.
        table: What all of them share: see `together`.
    """

    def __init__(self, rank: int, table: _Table) -> None:
        super().__init__()
        self.rank, self.count = rank, table.count
        self._table = table

    def begin_sum(self, tensor: Tensor) -> Wait:
        self.sent += tensor.nbytes
        found = self._table.exchange(self.rank, tensor.clone())
        total = found[0].clone()
        for other in found[1:]:
            total.add_(other)
        tensor.copy_(total)
        return lambda: None

    def maximum(self, tensor: Tensor) -> None:
        tensor.copy_(torch.stack(self._table.exchange(self.rank, tensor.clone())).amax(0))

    def gather_bytes(self, message: Tensor) -> list[Tensor]:
        self.sent += message.nbytes
        return [other.clone() for other in self._table.exchange(self.rank, message.clone())]

    def copy(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            tensor.copy_(self._table.exchange(self.rank, tensor.clone())[0])


class _Table:
    def __init__(self, count: int) -> None:
        self.count = count
        self._barrier = threading.Barrier(count, timeout=60)
        self._given: list[Tensor] = [torch.empty(0)] * count

    def exchange(self, rank: int, tensor: Tensor) -> list[Tensor]:
        self._given[rank] = tensor
        self._barrier.wait()
        found = list(self._given)
        self._barrier.wait()
        return found


def together(work: Callable[[World], Any], count: int = WORKERS) -> list[Any]:
    """What some work gives in each of several threads that see each other as a world."""
    table = _Table(count)
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(work, Threads(rank, table)) for rank in range(count)]]


def check_exchange(exchange: Exchange) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning.exchange import AllReduce
        >>> check_exchange(AllReduce())
    """
    check_round_trips(exchange)
    check_alike(exchange)
    check_sum(exchange)
    check_resume(exchange)


def check_alike(exchange: Exchange) -> None:
    """All processes have the same bits after every exchange, with uneven samples, and with none in some of them."""
    for optimizer in (Sgd(0.1), Adam(0.01)):

        def work(world: World, own: Optimizer = optimizer) -> Tensor:
            return _Trained(exchange, world, own).go(0, STEPS).settled()

        ends = together(work)
        for vector in ends[1:]:
            promise(torch.equal(vector, ends[0]), "all processes have the same weights after an exchange, bit for bit")
        promise(bool(torch.isfinite(ends[0]).all()), "weights stay finite")


def check_sum(exchange: Exchange) -> None:
    """What is lossless is the gradient of the whole batch; what isn't, goes the same way in the long run."""
    if exchange.local:
        return

    def work(world: World) -> list[Tensor]:
        trained = _Trained(exchange, world, Sgd(0.0))
        found = []
        for _ in range(STEPS):
            trained.step(0)
            found.append(trained.flat.gradient.clone())
        return found

    got, whole = together(work)[0], _mean_gradient(0)
    if exchange.lossless:
        promise(torch.allclose(got[0], whole, rtol=1e-12, atol=1e-14), "what comes out is the mean gradient of the whole batch")
        return
    mean = torch.stack(got).mean(0)
    promise(float(mean @ whole) > 0, "what comes out points where the gradient of the whole batch does")


def check_resume(exchange: Exchange) -> None:
    """States of all processes, taken between any two steps, go on to the same bits; of more or fewer processes, they are taken up."""
    for stop in (1, 2, 5):

        def whole(world: World) -> Tensor:
            return _Trained(exchange, world, Adam(0.01)).go(0, STEPS).settled()

        def first(world: World, stop: int = stop) -> tuple[Any, ...]:
            return _Trained(exchange, world, Adam(0.01)).go(0, stop).kept()

        kept = together(first)

        def second(world: World, stop: int = stop, kept: list[Any] = kept) -> Tensor:
            return _Trained(exchange, world, Adam(0.01)).resumed(kept).go(stop, STEPS).settled()

        promise(torch.equal(together(second)[0], together(whole)[0]), "a run that is resumed ends with the same bits")
        for count in (2, 4):
            ends = together(second, count)
            same = all(torch.equal(end, ends[0]) for end in ends)
            promise(same and bool(torch.isfinite(ends[0]).all()), "states are taken up by more or fewer processes, which are alike then")


class _Trained:
    """A small network that one thread trains on its share of some drawn gradients."""

    def __init__(self, exchange: Exchange, world: World, optimizer: Optimizer) -> None:
        self.world = world
        self.flat = FlatParameters(_network())
        self.optimizer: OptimizerRun[Any] = optimizer_for(optimizer, self.flat)
        self.run: ExchangeRun[Any] = exchange_for(exchange, world, self.flat, self.optimizer, nn.Module())

    def step(self, number: int) -> None:
        gradients = _gradients(number)
        own = gradients[self.world.rank :: self.world.count]
        self.flat.zero_grad()
        self.run.begin_step()
        for gradient in own:
            self.flat.gradient.add_(gradient)
        self.run.gradients(torch.tensor(1.0) if own else None, float(len(own)), len(own))
        if own or not self.run.local:
            self.optimizer.step(number, 0.0)
        self.run.after_step()

    def go(self, start: int, stop: int) -> _Trained:
        for number in range(start, stop):
            self.step(number)
        return self

    def settled(self) -> Tensor:
        self.run.settle()
        return self.flat.vector.clone()

    def kept(self) -> tuple[Any, ...]:
        numbers, tensors = self.run.state()
        own = {name: tensor.clone() for name, tensor in tensors.items()}
        state = {name: tensor.clone() for name, tensor in self.optimizer.state_dict().items()}
        return self.flat.vector.clone(), state, (dict(numbers), own)

    def resumed(self, kept: list[tuple[Any, ...]]) -> _Trained:
        vector, state, _ = kept[0]
        self.flat.vector.copy_(vector)
        self.optimizer.load_state_dict(state)
        self.run.load_state([own for _, _, own in kept])
        return self


def _network() -> nn.Module:
    net = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for number, parameter in enumerate(net.parameters()):
            parameter.copy_(drawn(tuple(parameter.shape), seed=number))
    return net


def _gradients(number: int) -> list[Tensor]:
    """The gradients of single samples in a step: seven, or two, so that some processes have none."""
    size = sum(parameter.numel() for parameter in _network().parameters())
    return [drawn((size,), seed=100 * number + sample) for sample in range(2 if number % 4 == 3 else 7)]


def _mean_gradient(number: int) -> Tensor:
    return torch.stack(_gradients(number)).mean(0)
