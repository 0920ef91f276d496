"""Blocks into channels and steps and back, channels in another order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.blocks import (
    ChannelShuffle,
    DepthToSpace,
    PixelShuffle,
    PixelUnshuffle,
    SpaceToDepth,
    SpaceToSteps,
    StepsToSpace,
)
from lamina.network.plan import Node
from lamina.shapes import Sequence


class BlocksModule(LayerModule):
    """What these share: an image seen as ``[batch, c, blocks below, rows, blocks beside, columns]``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._rows, self._columns = layer.sizes

    def opened(self, x: Tensor) -> Tensor:
        """Take an image apart."""
        return torch.unflatten(torch.unflatten(x, 3, (-1, self._columns)), 2, (-1, self._rows))

    @staticmethod
    def closed(x: Tensor) -> Tensor:
        """Put an image together again."""
        return x.flatten(4).flatten(2, 3)


@runs(SpaceToDepth)
class SpaceToDepthModule(BlocksModule):
    """Position, then channel."""

    def forward(self, x: Tensor) -> Tensor:
        return self.opened(x).permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


@runs(DepthToSpace)
class DepthToSpaceModule(BlocksModule):
    """Position, then channel."""

    def forward(self, x: Tensor) -> Tensor:
        return self.closed(torch.unflatten(x, 1, (self._rows, self._columns, -1)).permute(0, 3, 4, 1, 5, 2))


@runs(PixelUnshuffle)
class PixelUnshuffleModule(BlocksModule):
    """Channel, then position."""

    def forward(self, x: Tensor) -> Tensor:
        return self.opened(x).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


@runs(PixelShuffle)
class PixelShuffleModule(BlocksModule):
    """Channel, then position."""

    def forward(self, x: Tensor) -> Tensor:
        return self.closed(torch.unflatten(x, 1, (-1, self._rows, self._columns)).permute(0, 1, 4, 2, 5, 3))


@runs(SpaceToSteps)
class SpaceToStepsModule(BlocksModule):
    """Position, then image."""

    def forward(self, x: Tensor) -> Tensor:
        return self.opened(x).permute(0, 3, 5, 1, 2, 4).flatten(1, 2)


@runs(StepsToSpace)
class StepsToSpaceModule(BlocksModule):
    """Position, then image."""

    def forward(self, x: Tensor) -> Tensor:
        return self.closed(torch.unflatten(x, 1, (self._rows, self._columns)).permute(0, 3, 4, 1, 5, 2))


@runs(ChannelShuffle)
class ChannelShuffleModule(LayerModule):
    """A table of groups read column by column."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._groups: int = layer.groups
        self._axis = 2 if isinstance(node.input_shapes[0], Sequence) else 1

    def forward(self, x: Tensor) -> Tensor:
        axis = self._axis
        return torch.unflatten(x, axis, (self._groups, -1)).transpose(axis, axis + 1).flatten(axis, axis + 1)
