"""Pooling to a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.adaptive_pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from lamina.network.plan import Node

_POOL: dict[type, Callable[..., Any]] = {
    AdaptiveAvgPool1d: F.adaptive_avg_pool1d,
    AdaptiveAvgPool2d: F.adaptive_avg_pool2d,
    AdaptiveAvgPool3d: F.adaptive_avg_pool3d,
    AdaptiveMaxPool1d: F.adaptive_max_pool1d,
    AdaptiveMaxPool2d: F.adaptive_max_pool2d,
    AdaptiveMaxPool3d: F.adaptive_max_pool3d,
}


@runs(*_POOL)
class AdaptivePoolModule(LayerModule):
    """Torch's own; along steps, the axes change places before and after."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._pool = next(pool for kind, pool in _POOL.items() if isinstance(layer, kind))
        self._sizes: tuple[int, ...] = layer.sizes

    def forward(self, x: Tensor) -> Tensor:
        steps = len(self._sizes) == 1
        y: Tensor = self._pool(x.transpose(1, 2) if steps else x, self._sizes)
        return y.transpose(1, 2) if steps else y
