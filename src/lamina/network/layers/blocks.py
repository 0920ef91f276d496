"""Blocks of an image moved into its channels and back, and channels in another order; no number is changed."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer, last_axis
from lamina.network.layers.shaping import Rearranging
from lamina.shapes import Image, Sequence, Series, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Count, Size2, spread


class Blocks(Rearranging):
    """What layers share that move blocks of an image.

    Attributes:
        block: Size of a block: one number, or height and width.
    """

    positional: ClassVar[tuple[str, ...]] = ("block",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)

    block: Size2

    @property
    def sizes(self) -> tuple[int, int]:
        """Height and width of a block."""
        rows, columns = spread(self.block, 2)
        return rows, columns

    def shrunk(self, image: Image) -> tuple[int, int]:
        """How many blocks stand below and beside each other; raises NN008 if they leave something over."""
        rows, columns = self.sizes
        if image.height % rows or image.width % columns:
            raise self.refuse(
                "NN008",
                expected=f"a height that is a multiple of {rows}, and a width that is one of {columns}",
                got=f"{image.height} x {image.width}",
                cause="the image is divided into blocks, and nothing may be left over",
                fix="choose a block that divides the image, or put a zero_padding2d before",
            )
        return image.height // rows, image.width // columns

    def freed(self, channels: int) -> int:
        """Channels left when each block's worth of them has become positions; raises NN008 if they don't divide."""
        rows, columns = self.sizes
        if channels % (rows * columns):
            raise self.refuse(
                "NN008",
                expected=f"a number of channels that is a multiple of the block ({rows} * {columns} = {rows * columns})",
                got=f"{channels} channels",
                cause="each position of a block takes an equal share of the channels",
                fix=f"give the layer before it {rows * columns * max(1, round(channels / (rows * columns)))} filters",
            )
        return channels // (rows * columns)

    @staticmethod
    def image(shape: Shape) -> Image:
        """The input as the image that it is."""
        return Image(**dict(zip(Image.axes, shape.dims, strict=True)))


class _IntoChannels(Blocks):
    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        image = self.image(inputs[0])
        height, width = self.shrunk(image)
        rows, columns = self.sizes
        return Image(channels=image.channels * rows * columns, height=height, width=width)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (Image(channels=2, height=4, width=6),)), (cls((1, 3)), (Image(channels=2, height=3, width=6),))]


class _OutOfChannels(Blocks):
    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        image = self.image(inputs[0])
        rows, columns = self.sizes
        return Image(channels=self.freed(image.channels), height=image.height * rows, width=image.width * columns)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (Image(channels=8, height=2, width=3),)), (cls((1, 3)), (Image(channels=6, height=3, width=2),))]


@register("space_to_depth")
class SpaceToDepth(_IntoChannels):
    """Blocks into channels: ``[batch, c, height, width]`` to ``[batch, block * c, height / block, width / block]``.

    Output channel ``position * c + channel``, positions of a block row by row: the order of Deeplearning4j, TensorFlow and
    ONNX. `PixelUnshuffle` has the other one.

    Attributes:
        block: Size of a block: one number, or height and width.

    Example:
        >>> from lamina.shapes import image
        >>> str(SpaceToDepth(2).infer((image(3, 8, 8),)))
        '[batch, 12, 4, 4]'
    """


@register("depth_to_space")
class DepthToSpace(_OutOfChannels):
    """Channels into blocks, the inverse of `SpaceToDepth`: ``[batch, block * c, h, w]`` to ``[batch, c, h * block, w * block]``.

    Input channel ``position * c + channel``: TensorFlow's order, and ONNX's ``DCR``. `PixelShuffle` has the other one.

    Attributes:
        block: Size of a block: one number, or height and width.

    Example:
        >>> from lamina.shapes import image
        >>> str(DepthToSpace(2).infer((image(12, 4, 4),)))
        '[batch, 3, 8, 8]'
    """


@register("pixel_unshuffle")
class PixelUnshuffle(_IntoChannels):
    """Blocks into channels: ``[batch, c, height, width]`` to ``[batch, c * block, height / block, width / block]``.

    Output channel ``channel * positions + position``: the order of ``torch.nn.PixelUnshuffle``. `SpaceToDepth` has the other one.

    Attributes:
        block: Size of a block: one number, or height and width.

    Example:
        >>> from lamina.shapes import image
        >>> str(PixelUnshuffle(2).infer((image(3, 8, 8),)))
        '[batch, 12, 4, 4]'
    """


@register("pixel_shuffle")
class PixelShuffle(_OutOfChannels):
    """Channels into blocks (Shi et al. 2016): ``[batch, c * block, h, w]`` to ``[batch, c, h * block, w * block]``.

    Input channel ``channel * positions + position``: the order of ``torch.nn.PixelShuffle``, and ONNX's ``CRD``.
    `DepthToSpace` has the other one.

    Attributes:
        block: Size of a block: one number, or height and width.

    Example:
        >>> from lamina.shapes import image
        >>> str(PixelShuffle(2).infer((image(12, 4, 4),)))
        '[batch, 3, 8, 8]'
    """


@register("space_to_steps")
class SpaceToSteps(Blocks):
    """The interleaved images of which an image consists, one a step: ``[batch, c, h, w]`` to ``[batch, block, c, h / block, w / block]``.

    Step ``i`` holds position ``i`` of every block. This is what Deeplearning4j's and TensorFlow's space-to-batch does to each
    sample; there the images become samples of their own, here, where a sample is never torn apart, steps of a series: a
    ``time_distributed`` layer then treats each by itself, and `StepsToSpace` puts them together again. For their padding and crops,
    put a ``zero_padding2d`` before and a ``cropping2d`` behind.

    Attributes:
        block: Size of a block: one number, or height and width.

    Example:
        >>> from lamina.shapes import image
        >>> str(SpaceToSteps(2).infer((image(3, 8, 8),)))
        '[batch, 4, 3, 4, 4]'
    """

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        image = self.image(inputs[0])
        height, width = self.shrunk(image)
        rows, columns = self.sizes
        return Series(steps=rows * columns, item=Image(channels=image.channels, height=height, width=width))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2), (Image(channels=2, height=4, width=6),)), (cls((1, 3)), (Image(channels=2, height=3, width=6),))]


@register("steps_to_space")
class StepsToSpace(Blocks):
    """Images, one a step, interleaved to one: the inverse of `SpaceToSteps`, as batch-to-space is of space-to-batch.

    Attributes:
        block: Size of a block: one number, or height and width; as many positions as there are steps.

    Example:
        >>> from lamina.shapes import image, series
        >>> str(StepsToSpace(2).infer((series(4, image(3, 4, 4)),)))
        '[batch, 3, 8, 8]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Series,)
    takes_masks: ClassVar[bool] = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        rows, columns = self.sizes
        if shape.dims[0] is None:
            raise self.refuse_unknown(shape)
        if shape.dims[0] != rows * columns or len(shape.dims) != 4:
            raise self.refuse(
                "NN008",
                expected=f"{rows} * {columns} = {rows * columns} images, one for each position of a block",
                got=f"{shape}",
                cause="each step holds one position of every block",
                fix="give space_to_steps and steps_to_space the same block, with nothing between that changes the steps",
            )
        image = Image(**dict(zip(Image.axes, shape.dims[1:], strict=True)))
        return image.replace(height=image.height * rows, width=image.width * columns)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        image = Image(channels=2, height=2, width=3)
        return [(cls(2), (Series(steps=4, item=image),)), (cls((1, 3)), (Series(steps=3, item=image),))]


@register("channel_shuffle")
class ChannelShuffle(Rearranging):
    """Channels of different groups mixed (ShuffleNet, Zhang et al. 2017): ``torch.nn.ChannelShuffle``.

    Seen as a table of ``groups`` rows, the channels are read column by column. Of sequences, the features.

    Attributes:
        groups: Number of groups.

    Example:
        >>> from lamina.shapes import image
        >>> str(ChannelShuffle(2).infer((image(4, 7, 7),)))
        '[batch, 4, 7, 7]'
    """

    positional: ClassVar[tuple[str, ...]] = ("groups",)
    stepwise: ClassVar[bool] = True

    groups: Count

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        channels = last_axis(inputs[0])
        if channels % self.groups:
            raise self.refuse(
                "NN008",
                expected=f"a number of channels that is a multiple of groups ({self.groups})",
                got=f"{channels} channels",
                cause="each group takes an equal share of the channels",
                fix=f"set groups to a divisor of {channels}",
            )
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (Image(channels=6, height=2, width=3),)),
            (cls(3), (Sequence(steps=None, features=6),)),
            (cls(2), (Volume(channels=4, depth=2, height=2, width=3),)),
        ]
