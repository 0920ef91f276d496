"""The patches that a window sees, one after another, and back."""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements, last_axis, spatial_axes
from lamina.network.layers.window import Padding2, pads, reach, slid, slide, spread_padding
from lamina.shapes import Image, Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size2, spread


class Patches(Layer):
    """What both share.

    Attributes:
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides.
        dilation: Distance between the window's positions.
    """

    positional: ClassVar[tuple[str, ...]] = ("kernel",)
    spatial: ClassVar[int] = 2

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @property
    def window(self) -> tuple[int, ...]:
        """Height and width of the window."""
        return spread(self.kernel, 2)

    @property
    def strides(self) -> tuple[int, ...]:
        """Step of the window along each axis."""
        return spread(self.stride, 2)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Distance between the window's positions along each axis."""
        return spread(self.dilation, 2)

    @property
    def paddings(self) -> tuple[str | int, ...]:
        """Padding of each axis."""
        return spread_padding(self.padding, 2)


@register("unfold")
class Unfold(Patches):
    """All patches of an image (im2col): ``[batch, c, height, width]`` to ``[batch, patches, c * kernel height * kernel width]``.

    Patches follow each other row by row, as steps of a sequence; the numbers of a patch are ordered by channel, then row, then
    column: the columns of ``torch.nn.Unfold``.

    Attributes:
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides.
        dilation: Distance between the window's positions.

    Example:
        >>> from lamina.shapes import image
        >>> str(Unfold(16, stride=16).infer((image(3, 224, 224),)))
        '[batch, 196, 768]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        settings = {"kernel": self.window, "stride": self.strides, "dilation": self.dilations}
        sizes = slide(self, spatial_axes(shape), shape.axes[1:], padding=self.padding, **settings)
        return Sequence(steps=math.prod(size or 1 for size in sizes), features=last_axis(shape) * math.prod(self.window))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=5, width=6)
        return [
            (cls(2), (shape,)),
            (cls((3, 2), stride=2, padding=(1, 0)), (shape,)),
            (cls(2, stride=2, padding="same", dilation=2), (shape,)),
        ]


@register("fold")
class Fold(Patches):
    """Patches put back and added up: ``[batch, patches, c * kernel height * kernel width]`` to ``[batch, c, height, width]``.

    What `Unfold` takes apart; where patches overlap the sum stands (``torch.nn.Fold``).

    Attributes:
        size: Height and width of the image that comes out: one number, or both.
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``, ``same``, or the number of zeros on both sides that `Unfold` added.
        dilation: Distance between the window's positions.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Fold(224, kernel=16, stride=16).infer((sequence(196, 768),)))
        '[batch, 3, 224, 224]'
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    takes_masks: ClassVar[bool] = False

    size: Size2

    @model_validator(mode="after")
    def _window_fits(self) -> Self:
        if min(self.counts) < 1:
            rows, columns = (reach(k, d) for k, d in zip(self.window, self.dilations, strict=True))
            raise wrong_value(
                expected="an image that the window fits into",
                cause=f"the window spans {rows} x {columns}, and the image is {self.sizes[0]} x {self.sizes[1]}",
                fix="set a larger size, a smaller kernel, or padding: same",
            )
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """Height and width of the image that comes out."""
        return spread(self.size, 2)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many patches stand below and beside each other."""
        return tuple(slid(*setting) for setting in self._settings())

    @property
    def added(self) -> tuple[tuple[int, int], ...]:
        """Positions that the padding added before and after each axis."""
        return tuple(pads(*setting) for setting in self._settings())

    def _settings(self) -> list[tuple[int, int, int, int, str | int]]:
        return list(zip(self.sizes, self.window, self.strides, self.dilations, self.paddings, strict=True))

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        steps, features = shape.dims
        field, count = math.prod(self.window), math.prod(self.counts)
        if (features or 0) % field:
            raise self.refuse(
                "NN008",
                expected=f"a number of features that is a multiple of the window ({' * '.join(map(str, self.window))} = {field})",
                got=f"{features} features",
                cause="each patch holds the window's positions for every channel",
                fix=f"give the layer before it {field * max(1, round((features or 1) / field))} units",
            )
        if steps is not None and steps != count:
            raise self.refuse(
                "NN008",
                expected=f"{' * '.join(map(str, self.counts))} = {count} patches",
                got=f"{steps} steps",
                cause="an image of this size has another number of patches",
                fix="give fold the size of the image, and unfold's kernel, stride, padding and dilation",
            )
        return Image(channels=(features or 0) // field, height=self.sizes[0], width=self.sizes[1])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls((4, 5), kernel=2), (Sequence(steps=12, features=8),)),
            (cls(5, kernel=(3, 2), stride=2, padding=(1, 0)), (Sequence(steps=6, features=12),)),
            (cls((5, 4), kernel=3, stride=2, padding="same"), (Sequence(steps=6, features=9),)),
        ]
