"""Locally connected layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.patches import columns
from lamina.engine.layers.window import Windows
from lamina.network.layers.local import LocallyConnected1d, LocallyConnected2d
from lamina.network.plan import Node


@runs(LocallyConnected2d)
class LocallyConnected2dModule(ParametricModule):
    """What each window sees, times the weights of its position."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)
        self._sizes = node.output_shape.dims[1:]

    def compute(self, x: Tensor) -> Tensor:
        return self.connected(x, self._windows).transpose(1, 2).unflatten(2, self._sizes)  # type: ignore[no-any-return, no-untyped-call]

    def connected(self, x: Tensor, windows: Windows) -> Tensor:
        """From ``[batch, c, height, width]`` to ``[batch, positions, filters]``."""
        y = torch.einsum("bkp,pfk->bpf", columns(x, windows), self.weight)
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias


@runs(LocallyConnected1d)
class LocallyConnected1dModule(LocallyConnected2dModule):
    """A sequence is an image one position wide."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        given = self._windows
        self._windows = Windows((*given.window, 1), (*given.strides, 1), (*given.dilations, 1), (*given.paddings, "valid"))

    def compute(self, x: Tensor) -> Tensor:
        return self.connected(x.transpose(1, 2)[:, :, :, None], self._windows)
