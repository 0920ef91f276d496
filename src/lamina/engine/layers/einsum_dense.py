"""How dense layers along any axes run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.einsum_dense import EinsumDense


@runs(EinsumDense)
class EinsumDenseModule(ParametricModule):
    """torch.einsum."""

    weight: Tensor

    def compute(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        y = torch.einsum(layer.equation, x, self.weight)
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias
