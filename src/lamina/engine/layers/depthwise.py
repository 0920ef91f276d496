"""Depthwise and separable convolutions."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from lamina.engine.layers.convolution import CONVOLVE, ConvolutionModule, StepsConvolutionModule
from lamina.engine.layers.layer import runs
from lamina.engine.layers.window import Padding
from lamina.network.layers.depthwise import DepthwiseConv1d, DepthwiseConv2d, SeparableConv1d, SeparableConv2d
from lamina.network.layers.layer import last_axis
from lamina.network.plan import Node


class _EachChannel(ConvolutionModule):
    """Each channel is a group."""

    def groups(self, node: Node) -> int:
        return last_axis(node.input_shapes[0])


class _Separable(_EachChannel):
    """Each channel by itself, then a convolution with a window of 1."""

    pointwise_weight: Tensor
    _none: ClassVar[str] = "no bias between the two"

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._mix = CONVOLVE[layer.spatial]

    def slide(self, x: Tensor, padding: Padding) -> Tensor:
        between = self.convolve(x, padding, "depthwise_weight", bias=self._none)
        return self._mix(between, self.pointwise_weight, self._parameters.get("bias"))


@runs(DepthwiseConv2d)
class DepthwiseConv2dModule(_EachChannel):
    """Over images."""


@runs(DepthwiseConv1d)
class DepthwiseConv1dModule(_EachChannel, StepsConvolutionModule):
    """Along the steps."""


@runs(SeparableConv2d)
class SeparableConv2dModule(_Separable):
    """Over images."""


@runs(SeparableConv1d)
class SeparableConv1dModule(_Separable, StepsConvolutionModule):
    """Along the steps."""
