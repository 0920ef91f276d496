"""What runs a way to exchange: it stands between the gradients of a process and the update of its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from lamina.distribute.world import Wait, World
from lamina.engine.implementations import Implementations
from lamina.engine.optimizers import OptimizerRun
from lamina.engine.parameters import FlatParameters
from lamina.learning.exchange import Exchange

D = TypeVar("D", bound=Exchange)
State = tuple[Mapping[str, Any], Mapping[str, Tensor]]
"""What one process must remember: plain numbers, and tensors by name."""

_WEIGHT, _LOSS, _SAMPLES, _ASKS, _FIRST = range(5)
"""Places in the few numbers that go with every exchange; behind them, which buffers have changed."""


class ExchangeRun(Generic[D]):
    """Exchanges gradients at every step; subclasses say how the vectors themselves go.

    Every process contributes the gradient of the *sum* of its samples' losses, each weighted; so what comes out is that of the
    mean over the whole batch, however many samples each process had, none included. Buffers that change in training (running
    statistics) are averaged, each process weighted by its samples.

    Args:
        description: The way.
        world: The processes.
        flat: Parameters and gradients.
        optimizer: What updates them.
        network: Whose buffers go along.

    Attributes:
        asking: Whether this process wants all to stop for a question (an end of training that was asked for, say).
        asked: Whether any process did, at the last exchange.
    """

    def __init__(self, description: D, world: World, flat: FlatParameters, optimizer: OptimizerRun[Any], network: nn.Module) -> None:
        self.description = description
        self.world = world
        self.flat = flat
        self.optimizer = optimizer
        self.asking: Callable[[], bool] = lambda: False
        self.asked = False
        self.buffers = [buffer for buffer in network.buffers() if buffer.dtype != torch.bool and not buffer.is_complex()]
        self._before = [buffer.clone() for buffer in self.buffers]

    @property
    def local(self) -> bool:
        """Whether processes have weights of their own between two exchanges."""
        return self.description.local

    # -- steps ------------------------------------------------------------------------------------------------------

    def begin_step(self) -> None:
        """The gradients are about to be computed; buffers are, for the moment, the same everywhere."""
        for before, buffer in zip(self._before, self.buffers, strict=True):
            before.copy_(buffer)

    def gradients(self, total: Tensor | None, weight: float, samples: int) -> tuple[Tensor, float]:
        """Put the gradient of the whole batch's mean loss in place of that of this process's sum.

        Args:
            total: Sum of the weighted losses of this process's samples, detached; None if it had no sample.
            weight: Sum of their weights.
            samples: How many there were.

        Returns:
            The mean loss of the whole batch, and the sum of its weights.
        """
        changed = [float(not torch.equal(before, buffer)) for before, buffer in zip(self._before, self.buffers, strict=True)]
        loss = 0.0 if total is None else float(total)
        with self.world.timed():
            head = self._numbers([weight, loss, float(samples), float(self.asking()), *changed])
            wait = self.world.begin_sum(head)
            waits = self.begin()
            wait()
            found = head.tolist()
            self.asked = found[_ASKS] > 0
            self._mix_buffers([count > 0 for count in found[_FIRST:]], samples / max(found[_SAMPLES], 1.0))
            for wait in waits:
                wait()
            self.finish(found[_WEIGHT])
        mean = found[_LOSS] / found[_WEIGHT] if found[_WEIGHT] else found[_LOSS]
        return torch.tensor(mean, dtype=torch.float64), found[_WEIGHT]

    def begin(self) -> Sequence[Wait]:
        """Begin what needs not wait for the weight of the whole batch."""
        return ()

    def finish(self, weight: float) -> None:
        """Leave the gradient of the mean in the gradient vector.

        Args:
            weight: Of the whole batch.
        """
        raise NotImplementedError(type(self).__name__)

    def after_step(self) -> None:
        """An update was made, or would have been, had this process had samples."""

    def settle(self) -> None:
        """Make all processes alike: an epoch is over."""

    def _numbers(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.flat.buffers[0].vector.device)

    def _mix_buffers(self, changed: Sequence[bool], share: float) -> None:
        """Give all processes the mean change of each buffer that has changed anywhere."""
        pairs = [(before, buffer) for before, buffer, has in zip(self._before, self.buffers, changed, strict=True) if has]
        if not pairs:
            return
        moved = torch.cat([(buffer.double() - before.double()).flatten() for before, buffer in pairs]).mul_(share)
        self.world.begin_sum(moved)()
        start = 0
        for before, buffer in pairs:
            mean = moved[start : start + buffer.numel()].view(buffer.shape)
            start += buffer.numel()
            value = before.double() + mean
            buffer.copy_(value if buffer.is_floating_point() else value.round())

    # -- state ------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """What this process alone must remember, to go on from here."""
        return {}, {}

    def load_state(self, states: Sequence[State]) -> None:
        """Go on from the states of all processes; there may have been more of them, or fewer, than there are now."""


_RUNS: Implementations[type[ExchangeRun[Any]]] = Implementations("exchange", "exchanges", of="an ExchangeRun")
exchanges = _RUNS.register
"""Class decorator: this class runs these ways to exchange."""


def exchange_for(
    description: Exchange, world: World, flat: FlatParameters, optimizer: OptimizerRun[Any], network: nn.Module
) -> ExchangeRun[Any]:
    """Make a way to exchange runnable.

    Args:
        description: Which.
        world: The processes.
        flat: Parameters and gradients.
        optimizer: What updates them; lengths of its schedules are known.
        network: Whose buffers go along.

    Raises:
        RegistrationError: EN031, if nothing runs this description.
    """
    return _RUNS.find(description)(description, world, flat, optimizer, network)
