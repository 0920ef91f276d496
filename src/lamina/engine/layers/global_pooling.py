"""Pooling over all steps, or all positions."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.packing import only
from lamina.engine.layers.power_pooling import root
from lamina.network.layers.global_pooling import GlobalAvgPool, GlobalMaxPool, GlobalPNormPool, GlobalSumPool
from lamina.network.plan import Node
from lamina.shapes import Sequence


class GlobalPoolModule(LayerModule):
    """What pooling over all steps, or all positions, shares; subclasses write ``pool``."""

    fill: ClassVar[float] = 0.0
    """What stands where no real step is, without changing anything."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        shape = node.input_shapes[0]
        self._axes = (1,) if isinstance(shape, Sequence) else tuple(range(2, len(shape.dims) + 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x, None)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        count = mask.sum(1, keepdim=True)
        y = self.pool(inputs[0].masked_fill(~mask[:, :, None], self.fill), count.clamp(min=1))
        return y.masked_fill(count == 0, 0.0), None

    def pool(self, x: Tensor, count: Tensor | None) -> Tensor:
        """Pool everything.

        Args:
            x: What to pool, `fill` where it is not real.
            count: How many steps of each sample are real, ``[batch, 1]``; None: all.
        """
        raise NotImplementedError


@runs(GlobalMaxPool)
class GlobalMaxPoolModule(GlobalPoolModule):
    """The largest."""

    fill: ClassVar[float] = -math.inf

    def pool(self, x: Tensor, count: Tensor | None) -> Tensor:
        return x.amax(self._axes)


@runs(GlobalAvgPool)
class GlobalAvgPoolModule(GlobalPoolModule):
    """The average."""

    def pool(self, x: Tensor, count: Tensor | None) -> Tensor:
        return x.mean(self._axes) if count is None else x.sum(self._axes) / count


@runs(GlobalSumPool)
class GlobalSumPoolModule(GlobalPoolModule):
    """The sum."""

    def pool(self, x: Tensor, count: Tensor | None) -> Tensor:
        return x.sum(self._axes)


@runs(GlobalPNormPool)
class GlobalPNormPoolModule(GlobalPoolModule):
    """The p-norm."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._p: float = layer.p

    def pool(self, x: Tensor, count: Tensor | None) -> Tensor:
        return root(x.abs().pow(self._p).sum(self._axes), self._p)
