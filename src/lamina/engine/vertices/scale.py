"""Factors and offsets."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.plan import Node
from lamina.network.vertices.scale import Scale, Shift


@runs(Scale)
class ScaleModule(LayerModule):
    """``factor * x + offset``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._factor, self._offset = float(layer.factor), float(layer.offset)

    def forward(self, x: Tensor) -> Tensor:
        y = x * self._factor
        return y if self._offset == 0.0 else y + self._offset


@runs(Shift)
class ShiftModule(LayerModule):
    """``x + offset``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._offset = float(layer.offset)

    def forward(self, x: Tensor) -> Tensor:
        return x + self._offset
