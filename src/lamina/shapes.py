"""What flows between layers: shapes of one sample, known before any tensor exists.

The batch axis comes first in every tensor and is not part of a shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence as Items
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, listed


class Shape(Description, family="shape"):
    """Base of all shapes."""

    axes: ClassVar[tuple[str, ...]] = ()
    """Name of each axis after the batch axis; each is a field, or ``None`` for a length known only from the data."""

    has_steps: ClassVar[bool] = False
    """Whether the first axis after the batch counts steps, which may be fewer for some samples of a batch (masks)."""

    @property
    def dims(self) -> tuple[int | None, ...]:
        """Sizes of the axes after the batch axis; None where the length comes from the data."""
        return tuple(getattr(self, axis) for axis in self.axes)

    @property
    def size(self) -> int | None:
        """Numbers in one sample; None if a length is unknown."""
        dims = self.dims
        return None if None in dims else math.prod(d for d in dims if d is not None)

    @property
    def dtype(self) -> Literal["float", "int"]:
        """``int`` for tokens, ``float`` for all else."""
        return "float"

    def matches(self, dims: Items[int]) -> bool:
        """Whether an array whose axes after the batch have these sizes is of this shape."""
        return len(dims) == len(self.dims) and all(own is None or own == d for own, d in zip(self.dims, dims, strict=True))

    def agrees(self, other: Shape) -> bool:
        """Whether both can be the shape of the same data; a length known only from the data may be any."""
        same_kind = type(self) is type(other)
        return same_kind and all(a is None or b is None or a == b for a, b in zip(self.dims, other.dims, strict=True))

    def __str__(self) -> str:
        return f"[{', '.join(['batch', *('?' if d is None else str(d) for d in self.dims)])}]"


@register("features")
class Features(Shape):
    """A vector of features: tensors ``[batch, size]``."""

    positional: ClassVar[tuple[str, ...]] = ("count",)
    axes: ClassVar[tuple[str, ...]] = ("count",)
    count: Count

    @classmethod
    def examples(cls) -> list[Features]:
        return [Features(count=4)]


@register("sequence")
class Sequence(Shape):
    """A sequence of feature vectors: tensors ``[batch, steps, features]``; ``steps`` may be None (known from the data)."""

    positional: ClassVar[tuple[str, ...]] = ("steps", "features")
    axes: ClassVar[tuple[str, ...]] = ("steps", "features")
    has_steps: ClassVar[bool] = True
    steps: Count | None = None
    features: Count

    @classmethod
    def examples(cls) -> list[Sequence]:
        return [Sequence(steps=6, features=3), Sequence(steps=None, features=3)]


@register("image")
class Image(Shape):
    """An image: tensors ``[batch, channels, height, width]``."""

    positional: ClassVar[tuple[str, ...]] = ("channels", "height", "width")
    axes: ClassVar[tuple[str, ...]] = ("channels", "height", "width")
    channels: Count
    height: Count
    width: Count

    @classmethod
    def examples(cls) -> list[Image]:
        return [Image(channels=3, height=8, width=6)]


@register("volume")
class Volume(Shape):
    """A volume: tensors ``[batch, channels, depth, height, width]``."""

    positional: ClassVar[tuple[str, ...]] = ("channels", "depth", "height", "width")
    axes: ClassVar[tuple[str, ...]] = ("channels", "depth", "height", "width")
    channels: Count
    depth: Count
    height: Count
    width: Count

    @classmethod
    def examples(cls) -> list[Volume]:
        return [Volume(channels=2, depth=4, height=5, width=6)]


@register("tokens")
class Tokens(Shape):
    """A sequence of whole numbers below ``vocabulary``: integer tensors ``[batch, steps]``."""

    positional: ClassVar[tuple[str, ...]] = ("steps", "vocabulary")
    axes: ClassVar[tuple[str, ...]] = ("steps",)
    has_steps: ClassVar[bool] = True
    steps: Count | None = None
    vocabulary: Count

    @property
    def dtype(self) -> Literal["float", "int"]:
        return "int"

    @classmethod
    def examples(cls) -> list[Tokens]:
        return [Tokens(steps=5, vocabulary=11), Tokens(steps=None, vocabulary=11)]


@register("series")
class Series(Shape):
    """A sequence of images, volumes or other shapes: tensors ``[batch, steps, ...]``, such as the frames of a film.

    Example:
        >>> str(series(None, image(3, 64, 64)))
        '[batch, ?, 3, 64, 64]'
    """

    positional: ClassVar[tuple[str, ...]] = ("steps", "item")
    has_steps: ClassVar[bool] = True
    steps: Count | None = None
    item: Shape

    @model_validator(mode="after")
    def _no_nesting(self) -> Self:
        if isinstance(self.item, Features | Series):
            raise wrong_value(
                expected="an image, a volume, a sequence or tokens at each step",
                cause="vectors at each step are a sequence, and steps within steps within steps have no name here",
                fix="write {type: sequence, steps: ..., features: ...} for vectors",
            )
        return self

    @property
    def dims(self) -> tuple[int | None, ...]:
        return (self.steps, *self.item.dims)

    @property
    def dtype(self) -> Literal["float", "int"]:
        return self.item.dtype

    @classmethod
    def examples(cls) -> list[Series]:
        return [Series(steps=4, item=Image(channels=2, height=3, width=5)), Series(steps=None, item=Sequence(steps=3, features=2))]


# fmt: off
NumberKind = Literal[
    "float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool", "string",
    "int64", "int32", "int16", "int8", "int4", "int2", "uint64", "uint32", "uint16", "uint8",
    "uint4", "uint2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0", "float4_e2m1",
]
# fmt: on
"""What the numbers of an array are; ``float32`` stands for the network's own type, which may be wider."""


