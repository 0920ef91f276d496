"""Dense layers that carry past themselves."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.highway import Highway
from lamina.network.plan import Node


@runs(Highway)
class HighwayModule(ParametricModule):
    """From the input to what is computed, by the share that the gate says."""

    activates: ClassVar[bool] = False
    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._transform = activation_function(layer.activation)

    def compute(self, x: Tensor) -> Tensor:
        value, gate = F.linear(x, self.weight, self._parameters.get("bias")).chunk(2, -1)
        return torch.lerp(x, self._transform(value), torch.sigmoid(gate))
