"""Layers that only rearrange numbers: flatten, reshape, permute."""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed


class Rearranging(Layer):
    """What these layers share: no parameters, no arithmetic."""

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def refuse_unknown(self, shape: Shape) -> Exception:
        """The error for a sequence whose length comes from the data."""
        return self.refuse(
            "NN009",
            expected="a known number of steps, since it decides the size of the output",
            got=f"{shape} with an unknown number of steps",
            cause="the length of this sequence is known only from the data",
            fix="give the input its number of steps, or use global_avg_pool or last_step, which take any length",
        )


@register("flatten")
class Flatten(Rearranging):
    """All numbers of a sample in one row: ``[batch, c, height, width]`` to ``[batch, c * height * width]``, the last axis fastest.

    Before dense and output layers an image or volume is flattened without being asked.

    Example:
        >>> from lamina.shapes import image
        >>> str(Flatten().infer((image(50, 4, 4),)))
        '[batch, 800]'
    """

    takes_masks: ClassVar[bool] = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if shape.size is None:
            raise self.refuse_unknown(shape)
        return Features(shape.size)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Image(channels=2, height=3, width=4),)),
            (cls(), (Sequence(steps=5, features=3),)),
            (cls(), (Volume(channels=2, depth=2, height=3, width=2),)),
            (cls(), (Features(4),)),
        ]


@register("reshape")
class Reshape(Rearranging):
    """The same numbers in another shape, read and written with the last axis fastest.

    Attributes:
        shape: What comes out, such as ``lm.image(1, 8, 8)``; a sequence may leave its steps open, which then follow.

    Example:
        >>> from lamina.shapes import image, sequence
        >>> str(Reshape(image(1, 8, 8)).infer((Features(64),))), str(Reshape(sequence(None, 16)).infer((Features(64),)))
        ('[batch, 1, 8, 8]', '[batch, 4, 16]')
    """

    positional: ClassVar[tuple[str, ...]] = ("shape",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Series)
    takes_masks: ClassVar[bool] = False

    shape: Shape

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        if isinstance(self.shape, Tokens):
            raise wrong_value(
                expected="a shape of numbers: features, sequence, image or volume",
                cause="tokens are whole numbers below a vocabulary, and reshape passes on the numbers that it is given",
                fix="set shape to {type: sequence, steps: ..., features: ...}",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (given,) = inputs
        known = math.prod(size for size in self.shape.dims if size is not None)
        if given.size is None:
            # Whole steps of the same size pass whatever their number is.
            if isinstance(self.shape, Sequence) and self.shape.steps is None and given.dims[-1] == known:
                return given
            raise self.refuse_unknown(given)
        if isinstance(self.shape, Sequence) and self.shape.steps is None and given.size % known == 0:
            return self.shape.replace(steps=given.size // known)
        if given.size != known:
            raise self.refuse(
                "NN008",
                expected=f"{self._product(self.shape)} numbers in a sample",
                got=f"{given}: {self._product(given)} numbers",
                cause="reshape keeps every number, so both shapes must hold equally many",
                fix=f"choose a shape that holds {given.size} numbers",
            )
        return self.shape

    @staticmethod
    def _product(shape: Shape) -> str:
        factors = " * ".join("?" if size is None else str(size) for size in shape.dims)
        return factors if len(shape.dims) == 1 or shape.size is None else f"{factors} = {shape.size}"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        image = Image(channels=2, height=3, width=4)
        return [
            (cls(image), (Features(24),)),
            (cls(Features(24)), (image,)),
            (cls(Sequence(steps=None, features=4)), (image,)),
            (cls(Volume(channels=2, depth=2, height=3, width=2)), (Sequence(steps=4, features=6),)),
            (cls(Sequence(steps=None, features=3)), (Sequence(steps=None, features=3),)),
            (cls(Volume(channels=2, depth=2, height=3, width=2)), (Series(steps=2, item=Image(channels=2, height=3, width=2)),)),
            (cls(Series(steps=2, item=image)), (Volume(channels=2, depth=2, height=3, width=4),)),
        ]


@register("permute")
class Permute(Rearranging):
    """Axes in another order; the kind of shape stays.

    Attributes:
        order: For each axis of the output, the axis of the input it is, counted as in the tensor, where 0 is the batch:
            ``[2, 1]`` exchanges steps and features, ``[1, 3, 2]`` the height and width of an image.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Permute([2, 1]).infer((sequence(6, 3),)))
        '[batch, 3, 6]'
    """

    positional: ClassVar[tuple[str, ...]] = ("order",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)
    takes_masks: ClassVar[bool] = False

    order: listed(Count)  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _permutation(self) -> Self:
        if sorted(self.order) != list(range(1, len(self.order) + 1)) or not 2 <= len(self.order) <= 4:
            raise wrong_value(
                expected="each axis once, from 1 (axis 0 is the batch, which stays)",
                cause="an axis is missing or stands twice",
                fix="write order: [2, 1] for sequences, or an order of [1, 2, 3] for images and of [1, 2, 3, 4] for volumes",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if len(self.order) != len(shape.dims):
            raise self.refuse(
                "NN001",
                expected=f"a shape of {len(self.order)} axes after the batch, as order {list(self.order)} has",
                got=f"{shape}, which has {len(shape.dims)}",
                cause="order names each axis of the input once",
                fix=f"write order: an order of {list(range(1, len(shape.dims) + 1))}",
            )
        sizes = [shape.dims[axis - 1] for axis in self.order]
        if None in sizes and sizes != list(shape.dims):
            raise self.refuse_unknown(shape)
        return type(shape)(**dict(zip(shape.axes, sizes, strict=True)))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls([2, 1]), (Sequence(steps=5, features=3),)),
            (cls([3, 1, 2]), (Image(channels=2, height=3, width=4),)),
            (cls([1, 4, 2, 3]), (Volume(channels=2, depth=2, height=3, width=5),)),
        ]
