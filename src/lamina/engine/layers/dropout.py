"""Dropout as a layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.noise import noise_module
from lamina.network.layers.dropout import Dropout
from lamina.network.plan import Node


@runs(Dropout)
class DropoutModule(LayerModule):
    """Noise in training, nothing otherwise."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._noise = noise_module(layer.rate)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self._noise(x)
        return y
