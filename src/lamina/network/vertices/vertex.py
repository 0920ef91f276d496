"""Where branches of a graph meet: layers of several inputs."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Sequence, Shape

FEATURES, STEPS, IMAGE = Features(4), Sequence(steps=5, features=3), Image(channels=2, height=3, width=4)
"""Inputs of examples."""


class Vertex(Layer):
    """Base of layers that join several inputs."""

    input_count: ClassVar[tuple[int, int | None]] = (2, None)


def listed_inputs(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    """How messages write the inputs of a vertex: each with the name of what feeds it, or its number."""
    named = layer.inputs if len(layer.inputs) == len(shapes) else [f"input {index + 1}" for index in range(len(shapes))]
    return ", ".join(f"{name} {shape}" for name, shape in zip(named, shapes, strict=True))
