"""Convolutions: a window of weights slides along steps, over images and through volumes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.window import AnyPadding, CausalPadding1, Padding2, Padding3, slide, spread_padding
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Size1, Size2, Size3, spread


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


class AlongSteps(Convolution):
    """A convolution along the steps of a sequence."""

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1

    kernel: Size1
    stride: Size1 = 1
    padding: CausalPadding1 = "valid"
    dilation: Size1 = 1

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether it can be run piece by piece: each output then needs a few earlier inputs, and nothing later."""
        return self.padding == "causal" and self.stride == 1

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether it sees one step at a time."""
        return self.kernel == 1 and self.stride == 1 and self.padding in (0, "valid", "same", "causal")


class FullConvolution(Convolution):
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
class Conv1d(AlongSteps, FullConvolution):
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

    With causal padding and a stride of 1 it can be stepped: its memory is the last ``dilation * (kernel - 1)`` inputs.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Conv1d(8, kernel=3, padding="causal").infer((sequence(20, 4),)))
        '[batch, 20, 8]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=7, features=4)
        return [
            (cls(3, kernel=3), (shape,)),
            (cls(4, kernel=2, padding="causal", dilation=2, activation="tanh"), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", bias=False), (shape,)),
            (cls(2, kernel=3, padding=1, groups=2), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=1), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=3, padding=2), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=3, stride=2, padding="causal"), (Sequence(steps=None, features=4),)),
        ]


@register("conv2d")
class Conv2d(FullConvolution):
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
class Conv3d(FullConvolution):
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
