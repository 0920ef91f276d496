"""Patches out of images and back."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.window import Windows
from lamina.network.layers.patches import Fold, Unfold
from lamina.network.plan import Node


@runs(Unfold)
class UnfoldModule(LayerModule):
    """Torch's columns as steps."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)

    def forward(self, x: Tensor) -> Tensor:
        return columns(x, self._windows).transpose(1, 2)


@runs(Fold)
class FoldModule(LayerModule):
    """Steps as torch's columns; what the padding added is cut off."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: Fold = layer
        self._padded = tuple(size + sum(added) for size, added in zip(layer.sizes, layer.added, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        layer = self._layer
        y = F.fold(x.transpose(1, 2), self._padded, layer.window, layer.dilations, 0, layer.strides)
        for axis, (size, (before, _)) in enumerate(zip(layer.sizes, layer.added, strict=True), 2):
            y = y.narrow(axis, before, size)
        return y


def columns(x: Tensor, windows: Windows) -> Tensor:
    """What windows see of ``[batch, c, height, width]``: ``[batch, c * window, patches]``."""
    padding = windows.padding(x.shape[2:])
    if padding.before:
        x = F.pad(x, padding.before)
    return F.unfold(x, windows.window, windows.dilations, padding.both, windows.strides)
