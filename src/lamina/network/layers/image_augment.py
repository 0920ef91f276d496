"""Several random changes of images in a row, as well-known recipes prescribe."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.image import Interpolation, Pair, RandomImageLayer, Share
from lamina.network.layers.image_colour import RandomColorDegeneration
from lamina.network.layers.image_filter import RandomSharpness
from lamina.network.layers.image_geometry import RandomRotation, RandomShear, RandomTranslation
from lamina.network.layers.image_tone import (
    AutoContrast,
    Equalization,
    RandomBrightness,
    RandomContrast,
    RandomPosterization,
    Solarization,
)
from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive

_COLOURED = Image(channels=3, height=5, width=4)
_WIDE = (-4.0, 4.0)


class Augmenting(RandomImageLayer):
    """What recipes share: the changes that they choose from, each as strong as one number says.

    These are `random_shear`, `random_translation`, `random_rotation`, `random_posterization` (of ``8 * factor`` bits, at least 1),
    `solarization`, `auto_contrast` and `equalization`, and, where there are colours, `random_color_degeneration`; and
    `random_brightness`, `random_contrast` and `random_sharpness`.

    Attributes:
        factor: How strong each change may be, from 0 to 1; each layer's own page says what it makes of it.
        interpolation: Of the changes of geometry, which fill what lies beyond the edges as in a mirror.
        value_range: Lowest and highest value that a pixel can have.
    """

    factor: Share = 0.5
    interpolation: Interpolation = "bilinear"
    value_range: Pair = (0.0, 1.0)

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.value_range[0] >= self.value_range[1]:
            raise wrong_value(expected="two different numbers", cause="the range holds nothing", fix="write value_range: [0, 1]")
        return self

    def changes(self, shape: Shape) -> tuple[Layer, ...]:
        """The layers that are chosen from, for images of a shape."""
        strength, tones = self.factor, {"value_range": self.value_range}
        pale = (RandomColorDegeneration(strength, **tones),) if shape.dims[0] == 3 else ()
        return (
            RandomShear(strength, strength, interpolation=self.interpolation),
            RandomTranslation(strength, strength, interpolation=self.interpolation),
            RandomRotation(strength, interpolation=self.interpolation),
            RandomPosterization(max(1, int(8 * strength)), **tones),
            Solarization(addition=strength, threshold=strength, **tones),
            AutoContrast(**tones),
            Equalization(**tones),
            RandomBrightness(strength, **tones),
            RandomContrast(strength, **tones),
            RandomSharpness(strength, **tones),
            *pale,
        )


@register("rand_augment")
class RandAugment(Augmenting):
    """A few changes in a row for each image in training, each chosen with equal probability (RandAugment, Cubuk et al. 2019).

    See `Augmenting` for the changes. Images are at first brought within the range. In Keras all images of a batch get the same changes;
    here each has its own.

    Attributes:
        count: How many changes in a row.
        factor: See `Augmenting`.
        interpolation: See `Augmenting`.
        value_range: See `Augmenting`.

    Example:
        >>> RandAugment(2, factor=0.3).count
        2
    """

    positional: ClassVar[tuple[str, ...]] = ("count",)
    count: Count = 2

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 10 * self.count * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(value_range=_WIDE), (_COLOURED,)),
            (cls(3, factor=0.3, interpolation="nearest", value_range=_WIDE), (Image(channels=1, height=5, width=6),)),
        ]


@register("aug_mix")
class AugMix(Augmenting):
    """A blend of each image with changed versions of itself, in training (AugMix, Hendrycks et al. 2019).

    ``chains`` versions are made, each by up to ``depth`` changes in a row; they are blended with weights from a Dirichlet distribution,
    and the blend with the image itself, with a weight from a Beta distribution. See `Augmenting` for the changes. In Keras all images of
    a batch get the same changes and weights; here each has its own.

    Attributes:
        chains: How many versions.
        depth: How many changes each has at most: every place of a chain is left out as often as one change is chosen.
        alpha: All parameters of both distributions; 1: every weight is equally likely.
        all_changes: False leaves out those of brightness, contrast, sharpness and colours, on which tests of robustness are based.
        factor: See `Augmenting`.
        interpolation: See `Augmenting`.
        value_range: See `Augmenting`.

    Example:
        >>> AugMix(depth=2).chains
        3
    """

    positional: ClassVar[tuple[str, ...]] = ("chains", "depth")
    chains: Count = 3
    depth: Count = 3
    alpha: Positive = 1.0
    all_changes: bool = True
    factor: Share = 0.3

    def changes(self, shape: Shape) -> tuple[Layer, ...]:
        found = super().changes(shape)
        return found if self.all_changes else found[:7]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (10 * self.depth + 2) * self.chains * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(value_range=_WIDE), (_COLOURED,)),
            (cls(2, 1, alpha=0.5, all_changes=False, value_range=_WIDE), (Image(channels=2, height=5, width=6),)),
        ]
