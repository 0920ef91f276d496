"""Images that are turned, moved, tilted or enlarged at random in training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lamina.network.layers.image import Fill, Interpolation, Part, RandomImageLayer, Share, Signed
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register

_SHAPES = (Image(channels=2, height=5, width=4), Image(channels=1, height=4, width=6))


class Warped(RandomImageLayer):
    """What layers share that show each image as through a lens, filling what lies beyond its edges.

    Attributes:
        fill: What is seen beyond the edges: ``constant`` (``fill_value``), ``nearest`` (the pixel at the edge), ``reflect`` (the
            image in a mirror at the edge) or ``wrap`` (the image over and over again).
        fill_value: For ``constant``.
        interpolation: Pixels are the ``nearest``, or computed of the four around (``bilinear``).
    """

    fill: Fill = "reflect"
    fill_value: float = 0.0
    interpolation: Interpolation = "bilinear"

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Three blends of two pixels, each a difference, a product and a sum.
        return 9 * elements(output) if self.interpolation == "bilinear" else 0


@register("random_flip")
class RandomFlip(RandomImageLayer):
    """Images seen in a mirror, in training; each is turned over with probability 1/2, independently in each direction.

    Attributes:
        mode: ``horizontal`` (left becomes right), ``vertical`` or ``both``.

    Example:
        >>> RandomFlip("horizontal").mode
        'horizontal'
    """

    positional: ClassVar[tuple[str, ...]] = ("mode",)
    mode: Literal["horizontal", "vertical", "both"] = "both"

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), _SHAPES[:1]), (cls("horizontal"), _SHAPES[1:]), (cls("vertical"), _SHAPES[:1])]


@register("random_rotation")
class RandomRotation(Warped):
    """Images turned about their middle in training: counter-clockwise by ``factor`` times a full turn.

    Attributes:
        factor: Drawn for each image from ``-factor`` to ``factor``, or from an interval. 0.1 is 36 degrees.
        fill: See `Warped`.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomRotation(0.1, fill="constant").fill_value
        0.0
    """

    positional: ClassVar[tuple[str, ...]] = ("factor",)
    factor: Signed

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(0.1), _SHAPES[:1]),
            (cls((0.2, 0.4), fill="constant", fill_value=0.5), _SHAPES[1:]),
            (cls(0.5, fill="wrap"), _SHAPES[:1]),
            (cls(0.3, fill="nearest", interpolation="nearest"), _SHAPES[1:]),
        ]


@register("random_translation")
class RandomTranslation(Warped):
    """Images moved in training, down by a share of their height and to the right by a share of their width.

    Attributes:
        height_factor: Drawn for each image from ``-height_factor`` to ``height_factor``, or from an interval; negative is up.
        width_factor: The same to the right; negative is to the left.
        fill: See `Warped`.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomTranslation(0.1, (-0.2, 0.3)).width_factor
        (-0.2, 0.3)
    """

    positional: ClassVar[tuple[str, ...]] = ("height_factor", "width_factor")
    height_factor: Signed
    width_factor: Signed

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.3, 0.2), _SHAPES[:1]), (cls(0.9, (0.2, 0.6), fill="constant"), _SHAPES[1:])]


@register("random_shear")
class RandomShear(Warped):
    """Images slanted in training about their upper left corner.

    The new pixel ``(column, row)`` shows the old place ``(column + s * x * row, row + s * y * column)``, where ``s`` is -1 or 1
    with equal probability.

    Attributes:
        x_factor: ``x`` is drawn for each image from 0 to ``x_factor``, or from an interval.
        y_factor: The same for ``y``.
        fill: See `Warped`.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomShear(0.2).y_factor
        0.0
    """

    positional: ClassVar[tuple[str, ...]] = ("x_factor", "y_factor")
    x_factor: Part = 0.0
    y_factor: Part = 0.0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.4), _SHAPES[:1]), (cls((0.1, 0.3), 0.5, fill="wrap"), _SHAPES[1:])]


@register("random_zoom")
class RandomZoom(Warped):
    """Images seen from nearer or farther in training, about their middle: 0.2 shows 1.2 times as much, -0.2 only 0.8 of it.

    Attributes:
        height_factor: Drawn for each image from ``-height_factor`` to ``height_factor``, or from an interval; negative is nearer.
        width_factor: The same for the width; None: as much as for the height.
        fill: See `Warped`.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomZoom((-0.3, -0.1)).width_factor is None
        True
    """

    positional: ClassVar[tuple[str, ...]] = ("height_factor", "width_factor")
    height_factor: Signed
    width_factor: Signed | None = None

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(0.4), _SHAPES[:1]), (cls(0.2, (-0.5, -0.1), fill="nearest"), _SHAPES[1:])]


@register("random_perspective")
class RandomPerspective(Warped):
    """Images as seen from the side, in training: their corners are moved, and all else with them in straight lines.

    Each corner goes a random way, evenly up to ``scale / 2`` of the width and of the height, in either direction.

    Attributes:
        scale: How far; at most 0.5, up to which four moved corners always are those of a picture that nothing folds.
        probability: With which an image is changed.
        fill: See `Warped`; ``constant`` unless set.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomPerspective(0.3).probability
        1.0
    """

    positional: ClassVar[tuple[str, ...]] = ("scale", "probability")
    scale: Annotated[float, Field(ge=0, le=0.5)] = 0.5
    probability: Share = 1.0
    fill: Fill = "constant"

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), _SHAPES[:1]), (cls(0.3, 0.7, fill="reflect"), _SHAPES[1:])]


@register("random_elastic")
class RandomElastic(Warped):
    """Images bent like rubber, in training (Simard, Steinkraus and Platt 2003).

    Each pixel is moved by normal noise that a Gaussian has smoothed: its deviation is ``0.05 * s`` of the shorter side, and the
    noise is multiplied by it and by ``0.1 * s`` of the longer side. Pixels then move by about ``0.03 * s`` of that side.

    Attributes:
        scale: ``s`` is drawn for each image from 0 to ``scale``, or from an interval.
        probability: With which an image is changed.
        fill: See `Warped`.
        fill_value: See `Warped`.
        interpolation: See `Warped`.

    Example:
        >>> RandomElastic((0.5, 1.0), probability=0.5).scale
        (0.5, 1.0)
    """

    positional: ClassVar[tuple[str, ...]] = ("scale", "probability")
    scale: Part = 1.0
    probability: Share = 1.0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        wide = Image(channels=2, height=24, width=20)
        return [(cls(), (wide,)), (cls((0.5, 1.0), 0.6, fill="constant"), (wide,))]
