"""Pooling by sum and by p-norm."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import runs
from lamina.engine.layers.pooling import AVERAGE, PoolModule
from lamina.engine.layers.window import Padding
from lamina.network.layers.power_pooling import PNormPool1d, PNormPool2d, PNormPool3d, SumPool1d, SumPool2d, SumPool3d
from lamina.network.plan import Node


@runs(SumPool1d, SumPool2d, SumPool3d)
class SumPoolModule(PoolModule):
    """The sum of each window: its average with what is added, times its size."""

    def pool(self, x: Tensor, padding: Padding, real: Tensor | None) -> Tensor:
        if padding.before:
            x = F.pad(x, padding.before)
        total: Tensor = AVERAGE[self._spatial](x, self._window, self._strides, padding.both) * math.prod(self._window)
        return total


@runs(PNormPool1d, PNormPool2d, PNormPool3d)
class PNormPoolModule(SumPoolModule):
    """The p-norm of each window."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._p: float = layer.p

    def pool(self, x: Tensor, padding: Padding, real: Tensor | None) -> Tensor:
        return root(super().pool(x.abs().pow(self._p), padding, real), self._p)


def root(total: Tensor, p: float) -> Tensor:
    """``total^(1/p)`` of numbers of at least 0, where the slope at 0 is taken to be 0 and not infinite."""
    positive = total > 0
    safe: Tensor = total.masked_fill(~positive, 1.0)
    return safe.pow(1 / p).masked_fill(~positive, 0.0)
