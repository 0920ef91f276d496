"""Convolutions: a window of weights slides along steps, over images and through volumes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.window import AnyPadding, CausalPadding1, Padding2, Padding3, crops, reach, slide, spread_padding
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Pad2, Size1, Size2, Size3, spread


class Convolution(ParametricLayer):
    """What all convolutions share: cross-correlation, as torch and Deeplearning4j have it (the window is not flipped)."""

    spatial: ClassVar[int]
    """Axes that the window slides along."""

    kernel: Any
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1

    @property
    def window(self) -> tuple[int, ...]:
        """Size of the window along each axis."""
        return spread(self.kernel, self.spatial)

    @property
    def strides(self) -> tuple[int, ...]:
        """Step of the window along each axis."""
        return spread(self.stride, self.spatial)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Distance between the window's positions along each axis."""
        return spread(self.dilation, self.spatial)

    @property
    def paddings(self) -> tuple[str | int, ...]:
        """Padding of each axis: ``valid``, ``same``, ``causal`` or a number; `window.pads` gives positions for a size."""
        given: AnyPadding = self.padding
        return spread_padding(given, self.spatial)

    def slide(self, shape: Shape) -> tuple[int | None, ...]:
        """Output sizes of the axes the window slides along."""
        names = shape.axes[:1] if isinstance(shape, Sequence) else shape.axes[1:]
        return slide(self, spatial_axes(shape), names, kernel=self.kernel, stride=self.stride, dilation=self.dilation, padding=self.padding)


