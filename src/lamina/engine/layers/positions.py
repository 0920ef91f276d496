"""How positions run: real steps are counted, and counting goes on from piece to piece."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.attention import Masks, places, widest
from lamina.engine.layers.embedding import EmbeddingModule
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.engine.state import Memory
from lamina.errors import TrainingError
from lamina.network.layers.positions import PositionEmbedding, SinusoidalPositions, TokenEmbedding


class Counting(LayerModule):
    """A layer whose output for a step depends on the step's number; subclasses write `counted`."""

    def counted(self, x: Tensor, numbers: Tensor) -> Tensor:
        """The output, for steps of these numbers ``[batch or 1, steps]``."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, x: Tensor) -> Tensor:
        return self.counted(x, places(x, None))

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        return self.counted(inputs[0], places(inputs[0], masks[0]).clamp(min=0)), masks[0]

    def start_state(self, batch: int) -> Memory:
        return {"count": next(self.parameters(), torch.zeros(0)).new_zeros((batch, 1), dtype=torch.int64)}

    def step(self, inputs: tuple[Tensor, ...], masks: Masks, state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        (x,) = inputs
        count, own = state["count"].to(x.device), places(x, masks[0])
        after = count + (own >= 0).sum(1, keepdim=True)
        # Of a step that is not real nothing is used; it has the number of the last real one, which there is.
        numbers = (own.clamp(min=0) + count).minimum((after - 1).clamp(min=0))
        return self.counted(x, numbers), masks[0], {"count": after}

    def learnt(self, table: Tensor, numbers: Tensor) -> Tensor:
        """Rows of a table of positions.

        Raises:
            TrainingError: EN091, if a step has none.
        """
        if numbers.numel() and int(numbers.max()) >= len(table):
            raise TrainingError(
                "EN091",
                where=f"layer {self.node.name!r} ({self.node.layer.type_name})",
                expected=f"at most {len(table)} steps, for which there are positions",
                got=f"a step number {int(numbers.max()) + 1}",
                cause="the sequence, or what was generated so far, is longer than the positions that were learnt",
                fix=f"feed at most {len(table)} steps, train with a larger length, or use positions that know no end (rotary)",
            )
        return F.embedding(numbers, table)


@runs(PositionEmbedding)
class PositionEmbeddingModule(Counting, ParametricModule):  # type: ignore[misc]
    """A row of ``weight`` for each step."""

    weight: Tensor

    def counted(self, x: Tensor, numbers: Tensor) -> Tensor:
        return self.activated(self.noisily(lambda own: own + self.learnt(self.weight, numbers), (x,)))


@runs(SinusoidalPositions)
class SinusoidalPositionsModule(Counting):
    """Sines and cosines."""

    def counted(self, x: Tensor, numbers: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return x + sinusoidal(numbers, x.shape[-1], float(layer.base)).to(x.dtype)


@runs(TokenEmbedding)
class TokenEmbeddingModule(Counting, EmbeddingModule):  # type: ignore[misc]
    """Tokens and their places."""

    position: Tensor

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        return super().run_masked(inputs, (self.real(inputs[0], masks[0]),))

    def step(self, inputs: tuple[Tensor, ...], masks: Masks, state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        return super().step(inputs, (self.real(inputs[0], masks[0]),), state)

    def counted(self, x: Tensor, numbers: Tensor) -> Tensor:
        return self.activated(self.noisily(lambda own: self._both(own, numbers), (x,)))

    def _both(self, x: Tensor, numbers: Tensor) -> Tensor:
        layer: Any = self.node.layer
        y = self.compute(x)
        if layer.scaled:
            y = y * math.sqrt(y.shape[-1])
        if layer.positions == "learned":
            return y + self.learnt(self.position, numbers)
        return y if layer.positions is None else y + sinusoidal(numbers, y.shape[-1], 10000.0).to(y.dtype)


def sinusoidal(numbers: Tensor, size: int, base: float) -> Tensor:
    """Sines at even places, cosines at odd ones: ``[batch, steps, size]`` for numbers ``[batch, steps]``."""
    order = torch.arange(size, device=numbers.device, dtype=widest(numbers.device))
    angles = numbers[..., None] / base ** (2 * (order // 2) / size)
    return torch.where(order % 2 == 0, angles.sin(), angles.cos())
