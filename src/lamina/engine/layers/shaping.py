"""Flatten, reshape and permute."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.shaping import Flatten, Permute, Reshape
from lamina.network.plan import Node


@runs(Flatten)
class FlattenModule(LayerModule):
    """All numbers of a sample in one row."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


@runs(Reshape)
class ReshapeModule(LayerModule):
    """The same numbers in another shape."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._sizes = tuple(-1 if size is None else size for size in node.output_shape.dims)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self._sizes)


@runs(Permute)
class PermuteModule(LayerModule):
    """Axes in another order."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._order = (0, *layer.order)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self._order)
