"""Pooling: the largest or the average of each window, or of everything."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.window import AnyPadding, PoolPadding1, PoolPadding2, PoolPadding3, pads, slid, slide, spread_padding
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size1, Size2, Size3, spread


class Pool(Layer):
    """What all windowed pooling shares.

    Attributes:
        size: Size of the window.
        stride: Step of the window; None: its size, so that windows don't overlap.
        padding: ``valid``: none; ``same``: so that ``size' = ceil(size / stride)``; ``ceil``: what is left over at the end gets a
            window too, which is smaller (Caffe, and ``ceil_mode`` in torch); or the positions added on both sides. What is
            added never wins a maximum.
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    spatial: ClassVar[int]
    """Axes that the window slides along."""

    size: Any
    stride: Any = None
    padding: Any = "valid"

    @model_validator(mode="after")
    def _padding_below_size(self) -> Self:
        # A window that lies wholly in the padding would have no maximum and no average.
        for size, pad in zip(self.window, self.paddings, strict=True):
            if isinstance(pad, int) and pad >= size:
                raise wrong_value(
                    expected=f"a padding below the size of the window ({size})",
                    cause="a window would lie wholly in the padding",
                    fix=f"set padding to at most {size - 1}, or padding: same",
                )
        return self

    @property
    def dilations(self) -> tuple[int, ...]:
        """Distance between the window's positions along each axis."""
        return (1,) * self.spatial

    @property
    def window(self) -> tuple[int, ...]:
        """Size of the window along each axis."""
        return spread(self.size, self.spatial)

    @property
    def strides(self) -> tuple[int, ...]:
        """Step of the window along each axis."""
        return self.window if self.stride is None else spread(self.stride, self.spatial)

    @property
    def paddings(self) -> tuple[str | int, ...]:
        """Padding of each axis: ``valid``, ``same``, ``ceil`` or a number; `window.pads` gives positions for a size."""
        given: AnyPadding = self.padding
        return spread_padding(given, self.spatial)

    @property
    def sides(self) -> tuple[str | int, ...]:
        """The same; with ``rounding: up`` a number ``n`` is ``ceil+n``."""
        if getattr(self, "rounding", "down") == "down":
            return self.paddings
        return tuple(f"ceil+{0 if pad == 'valid' else pad}" for pad in self.paddings)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        names = shape.axes[:1] if isinstance(shape, Sequence) else shape.axes[1:]
        sides: Any = self.sides
        sizes = slide(self, spatial_axes(shape), names, kernel=self.window, stride=self.strides, dilation=self.dilations, padding=sides)
        return with_axes(shape, last_axis(shape), sizes)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return math.prod(self.window) * elements(output)


class MaxPool(Pool):
    """What max pooling adds to `Pool`.

    Attributes:
        dilation: Distance between the window's positions.
    """

    dilation: Any = 1

    @property
    def dilations(self) -> tuple[int, ...]:
        """Distance between the window's positions along each axis."""
        return spread(self.dilation, self.spatial)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        found = super().infer(inputs)
        settings = zip(spatial_axes(inputs[0]), self.window, self.strides, self.dilations, self.sides, strict=True)
        for size, window, stride, dilation, padding in settings:
            if size is None or dilation == 1:
                continue
            begins = range(-pads(size, window, stride, dilation, padding)[0], size, stride)[: slid(size, window, stride, dilation, padding)]
            if not all(any(0 <= begin + step * dilation < size for step in range(window)) for begin in begins):
                raise self.refuse(
                    "NN002",
                    expected=f"at least one position of the input under every window of {window} with dilation {dilation}",
                    got=f"{inputs[0]}, where a window has all its positions in the padding",
                    cause="the positions of a dilated window lie so far apart that they can miss a small input",
                    fix="set a smaller dilation, or padding: valid",
                )
        return found


class AveragePool(Pool):
    """What average pooling adds.

    Attributes:
        include_padding: Whether added zeros count in the average (torch's default); otherwise it is over real values alone.
    """

    include_padding: bool = False


class Rounding(Pool):
    """What pooling of images and volumes adds.

    Attributes:
        rounding: ``up``: beside a padding in numbers, too, what is left over at the end gets a window, which is smaller; none begins in
            the padding behind (Caffe). With ``include_padding`` an average counts the padding, and nothing behind it.
    """

    rounding: Literal["down", "up"] = "down"

    @model_validator(mode="after")
    def _rounds(self) -> Self:
        if self.rounding == "up" and {*self.paddings} & {"same", "ceil"}:
            raise wrong_value(
                expected="padding in numbers, or valid, beside rounding: up",
                cause=f"padding: {self.padding} says already how many windows there are",
                fix="remove rounding, or give padding as a number",
            )
        return self


