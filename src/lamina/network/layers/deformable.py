"""Deformable convolution: the window's positions move to where the input asks for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from lamina.network.initializers import Initializer, Zeros
from lamina.network.layers.convolution import FullConvolution
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis
from lamina.network.layers.window import Padding2
from lamina.shapes import Image, Shape
from lamina.spec import register
from lamina.spec.fields import Count, Size2


@register("deformable_conv2d")
class DeformableConv2d(FullConvolution):
    """Convolution whose window is bent by the image (Dai et al. 2017).

    Input ``[batch, c, height, width]``, output ``[batch, filters, height', width']``. A convolution of the same window inside
    finds, at every position of the output, by how much each position of the window is moved (rows first, then columns); the
    numbers there are interpolated between the four neighbours, 0 outside the image. With ``modulated`` (v2, Zhu et al. 2019) it
    also finds a factor between 0 and 1 for each. Sizes as in `Conv2d`.

    Parameters: ``weight [filters, c / groups, kernel height, kernel width]``, ``bias [filters]``, as in torchvision's
    ``deform_conv2d``, whose order of offsets this is; ``offset_weight [moves, c, kernel height, kernel width]`` and
    ``offset_bias [moves]``, where moves are, for each of ``offset_groups``, row and column of each position of the window, and
    then, with ``modulated``, for each the factors. Offsets start at 0: at first it is a plain convolution (modulated, times 1/2).

    Attributes:
        filters: Number of output channels.
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides.
        dilation: Distance between the window's positions, before they move.
        groups: Filters and channels fall into this many groups that don't see each other.
        offset_groups: Channels fall into this many groups that move by themselves.
        modulated: Whether each position also gets a factor.
        offset_initializer: How the weights that find the offsets start.

    Example:
        >>> from lamina.shapes import image
        >>> layer = DeformableConv2d(8, kernel=3, padding="same", modulated=True)
        >>> str(layer.infer((image(3, 9, 8),))), layer.parameters((image(3, 9, 8),))["offset_weight"].shape
        ('[batch, 8, 9, 8]', (27, 3, 3, 3))
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    own_settings: ClassVar[tuple[str, ...]] = ("offset_initializer",)

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1
    offset_groups: Count = 1
    modulated: bool = False
    offset_initializer: Initializer = Zeros()

    @property
    def moves(self) -> int:
        """How many numbers say where a window's positions are, and what they count."""
        return (3 if self.modulated else 2) * self.offset_groups * math.prod(self.window)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = last_axis(inputs[0])
        if channels % self.offset_groups:
            raise self.refuse(
                "NN008",
                expected=f"a number of input channels that is a multiple of offset_groups ({self.offset_groups})",
                got=f"{channels} channels",
                cause="each group that moves by itself takes an equal share of the channels",
                fix=f"set offset_groups to a divisor of {channels}, such as {math.gcd(channels, self.offset_groups)}",
            )
        return super().infer(inputs)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        channels, field = last_axis(inputs[0]), math.prod(self.window)
        fans = channels * field, self.moves * field
        return {
            **super().parameters(inputs),
            "offset_weight": Parameter((self.moves, channels, *self.window), "weight", *fans, initializer="offset_initializer"),
            "offset_bias": Parameter((self.moves,), "bias", *fans, initializer="offset_initializer"),
        }

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        channels, field = last_axis(inputs[0]), math.prod(self.window)
        positions = elements(output) // self.filters
        found = 2 * channels * field * self.moves * positions
        interpolated = 8 * channels * field * positions
        return found + interpolated + super().flops(inputs, output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=4, width=5)
        return [
            (cls(3, kernel=2), (shape,)),
            (cls(2, kernel=3, stride=2, padding="same", modulated=True, activation="tanh"), (shape,)),
            (cls(2, kernel=(2, 3), padding=(1, 0), groups=2, offset_groups=2, bias=False), (shape,)),
            (cls(2, kernel=2, dilation=2, modulated=True, offset_initializer="xavier_uniform"), (shape,)),
        ]
