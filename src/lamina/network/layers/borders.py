"""Layers that add to the sides of sequences, images and volumes, or cut off from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator

from lamina.network.layers.layer import Layer, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.shaping import Rearranging
from lamina.shapes import Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value

Pair = tuple[int, int]


def _sides(axes: int) -> Callable[[Any], Any]:
    """A validator for one number, or for each axis a number or a pair; along steps, one number or a pair."""

    def check(value: Any) -> Any:
        items = list(value) if isinstance(value, list | tuple) else [value]
        pairs = [list(item) if isinstance(item, list | tuple) else [item] for item in items]
        numbers = [number for pair in pairs for number in pair]
        right = all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers)
        deep = axes > 1 and all(len(pair) in (1, 2) for pair in pairs)
        if not right or (isinstance(value, list | tuple) and (len(items) != max(axes, 2) or not (deep or len(numbers) == len(items)))):
            raise wrong_value(
                expected="a whole number of at least 0, or "
                + ("a pair of them" if axes == 1 else f"a list of {axes}, one for each axis: each a number or a pair [before, after]"),
                cause="these are no sizes of sides",
                fix="write one number for all sides, or [before, after]"
                + ("" if axes == 1 else " for each axis, such as [[0, 1], [0, 1]]"),
            )
        if not isinstance(value, list | tuple):
            return items[0]
        return tuple(tuple(item) if isinstance(item, list | tuple) else item for item in items)

    return check


def _schema(axes: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": 0}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    several = {"type": "array", "items": {"anyOf": [number, pair]}, "minItems": axes, "maxItems": axes}
    return WithJsonSchema({"anyOf": [number, pair if axes == 1 else several]})


Sides1 = Annotated[int | Pair, PlainValidator(_sides(1)), _schema(1)]
Sides2 = Annotated[int | tuple[int | Pair, ...], PlainValidator(_sides(2)), _schema(2)]
Sides3 = Annotated[int | tuple[int | Pair, ...], PlainValidator(_sides(3)), _schema(3)]


class Border(Rearranging):
    """What these layers share.

    Attributes:
        sides: How many positions: one number for all sides, or for each axis one number or ``[before, after]`` (along steps just
            ``[before, after]``).
    """

    positional: ClassVar[tuple[str, ...]] = ("sides",)
    spatial: ClassVar[int]
    """Axes that have sides."""
    grows: ClassVar[bool] = True
    """Whether positions are added; otherwise they are cut off."""

    sides: Any

    @property
    def amounts(self) -> tuple[Pair, ...]:
        """For each axis the positions before and after."""
        given: Any = self.sides
        if isinstance(given, int):
            return ((given, given),) * self.spatial
        if self.spatial == 1:
            return ((given[0], given[1]),)
        return tuple(item if isinstance(item, tuple) else (item, item) for item in given)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        sizes = spatial_axes(shape)
        names = shape.axes[:1] if isinstance(shape, Sequence) else shape.axes[1:]
        for name, size, amount in zip(names, sizes, self.amounts, strict=True):
            if size is not None and size < self.least(amount):
                raise self.refuse(
                    "NN020",
                    expected=f"a {name} of at least {self.least(amount)}",
                    got=f"a {name} of {size}",
                    cause=self.why,
                    fix="set smaller sides, or take out a layer before it that makes the input small",
                )
        sign = 1 if self.grows else -1
        pairs = zip(sizes, self.amounts, strict=True)
        return with_axes(shape, last_axis(shape), tuple(None if size is None else size + sign * sum(amount) for size, amount in pairs))

    @property
    def why(self) -> str:
        """Why an input can be too small."""
        return "nothing would be left once the sides are cut off"

    def least(self, amount: Pair) -> int:
        """The smallest size of an axis that gives something, and does not run out of what it is filled up with."""
        return 1 if self.grows else sum(amount) + 1

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output) if self.grows else 0


class Padding(Border):
    """What layers share that add to the sides.

    Attributes:
        sides: As in `Border`.
        mode: What is added: ``constant``: ``value``; ``reflect``: the input mirrored, without repeating the position at the
            edge; ``replicate``: that position again and again; ``circular``: what stands at the other side.
        value: What ``constant`` adds.
    """

    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant"
    value: float = 0.0

    @model_validator(mode="after")
    def _value_is_used(self) -> Self:
        if self.mode != "constant" and self.value != 0:
            raise wrong_value(
                expected=f"no value beside mode: {self.mode}",
                cause="only constant padding adds a value",
                fix="remove value, or set mode: constant",
            )
        return self

    @property
    def why(self) -> str:
        return f"{self.mode} padding fills up with the input's own positions, and each of them is used once"

    def least(self, amount: Pair) -> int:
        if self.mode == "reflect":
            return max(amount) + 1
        return max(*amount, 1) if self.mode == "circular" else 1


_STEPS, _OPEN = Sequence(steps=5, features=3), Sequence(steps=None, features=3)
_IMAGE = Image(channels=2, height=4, width=5)
_VOLUME = Volume(channels=2, depth=3, height=4, width=3)


class _Steps(Border):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    spatial: ClassVar[int] = 1
    sides: Sides1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(1), (_STEPS,)), (cls((1, 0)), (_OPEN,)), (cls((0, 2)), (_OPEN,))]


class _Image(Border):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    sides: Sides2

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(1), (_IMAGE,)), (cls((0, 2)), (_IMAGE,)), (cls(((1, 0), (2, 1))), (_IMAGE,)), (cls(((1, 2), 1)), (_IMAGE,))]


class _Volume(Border):
    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    sides: Sides3

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(1), (_VOLUME,)), (cls((0, 1, 1)), (_VOLUME,)), (cls(((1, 0), (0, 1), 0)), (_VOLUME,))]


@register("zero_padding1d")
class ZeroPadding1d(_Steps):
    """Zeros before and after a sequence: ``[batch, steps, n]`` to ``[batch, before + steps + after, n]``; see `Border`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ZeroPadding1d((2, 1)).infer((sequence(9, 4),)))
        '[batch, 12, 4]'
    """


@register("zero_padding2d")
class ZeroPadding2d(_Image):
    """Zeros around an image: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `Border`.

    Example:
        >>> from lamina.shapes import image
        >>> str(ZeroPadding2d(3).infer((image(3, 224, 224),)))
        '[batch, 3, 230, 230]'
    """


@register("zero_padding3d")
class ZeroPadding3d(_Volume):
    """Zeros around a volume; see `Border`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(ZeroPadding3d((1, 0, (0, 2))).infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 10, 8, 10]'
    """


@register("padding1d")
class Padding1d(_Steps, Padding):
    """Positions added before and after a sequence: a constant, a mirror image, the edge or the other end; see `Padding`.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Padding1d((2, 1), mode="reflect").infer((sequence(9, 4),)))
        '[batch, 12, 4]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls((2, 1), value=-1.5), (_OPEN,)),
            (cls((1, 2), mode="reflect"), (_STEPS,)),
            (cls((0, 2), mode="replicate"), (_OPEN,)),
            (cls(2, mode="circular"), (_OPEN,)),
        ]


