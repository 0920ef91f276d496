"""Fractional max pooling."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.fractional_pooling import FractionalMaxPool2d, FractionalMaxPool3d
from lamina.network.layers.layer import spatial_axes
from lamina.network.plan import Node


@runs(FractionalMaxPool2d, FractionalMaxPool3d)
class FractionalMaxPoolModule(LayerModule):
    """Torch's own; one number for each sample, channel and axis says where the windows stand."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._window: tuple[int, ...] = layer.window
        self._sizes = tuple(size or 1 for size in spatial_axes(node.output_shape))
        self._pool = F.fractional_max_pool2d if layer.spatial == 2 else F.fractional_max_pool3d

    def forward(self, x: Tensor) -> Tensor:
        sizes = (*x.shape[:2], len(self._sizes))
        where = torch.rand(sizes, dtype=x.dtype, device=x.device) if self.training else x.new_full(sizes, 0.5)
        y: Tensor = self._pool(x, self._window, output_size=self._sizes, _random_samples=where)
        return y
