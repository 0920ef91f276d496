"""A product of two inputs with weights between them."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.vertices.bilinear import Bilinear


@runs(Bilinear)
class BilinearModule(ParametricModule):
    """Over the last axes."""

    weight: Tensor

    def compute(self, x: Tensor, y: Tensor) -> Tensor:
        return F.bilinear(x, y, self.weight, self._parameters.get("bias"))