@register("padding2d")
class Padding2d(_Image, Padding):
    """Positions added around an image: a constant, a mirror image, the edge or the other side; see `Padding`.

    Example:
        >>> from lamina.shapes import image
        >>> str(Padding2d(3, mode="reflect").infer((image(3, 224, 224),)))
        '[batch, 3, 230, 230]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(((1, 0), 2), value=0.5), (_IMAGE,)),
            (cls((3, (0, 2)), mode="reflect"), (_IMAGE,)),
            (cls(((0, 2), (3, 0)), mode="replicate"), (_IMAGE,)),
            (cls(2, mode="circular"), (_IMAGE,)),
        ]


@register("padding3d")
class Padding3d(_Volume, Padding):
    """Positions added around a volume: a constant, a mirror image, the edge or the other side; see `Padding`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(Padding3d(1, mode="circular").infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 10, 10, 10]'
    """

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(((1, 0), 0, 2), value=2.0), (_VOLUME,)),
            (cls((2, (0, 1), 1), mode="reflect"), (_VOLUME,)),
            (cls(1, mode="replicate"), (_VOLUME,)),
            (cls((1, (0, 2), 0), mode="circular"), (_VOLUME,)),
        ]


@register("cropping1d")
class Cropping1d(_Steps):
    """A sequence without its first and last steps: ``[batch, steps, n]`` to ``[batch, steps - before - after, n]``; see `Border`.

    Of sequences of different lengths each is cut at its own end.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Cropping1d((2, 1)).infer((sequence(9, 4),)))
        '[batch, 6, 4]'
    """

    grows: ClassVar[bool] = False


@register("cropping2d")
class Cropping2d(_Image):
    """An image without its sides: ``[batch, c, height, width]`` to ``[batch, c, height', width']``; see `Border`.

    Example:
        >>> from lamina.shapes import image
        >>> str(Cropping2d(((0, 1), 2)).infer((image(3, 9, 9),)))
        '[batch, 3, 8, 5]'
    """

    grows: ClassVar[bool] = False


@register("cropping3d")
class Cropping3d(_Volume):
    """A volume without its sides; see `Border`.

    Example:
        >>> from lamina.shapes import volume
        >>> str(Cropping3d((1, 0, (0, 2))).infer((volume(3, 8, 8, 8),)))
        '[batch, 3, 6, 8, 6]'
    """

    grows: ClassVar[bool] = False
