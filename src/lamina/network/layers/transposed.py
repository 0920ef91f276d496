"""Transposed convolutions: what a convolution of the same settings does to sizes, undone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.convolution import FullConvolution
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.window import Padding1, Padding2, Padding3, crops, reach
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Pad1, Pad2, Pad3, Size1, Size2, Size3, spread


class TransposedConvolution(FullConvolution):
    """What transposed convolutions share.

    Parameters (torch's layout): ``weight [c, filters / groups, *kernel]``, ``bias [filters]``. The full output of a size has
    ``(size - 1) * stride + dilation * (kernel - 1) + 1`` positions; `window.crops` says what is cut off.

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or one an axis.
        stride: By how much the output grows.
        padding: ``valid``: the full output; ``same``: ``size' = size * stride``; or the number of positions cut off on both sides.
        dilation: Distance between the window's positions.
        groups: Filters and channels fall into this many groups that don't see each other.
        output_padding: Positions added at the end, to choose among the sizes that a strided convolution maps to the same; below the stride.
    """

    output_padding: Any = 0

    @model_validator(mode="after")
    def _output_padding(self) -> Self:
        extra = spread(self.output_padding, self.spatial)
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
        extra = spread(self.output_padding, self.spatial)
        settings = zip(self.window, self.strides, self.dilations, self.paddings, extra, strict=True)
        return tuple(crops(k, s, d, p, e) for k, s, d, p, e in settings)

    def grown(self, sizes: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Output sizes for input sizes; unknown lengths stay unknown."""
        settings = zip(sizes, self.window, self.strides, self.dilations, self.crops, strict=True)
        return tuple(None if size is None else (size - 1) * s + reach(k, d) - sum(cut) for size, k, s, d, cut in settings)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        self.check_groups(last_axis(shape))
        sizes = self.grown(spatial_axes(shape))
        known = [size for size in sizes if size is not None]
        if known and min(known) < 1:
            raise self.refuse(
                "NN002",
                expected="at least one position left once the padding is cut off",
                got=f"an output of {' x '.join(map(str, sizes))}",
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


@register("conv_transpose1d")
class ConvTranspose1d(TransposedConvolution):
    """Transposed convolution along the steps: ``[batch, steps, n]`` to ``[batch, steps', filters]``.

    Parameters (torch's layout): ``weight [n, filters / groups, kernel]``, ``bias [filters]``; see `TransposedConvolution` for
    the settings. An unknown number of steps stays unknown.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ConvTranspose1d(8, kernel=4, stride=2, padding="same").infer((sequence(7, 3),)))
        '[batch, 14, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1

    kernel: Size1
    stride: Size1 = 1
    padding: Padding1 = "valid"
    dilation: Size1 = 1
    output_padding: Pad1 = 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=4)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(4, kernel=3, stride=2, padding="same", groups=2, activation="tanh"), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=3, padding="same", dilation=2), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=2, stride=3, padding="same", bias=False), (Sequence(steps=None, features=4),)),
            (cls(2, kernel=3, stride=2, padding=1, output_padding=1), (shape,)),
        ]


@register("conv_transpose2d")
class ConvTranspose2d(TransposedConvolution):
    """Transposed convolution over images: ``[batch, c, height, width]`` to ``[batch, filters, height', width']``.

    Parameters (torch's layout): ``weight [c, filters / groups, kernel height, kernel width]``, ``bias [filters]``; see
    `TransposedConvolution` for the settings.

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


@register("conv_transpose3d")
class ConvTranspose3d(TransposedConvolution):
    """Transposed convolution through volumes: ``[batch, c, depth, height, width]`` to ``[batch, filters, depth', height', width']``.

    Parameters (torch's layout): ``weight [c, filters / groups, *kernel]``, ``bias [filters]``; see `TransposedConvolution` for
    the settings.

    Example:
        >>> from lamina.shapes import volume
        >>> str(ConvTranspose3d(4, kernel=2, stride=2).infer((volume(8, 3, 4, 5),)))
        '[batch, 4, 6, 8, 10]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3

    kernel: Size3
    stride: Size3 = 1
    padding: Padding3 = "valid"
    dilation: Size3 = 1
    output_padding: Pad3 = 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Volume(channels=2, depth=2, height=3, width=2)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=(3, 2, 3), stride=2, padding="same", groups=2, activation="tanh"), (shape,)),
            (cls(2, kernel=2, stride=(2, 1, 2), padding=(0, 1, 0), output_padding=(1, 0, 1), bias=False), (shape,)),
        ]
