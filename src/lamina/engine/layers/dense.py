"""Fully connected layer."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.module import LayerModule, runs
from lamina.network.layers.dense import Dense


@runs(Dense)
class DenseModule(LayerModule):
    """``x W^T + b``; the activation is applied by the network, so that a loss can take the scores before it."""

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, getattr(self, "bias", None))
