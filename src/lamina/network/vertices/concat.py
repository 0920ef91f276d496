"""Inputs side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.layers.layer import Layer
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS, AlongAxis, Vertex, listed_inputs
from lamina.shapes import Features, Shape
from lamina.spec import register


@register("concat")
class Concat(AlongAxis, Vertex):
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

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        at = self.axis_of(first)
        if at is None:
            raise self.refuse(
                "NN003",
                expected=f"inputs with an axis {self.axis!r}",
                got=listed_inputs(self, inputs),
                cause=f"a {first.type_name} has the axes {', '.join(first.axes)}",
                fix=f"set axis to one of {', '.join(first.axes)}, or remove it",
            )
        sizes: list[int | None] = list(first.dims)
        for shape in inputs[1:]:
            if type(shape) is not type(first) or not _agree(shape.dims, first.dims, at):
                raise self.refuse(
                    "NN003",
                    expected=f"inputs that agree in all but {first.axes[at]}, like {first}",
                    got=listed_inputs(self, inputs),
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


def _agree(own: tuple[Any, ...], other: tuple[Any, ...], at: int) -> bool:
    pairs = enumerate(zip(own, other, strict=True))
    return all(index == at or a is None or b is None or a == b for index, (a, b) in pairs)
