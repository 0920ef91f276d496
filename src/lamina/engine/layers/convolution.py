"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.window import Windows
from lamina.network.layers.convolution import Conv1d, Conv2d, Conv3d
from lamina.network.plan import Node

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


class ConvolutionModule(ParametricModule):
    """What all but transposed convolutions share: zeros are added, then torch convolves."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._convolve = CONVOLVE[layer.spatial]
        self._strides, self._dilations = layer.strides, layer.dilations
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)
        self._fixed = self._windows.fixed(node)
        self._groups = self.groups(node)

    def groups(self, node: Node) -> int:
        """Into how many groups channels and filters fall."""
        return int(getattr(node.layer, "groups", 1))

    def compute(self, x: Tensor) -> Tensor:
        return self.slide(x)

    def slide(self, x: Tensor) -> Tensor:
        """From ``[batch, channels, ...]`` to the output, before the activation."""
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


class StepsConvolutionModule(ConvolutionModule):
    """Along the steps: features are torch's channels, so the axes change places before and after."""

    def compute(self, x: Tensor) -> Tensor:
        return self.slide(x.transpose(1, 2)).transpose(1, 2)


@runs(Conv1d)
class Conv1dModule(StepsConvolutionModule):
    """Each filter sees all features of its group."""
