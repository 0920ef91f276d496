"""A stretch of an axis, or one of the parts it falls into."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from lamina.network.layers.layer import Layer
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS, AlongAxis
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed


class Cutting(AlongAxis):
    """What layers share that keep some places of an axis, given by its name; no arithmetic."""

    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Tokens, Series)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0


@register("slice")
class Slice(Cutting):
    """The places ``start, start + step, ...`` before ``stop`` of an axis, counted as Python does; Deeplearning4j's SubsetVertex.

    Along the steps of padded sequences only the real steps are counted: ``start: -1`` begins at the last real one.

    Attributes:
        start: The first place; negative: from the end. None: the first, or with a negative step the last.
        stop: The place before which it ends (the original's ``to`` is the last place itself, one less); negative: from the end.
        step: How far from one place to the next; negative: backward.
        axis: Which axis: ``features`` (``channels`` says the same), ``steps``, ``depth``, ``height`` or ``width``.

    Example:
        >>> from lamina.shapes import image, sequence
        >>> str(Slice(1, 3).infer((image(5, 8, 8),))), str(Slice(-4, axis="steps").infer((sequence(9, 3),)))
        ('[batch, 2, 8, 8]', '[batch, 4, 3]')
    """

    positional: ClassVar[tuple[str, ...]] = ("start", "stop", "step")

    start: int | None = None
    stop: int | None = None
    step: int = 1

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.step == 0:
            raise wrong_value(
                expected="a step other than 0", cause="a step of 0 never leaves its place", fix="set step: 1, or remove it for every place"
            )
        return self

    def places(self, size: int) -> range:
        """The places of an axis of this size."""
        return range(*slice(self.start, self.stop, self.step).indices(size))

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        size = shape.dims[self.place_in(shape)]
        if size is None:
            return self.resized(shape, None)
        count = len(self.places(size))
        if count == 0:
            raise self.refuse(
                "NN008",
                expected=f"places between 0 and {size}, the size of the axis {self.axis!r}",
                got=f"start {self.start}, stop {self.stop}, step {self.step} of {shape}, which leaves nothing",
                cause="the slice ends before it begins, or lies beyond the axis",
                fix="choose a start and a stop within the axis; stop is the place after the last",
            )
        return self.resized(shape, count)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        unknown = Sequence(steps=None, features=3)
        return [
            (cls(1, 3), (FEATURES,)),
            (cls(-2), (STEPS,)),
            (cls(None, None, -1), (IMAGE,)),
            (cls(1, None, 2, axis="width"), (IMAGE,)),
            (cls(1, -1, axis="steps"), (STEPS,)),
            (cls(1, axis="steps"), (unknown,)),
            (cls(-1, None, -2, axis="steps"), (unknown,)),
            (cls(0, 2, axis="steps"), (Tokens(steps=None, vocabulary=5),)),
            (cls(0, 1, axis="depth"), (Volume(channels=2, depth=3, height=2, width=2),)),
            (cls(-2, axis="steps"), (Series(steps=None, item=IMAGE),)),
        ]


@register("split")
class Split(Cutting):
    """One of the parts into which an axis is cut; several such layers on one input take all of them.

    Attributes:
        parts: How many equal parts, or the size of each.
        index: Which part, from 0; negative: from the end.
        axis: Which axis; see `Slice`.

    Example:
        >>> from lamina.shapes import image
        >>> str(Split(4, 0).infer((image(8, 5, 5),))), str(Split([1, 7], 1).infer((image(8, 5, 5),)))
        ('[batch, 2, 5, 5]', '[batch, 7, 5, 5]')
    """

    positional: ClassVar[tuple[str, ...]] = ("parts", "index")

    parts: Annotated[int, Field(ge=2)] | listed(Count)  # type: ignore[valid-type]
    index: int

    @property
    def takes_masks(self) -> bool:  # type: ignore[override]
        """Where the parts of an axis lie depends on how long it is."""
        return self.axis != "steps"

    @model_validator(mode="after")
    def _index_names_a_part(self) -> Self:
        count = self.count
        if not -count <= self.index < count:
            raise wrong_value(
                expected=f"an index from 0 to {count - 1}, or from -{count} to -1",
                cause=f"there are {count} parts, and the first is number 0",
                fix=f"set index to a number below {count}",
            )
        return self

    @property
    def count(self) -> int:
        """Number of parts."""
        return self.parts if isinstance(self.parts, int) else len(self.parts)

    def bounds(self, size: int) -> tuple[int, int]:
        """Where the part begins and ends on an axis of this size, which its parts fill."""
        sizes = (size // self.parts,) * self.parts if isinstance(self.parts, int) else self.parts
        index = self.index % self.count
        return sum(sizes[:index]), sum(sizes[: index + 1])

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        size = shape.dims[self.place_in(shape)]
        if size is None:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since it decides how large each part is",
                got=f"{shape} with an unknown number of steps",
                cause="the length of this sequence is known only from the data",
                fix="give the input its number of steps, or use slice, which takes any",
            )
        fits = size % self.parts == 0 if isinstance(self.parts, int) else size == sum(self.parts)
        if not fits:
            raise self.refuse(
                "NN008",
                expected=f"parts that fill the axis {self.axis!r} of {size}",
                got=f"parts: {self.parts if isinstance(self.parts, int) else list(self.parts)}",
                cause="nothing is left over, and no part is smaller than the others unless you say so",
                fix=f"choose a number of parts that divides {size}, or sizes that add up to {size}",
            )
        start, stop = self.bounds(size)
        return self.resized(shape, stop - start)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2, 1), (FEATURES,)),
            (cls([1, 2], -1), (Sequence(steps=None, features=3),)),
            (cls(2, 0), (IMAGE,)),
            (cls([1, 3], 1, axis="width"), (IMAGE,)),
            (cls(5, 2, axis="steps"), (STEPS,)),
            (cls([2, 1], 0, axis="steps"), (Tokens(steps=3, vocabulary=5),)),
        ]
