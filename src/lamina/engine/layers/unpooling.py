"""Max unpooling."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.window import Windows
from lamina.network.layers.unpooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from lamina.network.layers.window import pads
from lamina.network.plan import Node

_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


@runs(MaxUnpool1d, MaxUnpool2d, MaxUnpool3d)
class MaxUnpoolModule(LayerModule):
    """Asks where the largest values stand, and writes there."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._spatial: int = layer.spatial
        self._windows = Windows(layer.window, layer.strides, (1,) * layer.spatial, layer.paddings)

    def forward(self, values: Tensor, original: Tensor) -> Tensor:
        if self._spatial == 1:
            return self._unpool(values.transpose(1, 2), original.transpose(1, 2)).transpose(1, 2)
        return self._unpool(values, original)

    def _unpool(self, values: Tensor, original: Tensor) -> Tensor:
        windows = self._windows
        settings = zip(original.shape[2:], windows.window, windows.strides, windows.dilations, windows.paddings, strict=True)
        added = [pads(*setting) for setting in settings]
        padded = F.pad(original.detach(), [position for pair in reversed(added) for position in pair], value=-math.inf)
        _, places = _POOL[self._spatial](padded, windows.window, windows.strides, return_indices=True)
        y = values.new_zeros(padded.flatten(2).shape).scatter(2, places.flatten(2), values.flatten(2)).reshape(padded.shape)
        for axis, (before, _) in enumerate(added, 2):
            y = y.narrow(axis, before, original.shape[axis])
        return y
