"""Locally connected layers: windows as of a convolution, with weights of their own at every position."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.convolution import Convolution
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis, with_axes
from lamina.network.layers.window import CausalPadding1, Padding2
from lamina.shapes import Image, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count, Size1, Size2


class LocallyConnected(Convolution):
    """What locally connected layers share.

    Parameters: ``weight [positions, filters, c * window]``, positions of the output and of the window row by row, a window's
    numbers by channel, then position (the columns of `Unfold`); ``bias [filters]``, or ``[positions, filters]``.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or one an axis.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides; along steps ``causal`` too.
        dilation: Distance between the window's positions.
        bias_per_position: A bias for every position, as Keras has it; otherwise one a filter, as in Deeplearning4j.
    """

    positional: ClassVar[tuple[str, ...]] = ("filters",)

    filters: Count
    bias_per_position: bool = False

    def positions(self, shape: Shape) -> tuple[int, ...]:
        """Output sizes of the axes the window slides along, which must be known, since weights belong to them."""
        found = self.slide(shape)
        if None in found:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since every position has weights of its own",
                got=f"{shape} with an unknown number of steps",
                cause="the length of this sequence is known only from the data",
                fix="give the input its number of steps, or use conv1d, which has the same weights everywhere",
            )
        return tuple(size or 1 for size in found)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, self.filters, self.positions(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, field = math.prod(self.positions(inputs[0])), math.prod(self.window)
        fan_in, fan_out = last_axis(inputs[0]) * field, self.filters * field
        found = {"weight": Parameter((count, self.filters, fan_in), "weight", fan_in, fan_out)}
        if self.bias:
            found["bias"] = Parameter((count, self.filters) if self.bias_per_position else (self.filters,), "bias", fan_in, fan_out)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * last_axis(inputs[0]) * math.prod(self.window) * elements(output)


@register("locally_connected1d")
class LocallyConnected1d(LocallyConnected):
    """Windows along steps, each position with weights of its own: ``[batch, steps, n]`` to ``[batch, steps', filters]``.

    See `LocallyConnected` for settings and parameters. The number of steps must be known, and be the same for all.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LocallyConnected1d(8, kernel=3).infer((sequence(9, 4),)))
        '[batch, 7, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    takes_masks: ClassVar[bool] = False
    spatial: ClassVar[int] = 1

    kernel: Size1
    stride: Size1 = 1
    padding: CausalPadding1 = "valid"
    dilation: Size1 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=6, features=2)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", bias_per_position=True, activation="tanh"), (shape,)),
            (cls(2, kernel=2, dilation=2, padding="causal", bias=False), (shape,)),
            (cls(2, kernel=3, padding=2), (shape,)),
        ]


@register("locally_connected2d")
class LocallyConnected2d(LocallyConnected):
    """Windows over an image, each position with weights of its own: ``[batch, c, height, width]`` to ``[batch, filters, height', width']``.

    See `LocallyConnected` for settings and parameters.

    Example:
        >>> from lamina.shapes import image
        >>> str(LocallyConnected2d(8, kernel=3, stride=2).infer((image(3, 9, 8),)))
        '[batch, 8, 4, 3]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=4, width=5)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", bias_per_position=True, activation="tanh"), (shape,)),
            (cls(2, kernel=(2, 3), stride=(1, 2), padding=(1, 0), bias=False), (shape,)),
            (cls(2, kernel=2, dilation=2), (shape,)),
        ]
