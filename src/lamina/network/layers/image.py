"""What layers share that prepare images or vary them in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from lamina.network.layers.layer import Layer
from lamina.shapes import Image, Shape
from lamina.spec import wrong_value

Share = Annotated[float, Field(ge=0, le=1)]
"""A share or probability, 1 included."""
Interpolation = Literal["nearest", "bilinear"]
Fill = Literal["constant", "nearest", "reflect", "wrap"]
"""What lies beyond the edges: ``k k | a b c | k k``, ``a a | a b c | c c``, ``b a | a b c | c b`` or ``b c | a b c | a b``."""


def _numbers(low: float, high: float, *, alone: bool, ordered: bool = True) -> Callable[[Any], Any]:
    def check(value: Any) -> float | tuple[float, float]:
        items = list(value) if isinstance(value, list | tuple) else [value]
        right = all(isinstance(item, int | float) and not isinstance(item, bool) and low <= item <= high for item in items)
        if isinstance(value, list | tuple) and len(items) == 2 and right and (not ordered or items[0] <= items[1]):
            return float(items[0]), float(items[1])
        if alone and not isinstance(value, list | tuple) and right:
            return float(value)
        bounds = "" if (low, high) == (-_ANY, _ANY) else f" from {low:g} to {high:g}"
        raise wrong_value(
            expected=f"{f'a number{bounds}, or ' if alone else ''}two numbers{bounds}{', the lower one first' if ordered else ''}",
            cause="there are not two numbers, they are in the wrong order, or one is outside these bounds",
            fix=("write [LOW, HIGH]" if ordered else "write [BELOW, ABOVE]") + (", or one number" if alone else ""),
        )

    return check


_ANY = 1e30


def _schema(low: float, high: float, *, alone: bool) -> Any:
    bounds = {} if (low, high) == (-_ANY, _ANY) else {"minimum": low, "maximum": high}
    number = {"type": "number", **bounds}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    return WithJsonSchema({"anyOf": [number, pair]} if alone else pair)


Pair = Annotated[tuple[float, float], PlainValidator(_numbers(-_ANY, _ANY, alone=False)), _schema(-_ANY, _ANY, alone=False)]
"""Two numbers, the lower one first."""
Part = Annotated[float | tuple[float, float], PlainValidator(_numbers(0, 1, alone=True)), _schema(0, 1, alone=True)]
"""A number from 0 to 1, or the two ends of where one is drawn from."""
Signed = Annotated[float | tuple[float, float], PlainValidator(_numbers(-1, 1, alone=True)), _schema(-1, 1, alone=True)]
"""A number from -1 to 1, or the two ends of where one is drawn from."""
Amount = Annotated[float | tuple[float, float], PlainValidator(_numbers(0, _ANY, alone=True)), _schema(0, _ANY, alone=True)]
"""A number of at least 0, or the two ends of where one is drawn from."""
Limits = Annotated[float | tuple[float, float], PlainValidator(_numbers(0, 1, alone=True, ordered=False)), _schema(0, 1, alone=True)]
"""How far from 1 a factor may be: one number, or how far below and how far above."""


def ends(value: float | tuple[float, float], *, mirrored: bool = False) -> tuple[float, float]:
    """Where numbers are drawn from: one alone means from 0 up to it, or, mirrored, as far below 0.

    Example:
        >>> ends(0.2), ends(0.2, mirrored=True), ends((0.1, 0.3), mirrored=True)
        ((0.0, 0.2), (-0.2, 0.2), (0.1, 0.3))
    """
    if isinstance(value, tuple):
        return value
    return (-abs(value), abs(value)) if mirrored else (0.0, value)


class ImageLayer(Layer):
    """Base of layers that give an image of the same shape; they have no weights."""

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]


class RandomImageLayer(ImageLayer):
    """Base of layers that vary images in training, each with draws of its own, and pass them on unchanged at prediction."""

    stochastic: ClassVar[bool] = True


def check_colours(layer: Layer, shape: Shape) -> None:
    """See that an image has red, green and blue.

    Raises:
        ShapeError: NN085.
    """
    channels = shape.dims[0]
    if channels != 3:
        raise layer.refuse(
            "NN085",
            expected="an image of 3 channels: red, green and blue",
            got=f"{shape}, {channels} channel{'s' if channels != 1 else ''}",
            cause=f"{layer.type_name} works on colours, which an image of another number of channels has not",
            fix=f"remove {layer.type_name}, or read the images in colour",
        )