STEPS = Sequence(steps=7, features=3)
IMAGE = Image(channels=2, height=7, width=6)
VOLUME = Volume(channels=2, depth=4, height=5, width=3)


@register("max_pool1d")
class MaxPool1d(MaxPool):
    """Largest value of each window along the steps: ``[batch, steps, n]`` to ``[batch, steps', n]``; see `MaxPool`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MaxPool1d(2).infer((sequence(9, 4),)))
        '[batch, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    stride: Size1 | None = None
    padding: PoolPadding1 = "valid"
    dilation: Size1 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (STEPS,)),
            (cls(3, stride=2, padding="same"), (STEPS,)),
            (cls(3, stride=1, padding=2), (Sequence(steps=None, features=3),)),
            (cls(3, stride=2, padding="ceil"), (Sequence(steps=None, features=3),)),
            (cls(2, stride=1, padding="same", dilation=2), (Sequence(steps=None, features=3),)),
        ]


@register("max_pool2d")
class MaxPool2d(Rounding, MaxPool):
    """Largest value of each window: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `MaxPool`.

    Example:
        >>> from lamina.shapes import image
        >>> str(MaxPool2d(2).infer((image(20, 24, 24),)))
        '[batch, 20, 12, 12]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    stride: Size2 | None = None
    padding: PoolPadding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (IMAGE,)),
            (cls((3, 2), stride=(2, 1), padding=(1, 0)), (IMAGE,)),
            (cls(3, stride=2, padding="same"), (IMAGE,)),
            (cls(3, padding=2), (IMAGE,)),
            (cls(3, stride=2, padding="ceil"), (IMAGE,)),
            (cls(3, stride=2, padding=1, rounding="up"), (IMAGE,)),
            (cls(2, stride=2, padding=(1, 0), dilation=(2, 3)), (IMAGE,)),
        ]


@register("max_pool3d")
class MaxPool3d(Rounding, MaxPool):
    """Largest value of each window of a volume; see `MaxPool`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(MaxPool3d(2).infer((volume(3, 8, 8, 9),)))
        '[batch, 3, 4, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    stride: Size3 | None = None
    padding: PoolPadding3 = "valid"
    dilation: Size3 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (VOLUME,)), (cls((2, 3, 2), stride=2, padding="same"), (VOLUME,)), (cls(3, padding=1), (VOLUME,))]


@register("avg_pool1d")
class AvgPool1d(AveragePool):
    """Average of each window along the steps: ``[batch, steps, n]`` to ``[batch, steps', n]``; see `AveragePool` for the settings.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(AvgPool1d(2, padding="same").infer((sequence(9, 4),)))
        '[batch, 5, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    size: Size1
    stride: Size1 | None = None
    padding: PoolPadding1 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (STEPS,)),
            (cls(3, stride=2, padding="same"), (STEPS,)),
            (cls(3, stride=1, padding=1, include_padding=True), (STEPS,)),
            (cls(3, stride=2, padding="ceil"), (STEPS,)),
        ]


@register("avg_pool2d")
class AvgPool2d(Rounding, AveragePool):
    """Average of each window: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `AveragePool` for the settings.

    Example:
        >>> from lamina.shapes import image
        >>> str(AvgPool2d(2).infer((image(6, 28, 28),)))
        '[batch, 6, 14, 14]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    stride: Size2 | None = None
    padding: PoolPadding2 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (IMAGE,)),
            (cls(3, stride=2, padding="same"), (IMAGE,)),
            (cls((3, 2), stride=2, padding=(1, 0)), (IMAGE,)),
            (cls(3, stride=2, padding="same", include_padding=True), (IMAGE,)),
            (cls((2, 3), stride=3, padding="ceil"), (IMAGE,)),
            (cls((2, 3), stride=2, padding=(1, 2), rounding="up", include_padding=True), (IMAGE,)),
            (cls(4, stride=3, padding=1, rounding="up"), (IMAGE,)),
        ]


@register("avg_pool3d")
class AvgPool3d(Rounding, AveragePool):
    """Average of each window of a volume; see `AveragePool` for the settings.

    Example:
        >>> from lamina.shapes import volume
        >>> str(AvgPool3d(2).infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 4, 4, 4]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    size: Size3
    stride: Size3 | None = None
    padding: PoolPadding3 = "valid"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (VOLUME,)),
            (cls(3, stride=2, padding="same"), (VOLUME,)),
            (cls(2, padding=1), (VOLUME,)),
            (cls(2, padding="ceil"), (VOLUME,)),
            (cls(2, padding=1, stride=3, rounding="up", include_padding=True), (VOLUME,)),
        ]
