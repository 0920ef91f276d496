"""Depthwise convolutions, by themselves and followed by a mixing of the channels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.convolution import AlongSteps, Convolution
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis, with_axes
from lamina.network.layers.window import Padding2
from lamina.shapes import Image, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count, Size2


class DepthwiseConvolution(Convolution):
    """What convolutions of each channel by itself share.

    Output channel ``i`` comes of input channel ``i // multiplier``. Parameters (torch's layout):
    ``weight [c * multiplier, 1, *kernel]``, ``bias [c * multiplier]``. Sizes as in `Conv2d`.

    Attributes:
        kernel: Size of the window: one number, or one an axis.
        multiplier: Output channels for each input channel.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides; along steps ``causal`` too.
        dilation: Distance between the window's positions.
    """

    positional: ClassVar[tuple[str, ...]] = ("kernel",)

    multiplier: Count = 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, last_axis(shape) * self.multiplier, self.slide(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, field = last_axis(inputs[0]) * self.multiplier, math.prod(self.window)
        return self.weight_and_bias((count, 1, *self.window), count, field, field * self.multiplier)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * math.prod(self.window) * elements(output)


class SeparableConvolution(Convolution):
    """What depthwise convolutions share that a convolution with a window of 1 follows; nothing stands between the two.

    Parameters: ``depthwise_weight [c * multiplier, 1, *kernel]``, ``pointwise_weight [filters, c * multiplier, 1, ...]``,
    ``bias [filters]``. Sizes as in `Conv2d`.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or one an axis.
        multiplier: Channels between the two, for each input channel.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides; along steps ``causal`` too.
        dilation: Distance between the window's positions.
    """

    positional: ClassVar[tuple[str, ...]] = ("filters",)

    filters: Count
    multiplier: Count = 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, self.filters, self.slide(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        between, field = last_axis(inputs[0]) * self.multiplier, math.prod(self.window)
        ones = (1,) * self.spatial
        found = {
            "depthwise_weight": Parameter((between, 1, *self.window), "weight", field, field * self.multiplier),
            "pointwise_weight": Parameter((self.filters, between, *ones), "weight", between, self.filters),
        }
        if self.bias:
            found["bias"] = Parameter((self.filters,), "bias", between, self.filters)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        between = last_axis(inputs[0]) * self.multiplier
        positions = elements(output) // self.filters
        return 2 * between * positions * (math.prod(self.window) + self.filters)


_STEPS = Sequence(steps=7, features=3)
_OPEN = Sequence(steps=None, features=3)
_IMAGE = Image(channels=2, height=5, width=6)


@register("depthwise_conv1d")
class DepthwiseConv1d(AlongSteps, DepthwiseConvolution):
    """Convolution of each feature by itself along the steps: ``[batch, steps, n]`` to ``[batch, steps', n * multiplier]``.

    See `DepthwiseConvolution` for the settings.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(DepthwiseConv1d(3, padding="causal").infer((sequence(None, 16),)))
        '[batch, ?, 16]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (_STEPS,)),
            (cls(3, multiplier=2, stride=2, padding="same", activation="tanh"), (_OPEN,)),
            (cls(2, padding="causal", dilation=2), (_OPEN,)),
            (cls(2, padding=1, bias=False), (_OPEN,)),
        ]


@register("depthwise_conv2d")
class DepthwiseConv2d(DepthwiseConvolution):
    """Convolution of each channel by itself: ``[batch, c, height, width]`` to ``[batch, c * multiplier, height', width']``.

    See `DepthwiseConvolution` for the settings.

    Example:
        >>> from lamina.shapes import image
        >>> str(DepthwiseConv2d(3, padding="same").infer((image(16, 7, 7),)))
        '[batch, 16, 7, 7]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (_IMAGE,)),
            (cls(3, multiplier=2, stride=2, padding="same", activation="tanh"), (_IMAGE,)),
            (cls((2, 3), padding=1, dilation=2, bias=False), (_IMAGE,)),
        ]


@register("separable_conv1d")
class SeparableConv1d(AlongSteps, SeparableConvolution):
    """Depthwise convolution along the steps, then a mixing of the features: ``[batch, steps, n]`` to ``[batch, steps', filters]``.

    See `SeparableConvolution` for the settings.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SeparableConv1d(8, kernel=3).infer((sequence(9, 3),)))
        '[batch, 7, 8]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(4, kernel=3), (_STEPS,)),
            (cls(2, kernel=2, multiplier=2, stride=2, padding="same", activation="tanh"), (_OPEN,)),
            (cls(2, kernel=3, padding="causal", bias=False), (_OPEN,)),
        ]


@register("separable_conv2d")
class SeparableConv2d(SeparableConvolution):
    """Depthwise convolution, then a 1 x 1 convolution: ``[batch, c, height, width]`` to ``[batch, filters, height', width']``.

    See `SeparableConvolution` for the settings.

    Example:
        >>> from lamina.shapes import image
        >>> str(SeparableConv2d(8, kernel=3).infer((image(3, 9, 9),)))
        '[batch, 8, 7, 7]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3, kernel=3), (_IMAGE,)),
            (cls(3, kernel=2, multiplier=2, stride=2, padding="same", activation="tanh"), (_IMAGE,)),
            (cls(2, kernel=(2, 3), padding=(1, 1), dilation=2, bias=False), (_IMAGE,)),
        ]
