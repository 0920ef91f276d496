"""Exchanges that sum whole vectors: exactly, or rounded to 16 bits."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lamina.distribute.exchange.run import ExchangeRun, exchanges
from lamina.distribute.world import Wait
from lamina.learning.exchange import AllReduce, Bf16


@exchanges(AllReduce)
class AllReduceRun(ExchangeRun[AllReduce]):
    """Sums the gradient vector in place."""

    def begin(self) -> Sequence[Wait]:
        return [self.world.begin_sum(buffer.gradient) for buffer in self.flat.buffers]

    def finish(self, weight: float) -> None:
        if weight:
            for buffer in self.flat.buffers:
                buffer.gradient.div_(weight)


@exchanges(Bf16)
class Bf16Run(ExchangeRun[Bf16]):
    """Sums a rounded copy."""

    def finish(self, weight: float) -> None:
        # Divided before: a sum over many samples would be no better for being large, but might be too large.
        rounded = [buffer.gradient.div(weight or 1.0).to(torch.bfloat16) for buffer in self.flat.buffers]
        for wait in [self.world.begin_sum(vector) for vector in rounded]:
            wait()
        for buffer, vector in zip(self.flat.buffers, rounded, strict=True):
            buffer.gradient.copy_(vector)
