"""An image without its first row and column."""

from __future__ import annotations

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.vertices.pool_helper import PoolHelper


@runs(PoolHelper)
class PoolHelperModule(LayerModule):
    """A view."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:, 1:]
