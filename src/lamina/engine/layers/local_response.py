"""Local response normalisation."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.local_response import LocalResponseNorm
from lamina.network.plan import Node
from lamina.shapes import Sequence


@runs(LocalResponseNorm)
class LocalResponseNormModule(LayerModule):
    """Torch's own, whose average becomes a sum when its weight is multiplied by the window."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        alpha = layer.alpha if layer.average else layer.alpha * layer.window
        self._settings = (layer.window, alpha, layer.beta, layer.k)
        self._steps = isinstance(node.input_shapes[0], Sequence)

    def forward(self, x: Tensor) -> Tensor:
        if self._steps:
            return F.local_response_norm(x.transpose(1, 2), *self._settings).transpose(1, 2)
        return F.local_response_norm(x, *self._settings)
