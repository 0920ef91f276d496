"""Fully connected layer."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.dense import Dense


@runs(Dense)
class DenseModule(ParametricModule):
    """``x W^T + b``, over the last axis."""

    weight: Tensor

    def compute(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self._parameters.get("bias"))
