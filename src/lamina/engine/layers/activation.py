"""Activation functions as layers, with and without parameters, and the layer that does nothing."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.network.layers.activation import ActivationLayer, IdentityLayer, PReLU
from lamina.network.plan import Node
from lamina.shapes import Sequence


@runs(ActivationLayer)
class ActivationModule(LayerModule):
    """Applies an activation function."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._activation = activation_function(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        return self._activation(x)


@runs(PReLU)
class PReLUModule(ParametricModule):
    """Torch takes features from axis 1: steps count as samples, and numbers with slopes of their own as features."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._own = layer.shared == "none"
        self._steps = layer.shared == "positions" and isinstance(node.input_shapes[0], Sequence)

    def compute(self, x: Tensor) -> Tensor:
        if self._own:
            return F.prelu(x.flatten(1), self.weight.flatten()).reshape(x.shape)
        return F.prelu(x.flatten(0, 1), self.weight).reshape(x.shape) if self._steps else F.prelu(x, self.weight)


@runs(IdentityLayer)
class IdentityModule(LayerModule):
    """Passes on what it gets."""

    def forward(self, x: Tensor) -> Tensor:
        return x
