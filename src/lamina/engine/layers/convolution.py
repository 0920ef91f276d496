"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.window import Padding, Windows
from lamina.network.layers.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose2d, DepthwiseConv2d, SeparableConv2d
from lamina.network.plan import Node

_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


class ConvolutionModule(ParametricModule):
    """What all but transposed convolutions share: zeros are added, then torch convolves."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._convolve = _CONVOLVE[layer.spatial]
        self._strides, self._dilations = layer.strides, layer.dilations
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)
        self._fixed = self._windows.fixed(node)
        self._groups = self.groups(node)

    def groups(self, node: Node) -> int:
        """Into how many groups channels and filters fall."""
        return int(getattr(node.layer, "groups", 1))

    def compute(self, x: Tensor) -> Tensor:
        return self.convolve(x, "weight")

    def convolve(self, x: Tensor, weight: str, bias: str = "bias") -> Tensor:
        """Pad and convolve ``[batch, channels, ...]``."""
        padding = self._fixed if self._fixed is not None else self._windows.padding(x.shape[2:])
        if padding.before:
            x = F.pad(x, padding.before)
        parameters = self._parameters
        return self._convolve(x, parameters[weight], parameters.get(bias), self._strides, padding.both, self._dilations, self._groups)


@runs(Conv2d, Conv3d)
class SpatialConvolutionModule(ConvolutionModule):
    """Over images and through volumes."""


@runs(Conv1d)
class Conv1dModule(ConvolutionModule):
    """Along the steps: features are torch's channels, so the axes change places before and after."""

    def compute(self, x: Tensor) -> Tensor:
        return self.convolve(x.transpose(1, 2), "weight").transpose(1, 2)


@runs(DepthwiseConv2d)
class DepthwiseConv2dModule(ConvolutionModule):
    """Each channel is a group."""

    def groups(self, node: Node) -> int:
        return node.input_shapes[0].dims[0] or 1


@runs(SeparableConv2d)
class SeparableConv2dModule(DepthwiseConv2dModule):
    """Each channel by itself, then a 1 x 1 convolution."""

    pointwise_weight: Tensor
    _none: ClassVar[str] = "no bias between the two"

    def compute(self, x: Tensor) -> Tensor:
        between = self.convolve(x, "depthwise_weight", bias=self._none)
        return torch.conv2d(between, self.pointwise_weight, self._parameters.get("bias"))


@runs(ConvTranspose2d)
class ConvTranspose2dModule(ParametricModule):
    """Torch crops both sides alike and adds at the end; what is to be cut off the end beyond that is cut off after."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        crops: tuple[tuple[int, int], ...] = layer.crops
        self._strides, self._dilations, self._groups = layer.strides, layer.dilations, layer.groups
        self._padding = Padding(tuple(first for first, _ in crops))
        self._extra = tuple(max(first - last, 0) for first, last in crops)
        self._cut = tuple(max(last - first, 0) for first, last in crops)

    def compute(self, x: Tensor) -> Tensor:
        bias = self._parameters.get("bias")
        both = self._padding.both
        y = F.conv_transpose2d(x, self.weight, bias, self._strides, both, self._extra, self._groups, self._dilations)
        rows, columns = self._cut
        return y[:, :, : y.shape[2] - rows, : y.shape[3] - columns] if rows or columns else y
