"""What aligns the pooling of networks that came from Caffe."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.network.vertices.vertex import IMAGE
from lamina.shapes import Image, Shape
from lamina.spec import register


@register("pool_helper")
class PoolHelper(Layer):
    """An image without its first row and column, as GoogLeNet's weights from Caffe and Keras want it before pooling.

    Deeplearning4j's PoolHelperVertex: ``[batch, c, height, width]`` to ``[batch, c, height - 1, width - 1]``.

    Example:
        >>> from lamina.shapes import image
        >>> str(PoolHelper().infer((image(64, 57, 57),)))
        '[batch, 64, 56, 56]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if not isinstance(shape, Image) or min(shape.height, shape.width) < 2:
            raise self.refuse(
                "NN008",
                expected="an image of at least two rows and columns",
                got=str(shape),
                cause="without its first row and column nothing is left",
                fix="remove pool_helper, or pool less before it",
            )
        return shape.replace(height=shape.height - 1, width=shape.width - 1)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (IMAGE,)), (cls(), (Image(channels=1, height=2, width=5),))]
