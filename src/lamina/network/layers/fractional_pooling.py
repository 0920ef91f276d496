"""Max pooling whose windows stand at uneven distances, so that sizes shrink by any factor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import PlainValidator, WithJsonSchema, model_validator

from lamina.network.layers.layer import Layer, elements, last_axis, spatial_axes, with_axes
from lamina.network.layers.pooling import IMAGE, VOLUME
from lamina.shapes import Image, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Size2, Size3, spread


def _ratios(axes: int) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        items = list(value) if isinstance(value, list | tuple) else [value]
        right = all(isinstance(item, int | float) and not isinstance(item, bool) and 0 < item < 1 for item in items)
        if not right or (isinstance(value, list | tuple) and len(items) != axes):
            raise wrong_value(
                expected=f"a number between 0 and 1, or a list of {axes}",
                cause="pooling makes an image smaller, and not to nothing",
                fix="write ratio: 0.7, or one number for each axis",
            )
        return tuple(items) if isinstance(value, list | tuple) else value

    return check


def _schema(axes: int) -> WithJsonSchema:
    number = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return WithJsonSchema({"anyOf": [number, {"type": "array", "items": number, "minItems": axes, "maxItems": axes}]})


_Ratio2 = Annotated[float | tuple[float, ...], PlainValidator(_ratios(2)), _schema(2)]
_Ratio3 = Annotated[float | tuple[float, ...], PlainValidator(_ratios(3)), _schema(3)]


class FractionalMaxPool(Layer):
    """What fractional max pooling shares (Graham 2014): the arithmetic of ``torch.nn.FractionalMaxPool2d``.

    Along each axis the windows stand at steps of two neighbouring sizes, whose order is drawn anew for each sample and channel
    in training. At prediction it is that of the draw 1/2 for all, so that nothing is random; torch draws there too.

    Attributes:
        size: Size of the window.
        output: What comes out along each axis; this or ``ratio``.
        ratio: What comes out as a share of what goes in, rounded down.
    """

    positional: ClassVar[tuple[str, ...]] = ("size",)
    stochastic: ClassVar[bool] = True
    spatial: ClassVar[int]
    """Axes that windows stand along."""
    spare: ClassVar[int] = 0
    """Positions of each axis that torch wants to have left over."""

    size: Any
    output: Any = None
    ratio: Any = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.output is None) == (self.ratio is None):
            raise wrong_value(
                expected="either output or ratio",
                cause="both say which size comes out" if self.ratio is not None else "nothing says which size comes out",
                fix="write ratio: 0.7, or output: 14",
            )
        return self

    @property
    def window(self) -> tuple[int, ...]:
        """Size of the window along each axis."""
        return spread(self.size, self.spatial)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        sizes = [size or 1 for size in spatial_axes(shape)]
        if self.output is not None:
            found = spread(self.output, self.spatial)
        else:
            shares = self.ratio if isinstance(self.ratio, tuple) else (self.ratio,) * self.spatial
            found = tuple(int(size * share) for size, share in zip(sizes, shares, strict=True))
        for name, size, window, count in zip(shape.axes[1:], sizes, self.window, found, strict=True):
            least = max(count, 1) + window - 1 + self.spare
            if count < 1 or size < least:
                raise self.refuse(
                    "NN002",
                    expected=f"a {name} of at least {least}, for {max(count, 1)} windows of {window}",
                    got=f"a {name} of {size}",
                    cause="the windows stand at least one position apart",
                    fix="set a smaller output or ratio, or a smaller window" if count >= 1 else "set a larger ratio",
                )
        return with_axes(shape, last_axis(shape), found)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return math.prod(self.window) * elements(output)


@register("fractional_max_pool2d")
class FractionalMaxPool2d(FractionalMaxPool):
    """Largest value of each window, the windows at uneven distances: ``[batch, c, height, width]`` to ``[batch, c, height', width']``.

    See `FractionalMaxPool` for the settings.

    Example:
        >>> from lamina.shapes import image
        >>> str(FractionalMaxPool2d(2, ratio=0.7).infer((image(16, 28, 20),)))
        '[batch, 16, 19, 14]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    spatial: ClassVar[int] = 2
    size: Size2
    output: Size2 | None = None
    ratio: _Ratio2 | None = None

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(2, output=(5, 4)), (IMAGE,)), (cls((3, 2), ratio=0.6), (IMAGE,)), (cls(2, ratio=(0.5, 0.7)), (IMAGE,))]


@register("fractional_max_pool3d")
class FractionalMaxPool3d(FractionalMaxPool):
    """Largest value of each window of a volume, the windows at uneven distances; see `FractionalMaxPool` for the settings.

    Example:
        >>> from lamina.shapes import volume
        >>> str(FractionalMaxPool3d(2, output=(3, 5, 5)).infer((volume(16, 7, 8, 9),)))
        '[batch, 16, 3, 5, 5]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Volume,)
    spatial: ClassVar[int] = 3
    spare: ClassVar[int] = 1
    size: Size3
    output: Size3 | None = None
    ratio: _Ratio3 | None = None

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls((2, 2, 1), output=(2, 3, 2)), (VOLUME,)),
            (cls((2, 3, 1), ratio=0.6), (Volume(channels=2, depth=5, height=6, width=4),)),
        ]
