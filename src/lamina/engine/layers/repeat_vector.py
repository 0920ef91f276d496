"""A vector at every step."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.repeat_vector import RepeatVector
from lamina.network.plan import Node


@runs(RepeatVector)
class RepeatVectorModule(LayerModule):
    """A view: nothing is copied."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._count = int(layer.count)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None].expand(x.shape[0], self._count, *x.shape[1:])
