"""Nested, residual and repeated networks, and one for each step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.container import ContainerModule, flat_memory
from lamina.engine.layers.layer import runs
from lamina.engine.state import Memory
from lamina.network.layers.nested import Nested, Repeat, Residual, TimeDistributed
from lamina.network.plan import Node


@runs(Nested)
class NestedModule(ContainerModule):
    """Once."""

    def forward(self, *inputs: Tensor) -> Tensor:
        self.penalty = None
        return self.ask("", *inputs)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        self.penalty = None
        return self.ask_masked("", inputs, masks)

    def start_state(self, batch: int) -> Memory:
        return flat_memory(self.network().start_state(batch))

    def step(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        self.penalty = None
        return self.advance("", inputs, masks, state)


@runs(Residual)
class ResidualModule(NestedModule):
    """Once, and what came in on top."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x + super().forward(x)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        y, mask = super().run_masked(inputs, masks)
        return inputs[0] + y, mask

    def step(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        y, mask, state = super().step(inputs, masks, state)
        return inputs[0] + y, mask, state


@runs(Repeat)
class RepeatModule(ContainerModule):
    """Several times; each time has a memory of its own."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._times = int(layer.times)

    def forward(self, x: Tensor) -> Tensor:
        return self.run_masked((x,), (None,))[0]

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        self.penalty = None
        (x,), (mask,) = inputs, masks
        for _ in range(self._times):
            x, mask = self.ask_masked("", (x,), (mask,))
        return x, mask

    def start_state(self, batch: int) -> Memory:
        one = flat_memory(self.network().start_state(batch))
        return {f"{turn}/{name}": value for turn in range(self._times) for name, value in one.items()}

    def step(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        self.penalty = None
        (x,), (mask,) = inputs, masks
        after: Memory = {}
        for turn in range(self._times):
            own = {name.partition("/")[2]: value for name, value in state.items() if name.partition("/")[0] == str(turn)}
            x, mask, own = self.advance("", (x,), (mask,), own)
            after |= {f"{turn}/{name}": value for name, value in own.items()}
        return x, mask, after


@runs(TimeDistributed)
class TimeDistributedModule(ContainerModule):
    """All steps of all samples at once, as if each were a sample."""

    def forward(self, x: Tensor) -> Tensor:
        self.penalty = None
        y = self.ask("", x.flatten(0, 1))
        self._add_up(torch.ones(x.shape[:2], dtype=torch.bool, device=x.device))
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), (mask,) = inputs, masks
        if mask is None or not self.training or not bool(mask.any()):
            return self.forward(x), mask
        # In training only real steps count, for the statistics of a batch norm, say.
        self.penalty = None
        y = self.ask("", x[mask])
        self._add_up(mask)
        return y.new_zeros((*mask.shape, *y.shape[1:])).index_put((mask,), y), mask

    def _add_up(self, real: Tensor) -> None:
        """What each step costs, added up for its sample."""
        if self.penalty is not None and self.penalty.dim() == 1:
            self.penalty = self.penalty.new_zeros(real.shape).masked_scatter(real, self.penalty).sum(1)
