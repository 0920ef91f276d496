"""Activation functions as layers, and the layer that does nothing."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.activation import ActivationLayer, IdentityLayer
from lamina.network.plan import Node


@runs(ActivationLayer)
class ActivationModule(LayerModule):
    """Applies an activation function."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._activation = activation_function(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        return self._activation(x)


@runs(IdentityLayer)
class IdentityModule(LayerModule):
    """Passes on what it gets."""

    def forward(self, x: Tensor) -> Tensor:
        return x
