"""Inputs as steps, and steps as they were before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.packing import only
from lamina.engine.layers.steps import lengths, real_first, take_last, take_steps
from lamina.errors import ShapeError
from lamina.network.plan import Node
from lamina.network.vertices.stack import Stack, Unstack


@runs(Stack)
class StackModule(LayerModule):
    """One after another along a new axis."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.stack(inputs, 1)


@runs(Unstack)
class UnstackModule(LayerModule):
    """One step."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._index = int(layer.index)

    def forward(self, x: Tensor) -> Tensor:
        if not -x.shape[1] <= self._index < x.shape[1]:
            raise self._too_short(x.shape[1])
        return x[:, self._index]

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), mask = inputs, only(masks)
        count = lengths(mask)
        place = self._index if self._index >= 0 else count + self._index
        missing = (count > 0) & ((count <= self._index) | (count < -self._index))
        if bool(missing.any()):
            raise self._too_short(int(count[missing].min()))
        y = take_last(take_steps(x, real_first(mask)), (place + torch.zeros_like(count)).clamp(min=0) + 1)
        # Of a sequence without steps nothing is known; that a sequence within a series is whole, its steps all being real, is.
        y = y.masked_fill((count == 0).reshape(-1, *(1,) * (y.dim() - 1)), 0)
        return y, mask.new_ones(y.shape[:2]) if self.node.output_shape.has_steps else None

    def _too_short(self, steps: int) -> ShapeError:
        return ShapeError(
            "EN061",
            where=f"layer {self.node.name!r} (unstack)",
            expected=f"sequences that have a step {self._index}",
            got=f"{steps} step{'' if steps == 1 else 's'}",
            cause="the sequence is shorter than the index reckons with; the first step is number 0",
            fix="leave out sequences that are that short, or choose an index that every sequence has",
        )