@register("array")
class Array(Shape):
    """An array of any sizes and any kind of numbers, such as operators of ONNX work on; the one shape that need not begin with a batch.

    Attributes:
        sizes: Of all axes, or of those behind the batch; None for a length known only from the data; None in place of the list if even
            their number is.
        kind: What the numbers are.
        batch: Whether samples stand along an axis before these; a network with an input that has none computes all it is given at once.
        holds: ``array``; or ``list``, several arrays; or ``optional``, one or nothing.

    Example:
        >>> str(Array([2, None], kind="int64", batch=False)), str(Array([3]))
        ('[2, ?] of int64', '[batch, 3] of float32')
    """

    positional: ClassVar[tuple[str, ...]] = ("sizes",)
    sizes: listed(Annotated[int, Field(ge=0)] | None) | None = None  # type: ignore[valid-type]
    kind: NumberKind = "float32"
    batch: bool = True
    holds: Literal["array", "list", "optional"] = "array"

    @property
    def dims(self) -> tuple[int | None, ...]:
        return () if self.sizes is None else self.sizes

    @property
    def size(self) -> int | None:
        return None if self.sizes is None or None in self.sizes else math.prod(size for size in self.sizes if size is not None)

    @property
    def dtype(self) -> Literal["float", "int"]:
        return "float" if "float" in self.kind else "int"

    def matches(self, dims: Items[int]) -> bool:
        return self.sizes is None or super().matches(dims)

    def agrees(self, other: Shape) -> bool:
        if not isinstance(other, Array):
            return self.batch and self.matches_shape(other.dims)
        return self.kind == other.kind and self.batch == other.batch and (other.sizes is None or self.matches_shape(other.sizes))

    def matches_shape(self, dims: Items[int | None]) -> bool:
        """Whether axes of these sizes, some of them unknown, can be those of this shape."""
        own = self.sizes
        return own is None or (len(own) == len(dims) and all(a is None or b is None or a == b for a, b in zip(own, dims, strict=True)))

    def __str__(self) -> str:
        sizes = ["..."] if self.sizes is None else ["?" if size is None else str(size) for size in self.sizes]
        return f"[{', '.join(['batch', *sizes] if self.batch else sizes)}] of {self.kind}"

    @classmethod
    def examples(cls) -> list[Array]:
        return [Array(sizes=(2, 3)), Array(sizes=(None, 3), kind="int64"), Array(batch=False, kind="bool")]


@register("bundle")
class Bundle(Shape):
    """Several things that one layer gives, of which a `Pick` takes one.

    Example:
        >>> str(Bundle([features(3), features(4)]))
        '([batch, 3], [batch, 4])'
    """

    positional: ClassVar[tuple[str, ...]] = ("items",)
    items: listed(Shape)  # type: ignore[valid-type]

    def matches(self, dims: Items[int]) -> bool:
        return False

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"

    @classmethod
    def examples(cls) -> list[Bundle]:
        return [Bundle(items=(Features(3), Sequence(steps=None, features=2)))]


def features(count: int) -> Features:
    """Vectors of ``count`` numbers.

    Example:
        >>> str(features(4))
        '[batch, 4]'
    """
    return Features(count=count)


def sequence(steps: int | None, features: int) -> Sequence:
    """Sequences of ``steps`` vectors of ``features`` numbers; ``steps=None`` if known only from the data."""
    return Sequence(steps=steps, features=features)


def image(channels: int, height: int, width: int) -> Image:
    """Images.

    Example:
        >>> str(image(1, 28, 28))
        '[batch, 1, 28, 28]'
    """
    return Image(channels=channels, height=height, width=width)


def volume(channels: int, depth: int, height: int, width: int) -> Volume:
    """Volumes."""
    return Volume(channels=channels, depth=depth, height=height, width=width)


def tokens(steps: int | None, vocabulary: int) -> Tokens:
    """Sequences of whole numbers below ``vocabulary``."""
    return Tokens(steps=steps, vocabulary=vocabulary)


def series(steps: int | None, item: Shape) -> Series:
    """Sequences of images, volumes or sequences; ``steps=None`` if known only from the data."""
    return Series(steps=steps, item=item)


def with_steps(item: Shape, steps: int | None) -> Shape:
    """The shape of ``steps`` things of one shape: vectors make a sequence, all else a series.

    Example:
        >>> str(with_steps(features(3), 7)), str(with_steps(image(1, 8, 8), None))
        ('[batch, 7, 3]', '[batch, ?, 1, 8, 8]')
    """
    return Sequence(steps=steps, features=item.count) if isinstance(item, Features) else Series(steps=steps, item=item)


def each_step(shape: Shape) -> Shape:
    """The shape of one step of a sequence or series: the inverse of `with_steps`."""
    if isinstance(shape, Sequence):
        return Features(count=shape.features)
    if isinstance(shape, Series):
        return shape.item
    message = f"a {shape.type_name} has no steps to take apart"
    raise TypeError(message)


def named_shapes(shapes: Shape | Mapping[str, Shape] | None) -> Mapping[str, Shape] | None:
    """Shapes by input name; one alone belongs to the input called ``input``."""
    return {"input": shapes} if isinstance(shapes, Shape) else shapes


def batch_shape(shape: Shape, batch: int, *, unknown: int) -> tuple[int, ...]:
    """Sizes of a whole tensor, with ``unknown`` for lengths that come from the data."""
    return (batch, *(unknown if d is None else d for d in shape.dims))


def describe_array(dims: Items[Any]) -> str:
    """How messages write the shape of an array."""
    return f"[{', '.join(map(str, dims))}]"
