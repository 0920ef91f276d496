"""Fully connected layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.dense import Dense
from lamina.network.plan import Node

_EPSILON = 1e-5
"""Added to the variance before its root."""


@runs(Dense)
class DenseModule(ParametricModule):
    """``x W^T + b``, over the last axis."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._normalizes = bool(layer.layer_norm)

    def compute(self, x: Tensor) -> Tensor:
        bias = self._parameters.get("bias")
        if not self._normalizes:
            return F.linear(x, self.weight, bias)
        y = F.linear(x, self.weight)
        return F.layer_norm(y, y.shape[-1:], self._parameters["gain"], bias, _EPSILON)
