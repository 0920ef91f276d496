"""Normalisation by the root mean square; `UnitNorm` runs as the `L2Normalize` that it is."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.rms_norm import RMSNorm
from lamina.network.plan import Node
from lamina.shapes import Image, Volume


@runs(RMSNorm)
class RMSNormModule(ParametricModule):
    """Features are the last axis; channels of images and volumes are moved there."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._epsilon = float(layer.epsilon)
        self._channels_second = isinstance(node.input_shapes[0], Image | Volume)

    def compute(self, x: Tensor) -> Tensor:
        return self._normalized(x.movedim(1, -1)).movedim(-1, 1) if self._channels_second else self._normalized(x)

    def _normalized(self, x: Tensor) -> Tensor:
        bias = self._parameters.get("bias")
        y = F.rms_norm(x, x.shape[-1:], self._parameters.get("weight"), self._epsilon)
        return y if bias is None else y + bias
