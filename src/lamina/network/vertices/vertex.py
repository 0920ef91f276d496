"""Where branches of a graph meet: layers of several inputs."""

from __future__ import annotations

from typing import ClassVar, Literal

from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Volume

Axis = Literal["features", "channels", "steps", "depth", "height", "width"]
"""Names of axes; ``features`` are the channels of images and volumes, and ``channels`` says the same."""

FEATURES, STEPS, IMAGE = Features(4), Sequence(steps=5, features=3), Image(channels=2, height=3, width=4)
"""Inputs of examples."""


class Vertex(Layer):
    """Base of layers that join several inputs."""

    input_count: ClassVar[tuple[int, int | None]] = (2, None)


class AlongAxis(Layer):
    """What layers share that work along one axis, given by its name.

    Attributes:
        axis: ``features`` (the channels, for images and volumes; ``channels`` says the same), or by its name ``steps``, ``depth``,
            ``height`` or ``width``.
    """

    axis: Axis = "features"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is treated by itself."""
        return self.axis != "steps"

    def axis_of(self, shape: Shape) -> int | None:
        """Position of the axis among those after the batch, or None if the shape has no such axis."""
        if self.axis in ("features", "channels"):
            return 0 if isinstance(shape, Image | Volume) else len(shape.axes) - 1 if isinstance(shape, Features | Sequence) else None
        if self.axis == "steps":
            return 0 if shape.has_steps else None
        return shape.axes.index(self.axis) if self.axis in shape.axes else None

    def place_in(self, shape: Shape) -> int:
        """Position of the axis among those after the batch.

        Raises:
            ShapeError: NN001, if the shape has no such axis.
        """
        found = self.axis_of(shape)
        if found is None:
            names = shape.axes or ("steps",)
            raise self.refuse(
                "NN001",
                expected=f"an input with an axis {self.axis!r}",
                got=str(shape),
                cause=f"a {shape.type_name} has the axes {', '.join(names)}",
                fix=f"set axis to one of {', '.join(names)}",
            )
        return found

    def resized(self, shape: Shape, size: int | None) -> Shape:
        """The shape with another size of the axis."""
        place = self.place_in(shape)
        return shape.replace(**{shape.axes[place] if shape.axes else "steps": size})


def listed_inputs(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    """How messages write the inputs of a vertex: each with the name of what feeds it, or its number."""
    named = layer.inputs if len(layer.inputs) == len(shapes) else [f"input {index + 1}" for index in range(len(shapes))]
    return ", ".join(f"{name} {shape}" for name, shape in zip(named, shapes, strict=True))
