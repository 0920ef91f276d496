"""Deformable convolution."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.window import Windows
from lamina.network.layers.deformable import DeformableConv2d
from lamina.network.layers.window import pads
from lamina.network.plan import Node


@runs(DeformableConv2d)
class DeformableConv2dModule(ParametricModule):
    """Finds the offsets, looks there, and multiplies what it sees by the weights."""

    weight: Tensor
    offset_weight: Tensor
    offset_bias: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: DeformableConv2d = layer
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)
        self._field = math.prod(layer.window)

    def compute(self, x: Tensor) -> Tensor:
        layer, field = self._layer, self._field
        moves = self._moves(x)
        count = layer.offset_groups * field
        offsets = moves[:, : 2 * count].reshape(len(x), layer.offset_groups, field, 2, *moves.shape[2:])
        seen = self._seen(x, offsets)
        if layer.modulated:
            factors = moves[:, 2 * count :].sigmoid().reshape(len(x), layer.offset_groups, 1, field, *moves.shape[2:])
            seen = seen * factors
        # [batch, groups, channels of a group * window, positions], to which the weights of a group apply.
        seen = seen.reshape(len(x), layer.groups, -1, math.prod(moves.shape[2:]))
        y = (self.weight.reshape(layer.groups, layer.filters // layer.groups, -1) @ seen).reshape(len(x), layer.filters, *moves.shape[2:])
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias[:, None, None]

    def _moves(self, x: Tensor) -> Tensor:
        padding = self._windows.padding(x.shape[2:])
        if padding.before:
            x = F.pad(x, padding.before)
        layer = self._layer
        return torch.conv2d(x, self.offset_weight, self.offset_bias, layer.strides, padding.both, layer.dilations)

    def _seen(self, x: Tensor, offsets: Tensor) -> Tensor:
        """What stands at each moved position: ``[batch, offset groups, channels of a group, window, height', width']``."""
        layer, given = self._layer, x.dtype
        # Half a number's digits are not enough to say where in an image.
        exact = torch.promote_types(given, torch.float32)
        x, offsets = x.to(exact), offsets.to(exact)
        _, groups, field, _, height, width = offsets.shape
        rows = self._places(x, 0, height)[:, None, :, None] + offsets[:, :, :, 0].reshape(-1, *layer.window, height, width)
        columns = self._places(x, 1, width)[None, :, None, :] + offsets[:, :, :, 1].reshape(-1, *layer.window, height, width)
        # grid_sample counts from -1 at the outer border of the first position to 1 at that of the last.
        grid = torch.stack([(2 * columns + 1) / x.shape[3] - 1, (2 * rows + 1) / x.shape[2] - 1], -1)
        flat = grid.reshape(len(x) * groups, field * height, width, 2)
        parts = x.reshape(len(x) * groups, -1, *x.shape[2:])
        found = F.grid_sample(parts, flat, mode="bilinear", padding_mode="zeros", align_corners=False)
        return found.to(given).reshape(len(x), groups, -1, field, height, width)

    def _places(self, x: Tensor, axis: int, count: int) -> Tensor:
        """Where a window that has not been moved looks along an axis: ``[window, count]``."""
        windows = self._windows
        window, stride, dilation = windows.window[axis], windows.strides[axis], windows.dilations[axis]
        before = pads(x.shape[2 + axis], window, stride, dilation, windows.paddings[axis])[0]
        within = torch.arange(window, device=x.device, dtype=x.dtype) * dilation
        return within[:, None] + torch.arange(count, device=x.device, dtype=x.dtype)[None, :] * stride - before
