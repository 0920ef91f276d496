"""Pooling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.window import Padding, Windows
from lamina.network.layers.pooling import AvgPool1d, AvgPool2d, AvgPool3d, GlobalAvgPool, GlobalMaxPool, MaxPool1d, MaxPool2d, MaxPool3d
from lamina.network.plan import Node
from lamina.shapes import Sequence

_MAX: dict[int, Callable[..., Tensor]] = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
_AVERAGE: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class PoolModule(LayerModule):
    """What windowed pooling shares; subclasses write ``pool`` for ``[batch, channels, ...]``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._spatial: int = layer.spatial
        self._window, self._strides = layer.window, layer.strides
        self._windows = Windows(layer.window, layer.strides, (1,) * layer.spatial, layer.paddings, half=True)
        self._fixed = self._windows.fixed(node)

    def forward(self, x: Tensor) -> Tensor:
        if self._spatial == 1:
            x = x.transpose(1, 2)
        padding = self._fixed if self._fixed is not None else self._windows.padding(x.shape[2:])
        y = self.pool(x, padding)
        return y.transpose(1, 2) if self._spatial == 1 else y

    def pool(self, x: Tensor, padding: Padding) -> Tensor:
        """Pool ``[batch, channels, ...]``."""
        raise NotImplementedError


@runs(MaxPool1d, MaxPool2d, MaxPool3d)
class MaxPoolModule(PoolModule):
    """The largest of each window; what is added never wins."""

    def pool(self, x: Tensor, padding: Padding) -> Tensor:
        if padding.before:
            x = F.pad(x, padding.before, value=-math.inf)
        return _MAX[self._spatial](x, self._window, self._strides, padding.both)


@runs(AvgPool1d, AvgPool2d, AvgPool3d)
class AvgPoolModule(PoolModule):
    """The average of each window, with or without what is added."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._include: bool = layer.include_padding

    def pool(self, x: Tensor, padding: Padding) -> Tensor:
        average = _AVERAGE[self._spatial]
        if not padding.before:
            return average(x, self._window, self._strides, padding.both, count_include_pad=self._include)
        y = average(F.pad(x, padding.before), self._window, self._strides)
        if self._include:
            return y
        # The share of each window that is real data, by which the average over all of it is too small.
        real = F.pad(x.new_ones((1, 1, *x.shape[2:])), padding.before)
        return y / average(real, self._window, self._strides)


class GlobalPoolModule(LayerModule):
    """What pooling over all steps, or all positions, shares: the axes of the tensor that vanish."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        shape = node.input_shapes[0]
        self._axes = (1,) if isinstance(shape, Sequence) else tuple(range(2, len(shape.dims) + 1))


@runs(GlobalMaxPool)
class GlobalMaxPoolModule(GlobalPoolModule):
    """The largest."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self._axes)


@runs(GlobalAvgPool)
class GlobalAvgPoolModule(GlobalPoolModule):
    """The average."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self._axes)
