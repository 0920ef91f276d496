"""Gated linear units."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.network.layers.glu import GLU, GatedLinearUnit
from lamina.network.plan import Node
from lamina.shapes import Image, Volume


@runs(GLU)
class GLUModule(LayerModule):
    """The halves stand along the axis of the features or channels."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._gate = activation_function(layer.gate)
        self._axis = 1 if isinstance(node.input_shapes[0], Image | Volume) else -1

    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, self._axis)
        return value * self._gate(gate)


@runs(GatedLinearUnit)
class GatedLinearUnitModule(ParametricModule):
    """Both products at once."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._gate = activation_function(layer.gate)

    def compute(self, x: Tensor) -> Tensor:
        value, gate = F.linear(x, self.weight, self._parameters.get("bias")).chunk(2, -1)
        return value * self._gate(gate)
