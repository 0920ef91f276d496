"""Inputs side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.plan import Node
from lamina.network.vertices.concat import Concat


@runs(Concat)
class ConcatModule(LayerModule):
    """Side by side."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._axis = 1 + int(layer.axis_of(node.input_shapes[0]))

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self._axis)
