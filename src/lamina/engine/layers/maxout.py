"""Units that are the largest of several."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.maxout import Maxout
from lamina.network.plan import Node


@runs(Maxout)
class MaxoutModule(ParametricModule):
    """All pieces at once."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._pieces = int(layer.pieces)

    def compute(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self._parameters.get("bias"))
        return y.reshape(*y.shape[:-1], self._pieces, -1).amax(-2)