class _Full(Convolution):
    """A convolution whose every filter sees all channels of its group."""

    positional: ClassVar[tuple[str, ...]] = ("filters",)

    filters: Count
    groups: Count = 1

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.filters % self.groups:
            raise wrong_value(
                expected=f"filters that can be divided among {self.groups} groups",
                cause=f"{self.filters} is not a multiple of {self.groups}",
                fix=f"set filters to {self.groups * max(1, round(self.filters / self.groups))}, or change groups",
            )
        return self

    def check_groups(self, channels: int) -> None:
        """Raise NN008 if the channels can't be divided among the groups."""
        if channels % self.groups:
            raise self.refuse(
                "NN008",
                expected=f"a number of input channels that is a multiple of groups ({self.groups})",
                got=f"{channels} channels",
                cause="each group takes an equal share of the channels",
                fix=f"set groups to a divisor of {channels}, such as {math.gcd(channels, self.groups)}",
            )

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        self.check_groups(last_axis(shape))
        return with_axes(shape, self.filters, self.slide(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        channels, field = last_axis(inputs[0]), math.prod(self.window)
        fan_in, fan_out = channels // self.groups * field, self.filters // self.groups * field
        return self.weight_and_bias((self.filters, channels // self.groups, *self.window), self.filters, fan_in, fan_out)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * last_axis(inputs[0]) // self.groups * math.prod(self.window) * elements(output)


@register("conv1d")
class Conv1d(_Full):
    """Convolution along the steps of a sequence: ``[batch, steps, n]`` to ``[batch, steps', filters]``.

    Parameters (torch's layout): ``weight [filters, n / groups, kernel]``, ``bias [filters]``.
    ``steps' = floor((steps + padding - dilation * (kernel - 1) - 1) / stride) + 1``; an unknown number of steps stays unknown.

    Attributes:
        filters: Number of outputs a step.
        kernel: Size of the window.
        stride: Step of the window.
        padding: ``valid``: none; ``same``: so that ``steps' = ceil(steps / stride)``; ``causal``: all of it before the
            sequence, so that no output sees a later step; or the number of zeros on both sides.
        dilation: Distance between the window's positions.
        groups: Filters and features fall into this many groups that don't see each other.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Conv1d(8, kernel=3, padding="causal").infer((sequence(20, 4),)))
        '[batch, 20, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1

    kernel: Size1
    stride: Size1 = 1
    padding: CausalPadding1 = "valid"
    dilation: Size1 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=7, features=4)
        return [
            (cls(3, kernel=3), (shape,)),
            (cls(4, kernel=2, padding="causal", dilation=2, activation="tanh"), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", bias=False), (shape,)),
            (cls(2, kernel=3, padding=1, groups=2), (Sequence(steps=None, features=4),)),
        ]


@register("conv2d")
class Conv2d(_Full):
    """Convolution over images: ``[batch, c, height, width]`` to ``[batch, filters, height', width']``.

    Parameters (torch's layout): ``weight [filters, c / groups, kernel height, kernel width]``, ``bias [filters]``. Each size
    is ``floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1``.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``: none; ``same``: so that ``size' = ceil(size / stride)``; or the number of zeros on both sides.
        dilation: Distance between the window's positions.
        groups: Filters and channels fall into this many groups that don't see each other.

    Example:
        >>> from lamina.shapes import image
        >>> str(Conv2d(20, kernel=5).infer((image(1, 28, 28),)))
        '[batch, 20, 24, 24]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=7, width=6)
        return [
            (cls(3, kernel=3), (shape,)),
            (cls(4, kernel=(3, 2), stride=(2, 1), padding=(1, 0), activation="tanh"), (shape,)),
            (cls(4, kernel=4, stride=2, padding="same", groups=2, bias=False), (shape,)),
            (cls(2, kernel=2, padding="same", dilation=2), (shape,)),
        ]


@register("conv3d")
class Conv3d(_Full):
    """Convolution through volumes: ``[batch, c, depth, height, width]`` to ``[batch, filters, depth', height', width']``.

    Parameters (torch's layout): ``weight [filters, c / groups, *kernel]``, ``bias [filters]``. Sizes as in `Conv2d`.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or depth, height and width.
        stride: Step of the window.
        padding: ``valid``: none; ``same``: so that ``size' = ceil(size / stride)``; or the number of zeros on both sides.
        dilation: Distance between the window's positions.
        groups: Filters and channels fall into this many groups that don't see each other.

    Example:
        >>> from lamina.shapes import volume
        >>> str(Conv3d(4, kernel=3, padding="same", stride=2).infer((volume(1, 9, 8, 8),)))
        '[batch, 4, 5, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3

    kernel: Size3
    stride: Size3 = 1
    padding: Padding3 = "valid"
    dilation: Size3 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Volume(channels=2, depth=4, height=5, width=3)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=(3, 3, 2), stride=2, padding="same", groups=2, bias=False), (shape,)),
            (cls(2, kernel=2, dilation=2, padding=(0, 1, 1), activation="tanh"), (shape,)),
        ]


@register("conv_transpose2d")
class ConvTranspose2d(_Full):
    """Transposed convolution: what a `Conv2d` of the same settings does to sizes, undone.

    Input ``[batch, c, height, width]``, output ``[batch, filters, height', width']``. Parameters (torch's layout):
    ``weight [c, filters / groups, kernel height, kernel width]``, ``bias [filters]``. The full output of a size has
    ``(size - 1) * stride + dilation * (kernel - 1) + 1`` positions; `window.crops` says what is cut off.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or height and width.
        stride: By how much the output grows.
        padding: ``valid``: the full output; ``same``: ``size' = size * stride``; or the number of positions cut off on both sides.
        dilation: Distance between the window's positions.
        groups: Filters and channels fall into this many groups that don't see each other.
        output_padding: Positions added at the end, to choose among the sizes that a strided convolution maps to the same; below the stride.

    Example:
        >>> from lamina.shapes import image
        >>> str(ConvTranspose2d(8, kernel=4, stride=2, padding="same").infer((image(16, 7, 7),)))
        '[batch, 8, 14, 14]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1
    output_padding: Pad2 = 0

    @model_validator(mode="after")
    def _output_padding(self) -> Self:
        extra = spread(self.output_padding, 2)
        limits = [max(s, d) for s, d in zip(self.strides, self.dilations, strict=True)]
        if any(e >= limit for e, limit in zip(extra, limits, strict=True)) and any(extra):
            raise wrong_value(
                expected=f"an output_padding below the stride ({' and '.join(map(str, limits))})",
                cause="a larger one gives a size that no convolution of this stride maps back",
                fix=f"set output_padding to at most {min(limits) - 1}",
            )
        if any(extra) and self.padding == "same":
            raise wrong_value(
                expected="no output_padding beside padding: same",
                cause="same already says which size comes out: size * stride",
                fix="remove output_padding, or give padding as a number",
            )
        return self

    @property
    def crops(self) -> tuple[tuple[int, int], ...]:
        """For each axis, positions cut off before and after the full output; a negative number adds some."""
        settings = zip(self.window, self.strides, self.dilations, self.paddings, spread(self.output_padding, 2), strict=True)
        return tuple(crops(k, s, d, p, e) for k, s, d, p, e in settings)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        self.check_groups(last_axis(shape))
        settings = zip(spatial_axes(shape), self.window, self.strides, self.dilations, self.crops, strict=True)
        sizes = tuple(((size or 1) - 1) * s + reach(k, d) - sum(cut) for size, k, s, d, cut in settings)
        if min(sizes) < 1:
            raise self.refuse(
                "NN002",
                expected="at least one position left once the padding is cut off",
                got=f"an output of {sizes[0]} x {sizes[1]}",
                cause="in a transposed convolution, padding is cut off the output",
                fix="set a smaller padding, or padding: same",
            )
        return with_axes(shape, self.filters, sizes)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        channels, field = last_axis(inputs[0]), math.prod(self.window)
        fan_in, fan_out = channels // self.groups * field, self.filters // self.groups * field
        return self.weight_and_bias((channels, self.filters // self.groups, *self.window), self.filters, fan_in, fan_out)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.filters // self.groups * math.prod(self.window)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=4, width=3)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", activation="tanh"), (shape,)),
            (cls(4, kernel=2, stride=3, padding="same", groups=2, bias=False), (shape,)),
            (cls(2, kernel=3, stride=2, padding=1, output_padding=1), (shape,)),
            (cls(2, kernel=(2, 3), dilation=(2, 1), padding=(1, 0)), (shape,)),
        ]


@register("depthwise_conv2d")
class DepthwiseConv2d(Convolution):
    """Convolution of each channel by itself: ``[batch, c, height, width]`` to ``[batch, c * multiplier, height', width']``.

    Output channel ``i`` comes of input channel ``i // multiplier``. Parameters (torch's layout):
    ``weight [c * multiplier, 1, kernel height, kernel width]``, ``bias [c * multiplier]``. Sizes as in `Conv2d`.

    Attributes:
        kernel: Size of the window: one number, or height and width.
        multiplier: Output channels for each input channel.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides.
        dilation: Distance between the window's positions.

    Example:
        >>> from lamina.shapes import image
        >>> str(DepthwiseConv2d(3, padding="same").infer((image(16, 7, 7),)))
        '[batch, 16, 7, 7]'
    """

    positional: ClassVar[tuple[str, ...]] = ("kernel",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1
    multiplier: Count = 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, last_axis(shape) * self.multiplier, self.slide(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, field = last_axis(inputs[0]) * self.multiplier, math.prod(self.window)
        return self.weight_and_bias((count, 1, *self.window), count, field, field * self.multiplier)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * math.prod(self.window) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=5, width=6)
        return [
            (cls(3), (shape,)),
            (cls(3, multiplier=2, stride=2, padding="same", activation="tanh"), (shape,)),
            (cls((2, 3), padding=1, dilation=2, bias=False), (shape,)),
        ]


@register("separable_conv2d")
class SeparableConv2d(Convolution):
    """Depthwise convolution, then a 1 x 1 convolution that mixes the channels; nothing stands between the two.

    Input ``[batch, c, height, width]``, output ``[batch, filters, height', width']``. Parameters:
    ``depthwise_weight [c * multiplier, 1, kernel height, kernel width]``, ``pointwise_weight [filters, c * multiplier, 1, 1]``,
    ``bias [filters]``. Sizes as in `Conv2d`.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or height and width.
        multiplier: Channels between the two, for each input channel.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides.
        dilation: Distance between the window's positions.

    Example:
        >>> from lamina.shapes import image
        >>> str(SeparableConv2d(8, kernel=3).infer((image(3, 9, 9),)))
        '[batch, 8, 7, 7]'
    """

    positional: ClassVar[tuple[str, ...]] = ("filters",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2

    filters: Count
    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1
    multiplier: Count = 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return with_axes(shape, self.filters, self.slide(shape))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        between, field = last_axis(inputs[0]) * self.multiplier, math.prod(self.window)
        found = {
            "depthwise_weight": Parameter((between, 1, *self.window), "weight", field, field * self.multiplier),
            "pointwise_weight": Parameter((self.filters, between, 1, 1), "weight", between, self.filters),
        }
        if self.bias:
            found["bias"] = Parameter((self.filters,), "bias", between, self.filters)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        between = last_axis(inputs[0]) * self.multiplier
        positions = elements(output) // self.filters
        return 2 * between * positions * (math.prod(self.window) + self.filters)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=5, width=6)
        return [
            (cls(3, kernel=3), (shape,)),
            (cls(3, kernel=2, multiplier=2, stride=2, padding="same", activation="tanh"), (shape,)),
            (cls(2, kernel=(2, 3), padding=(1, 1), dilation=2, bias=False), (shape,)),
        ]
