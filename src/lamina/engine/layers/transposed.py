"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.packing import only, pack, unpack
from lamina.engine.layers.window import Windows
from lamina.network.layers.transposed import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from lamina.network.plan import Node

_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}
_EACH = Windows((1,), (1,), (1,), ("valid",))
"""Each step by itself."""


@runs(ConvTranspose2d, ConvTranspose3d)
class TransposedModule(ParametricModule):
    """Torch crops both sides alike and adds at the end; what is to be cut off the end beyond that is cut off after."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        crops: tuple[tuple[int, int], ...] = layer.crops
        self._convolve = _CONVOLVE[layer.spatial]
        self._strides, self._dilations, self._groups = layer.strides, layer.dilations, layer.groups
        self._both = tuple(first for first, _ in crops)
        self._extra = tuple(max(first - last, 0) for first, last in crops)
        self._cut = tuple(max(last - first, 0) for first, last in crops)

    def compute(self, x: Tensor) -> Tensor:
        bias = self._parameters.get("bias")
        y = self._convolve(x, self.weight, bias, self._strides, self._both, self._extra, self._groups, self._dilations)
        for axis, cut in enumerate(self._cut, 2):
            if cut:
                y = y.narrow(axis, 0, y.shape[axis] - cut)
        return y


@runs(ConvTranspose1d)
class ConvTranspose1dModule(TransposedModule):
    """Along the steps: features are torch's channels, so the axes change places before and after."""

    def compute(self, x: Tensor) -> Tensor:
        return super().compute(x.transpose(1, 2)).transpose(1, 2)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        layer: Any = self.node.layer
        steps = mask.shape[1]
        # What zeros behind the last real step add is cut off by the mask, so that the sequences only have to begin at the front.
        y = self.activated(self.noisily(lambda x: self.compute(pack(x, mask, _EACH)[0]), inputs))
        return unpack(y, mask, (0, *(max(layer.grown((count,))[0], 0) for count in range(1, steps + 1))))
