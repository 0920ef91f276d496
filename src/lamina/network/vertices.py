"""Where branches of a graph meet: layers of several inputs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register

FEATURES, STEPS, IMAGE = Features(4), Sequence(steps=5, features=3), Image(channels=2, height=3, width=4)


class Vertex(Layer):
    """Base of layers that join several inputs."""

    input_count: ClassVar[tuple[int, int | None]] = (2, None)


class Elementwise(Vertex):
    """What vertices share that join equal shapes number by number; the output has that shape too."""

    stepwise: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        for shape in inputs[1:]:
            if not shape.agrees(first):
                raise self.refuse(
                    "NN003",
                    expected=f"inputs of one shape, {first} as the first",
                    got=_listed(self, inputs),
                    cause="the branches end with different sizes: other numbers of units or filters, other strides, or other padding",
                    fix="give the last layers of the branches equal units or filters, and equal strides; a 1 x 1 conv2d fits a shortcut",
                )
        # Where one branch knows the number of steps, all have it.
        return next((shape for shape in inputs if None not in shape.dims), first)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (len(inputs) - 1) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        count = 3 if cls.input_count[1] is None else 2
        return [(cls(), (FEATURES,) * count), (cls(), (STEPS,) * 2), (cls(), (IMAGE,) * count)]


@register("add")
class Add(Elementwise):
    """Sum of the inputs; the joint of residual networks.

    Example:
        >>> str(Add().infer((Features(4), Features(4))))
        '[batch, 4]'
    """


@register("subtract")
class Subtract(Elementwise):
    """First input minus second."""

    input_count: ClassVar[tuple[int, int | None]] = (2, 2)


@register("multiply")
class Multiply(Elementwise):
    """Product of the inputs, number by number."""


@register("average")
class Average(Elementwise):
    """Mean of the inputs, number by number."""

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return len(inputs) * elements(output)


@register("max")
class Max(Elementwise):
    """Largest of the inputs, number by number."""


@register("concat")
class Concat(Vertex):
    """The inputs side by side.

    Attributes:
        axis: Along which axis: ``features`` (the channels, for images and volumes; ``channels`` says the same), or by its name
            ``steps``, ``depth``, ``height`` or ``width``. All other axes must agree.

    Example:
        >>> from lamina.shapes import image
        >>> str(Concat().infer((image(3, 8, 8), image(5, 8, 8))))
        '[batch, 8, 8, 8]'
    """

    positional: ClassVar[tuple[str, ...]] = ("axis",)

    axis: Literal["features", "channels", "steps", "depth", "height", "width"] = "features"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is joined with its like alone."""
        return self.axis != "steps"

    def axis_of(self, shape: Shape) -> int | None:
        """Position of the axis among those after the batch, or None if the shape has no such axis."""
        if self.axis in ("features", "channels"):
            return 0 if isinstance(shape, Image | Volume) else len(shape.axes) - 1
        return shape.axes.index(self.axis) if self.axis in shape.axes else None

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        at = self.axis_of(first)
        if at is None:
            raise self.refuse(
                "NN003",
                expected=f"inputs with an axis {self.axis!r}",
                got=_listed(self, inputs),
                cause=f"a {first.type_name} has the axes {', '.join(first.axes)}",
                fix=f"set axis to one of {', '.join(first.axes)}, or remove it",
            )
        sizes: list[int | None] = list(first.dims)
        for shape in inputs[1:]:
            if type(shape) is not type(first) or not _agree(shape.dims, first.dims, at):
                raise self.refuse(
                    "NN003",
                    expected=f"inputs that agree in all but {first.axes[at]}, like {first}",
                    got=_listed(self, inputs),
                    cause="the branches end with different sizes: other strides, other padding, or one is flattened",
                    fix="give the branches equal strides and padding: same, or choose another axis",
                )
            joined = None if sizes[at] is None or shape.dims[at] is None else (sizes[at] or 0) + (shape.dims[at] or 0)
            sizes = [own if own is not None else other for own, other in zip(sizes, shape.dims, strict=True)]
            sizes[at] = joined
        return type(first)(**dict(zip(first.axes, sizes, strict=True)))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        wide = IMAGE.replace(channels=5)
        return [
            (cls(), (FEATURES, Features(2), Features(1))),
            (cls(), (IMAGE, wide)),
            (cls("channels"), (wide, IMAGE)),
            (cls("steps"), (STEPS, STEPS.replace(steps=2))),
            (cls("width"), (IMAGE, IMAGE.replace(width=1))),
        ]


@register("scale")
class Scale(Layer):
    """``y = factor * x + offset``: tempers the branch of a residual network. Any shape of numbers, which it keeps.

    Attributes:
        factor: Multiplied with each number.
        offset: Added to each.

    Example:
        >>> Scale(0.1).factor
        0.1
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    stepwise: ClassVar[bool] = True

    factor: float
    offset: float = 0.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.1), (FEATURES,)), (cls(-1.0, offset=1.0), (IMAGE,))]


def _agree(own: tuple[Any, ...], other: tuple[Any, ...], at: int) -> bool:
    pairs = enumerate(zip(own, other, strict=True))
    return all(index == at or a is None or b is None or a == b for index, (a, b) in pairs)


def _listed(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    named = layer.inputs if len(layer.inputs) == len(shapes) else [f"input {index + 1}" for index in range(len(shapes))]
    return ", ".join(f"{name} {shape}" for name, shape in zip(named, shapes, strict=True))
