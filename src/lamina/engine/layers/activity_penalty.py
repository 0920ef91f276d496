"""A price for large numbers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.activity_penalty import ActivityPenalty
from lamina.network.plan import Node


@runs(ActivityPenalty)
class ActivityPenaltyModule(LayerModule):
    """What the last batch costs, sample by sample."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._l1, self._l2 = float(layer.l1), float(layer.l2)

    def forward(self, x: Tensor) -> Tensor:
        self._charge(x)
        return x

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), (mask,) = inputs, masks
        self._charge(x if mask is None else x.masked_fill(~mask[:, :, None], 0.0))
        return x, mask

    def _charge(self, x: Tensor) -> None:
        self.penalty = None
        if self.training:
            flat = x.flatten(1)
            self.penalty = self._l1 * flat.abs().sum(1) + self._l2 * flat.square().sum(1)
