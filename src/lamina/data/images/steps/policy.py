"""Well-known recipes of augmentation: which changes, how strong, how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.data.images.steps.geometry import Moving
from lamina.spec import register
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture

SIGNED = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "color", "contrast", "sharpness")
RAND = ("identity", *SIGNED, "posterize", "solarize", "auto_contrast", "equalize")
GREY = frozenset(RAND) - {"color"}

_SPREAD = 150 / 331
"""Most that AutoAugment shifts a picture, as a share of its side."""


class Policy(Moving):
    """Base of recipes: what their changes do to a picture, by name and strength."""

    varies: ClassVar[bool] = True

    def change(self, picture: Picture, name: str, strength: float) -> Picture:
        """A picture changed as much as a number says: a factor's distance from 1, a slope, a share, degrees, bits or a level."""
        import numpy as np

        from lamina.data.images import tones

        height, width = picture.size
        moves: dict[str, Any] = {
            "shear_x": [[1, strength, 0], [0, 1, 0], [0, 0, 1]],
            "shear_y": [[1, 0, 0], [strength, 1, 0], [0, 0, 1]],
            "translate_x": [[1, 0, int(strength * width)], [0, 1, 0], [0, 0, 1]],
            "translate_y": [[1, 0, 0], [0, 1, int(strength * height)], [0, 0, 1]],
        }
        if name in moves:
            return self.warp(picture, np.asarray(moves[name], dtype=np.float64))
        if name == "rotate":
            from lamina.data.images.steps.geometry import turning

            return self.warp(picture, turning(picture.size, picture.size, degrees=-strength))
        paints: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "identity": lambda pixels: pixels,
            "brightness": lambda pixels: tones.brightened(pixels, 1 + strength),
            "color": lambda pixels: tones.saturated(pixels, 1 + strength),
            "contrast": lambda pixels: tones.contrasted(pixels, 1 + strength),
            "sharpness": lambda pixels: tones.sharpened(pixels, 1 + strength),
            "posterize": lambda pixels: tones.posterized(pixels, int(strength)),
            "solarize": lambda pixels: tones.solarized(pixels, strength),
            "auto_contrast": tones.stretched,
            "equalize": tones.equalized,
            "invert": tones.inverted,
        }
        return picture.painted(paints[name](picture.pixels))


def strength_of(name: str, share: float) -> float:
    """How strong a change is at a share (0 to 1) of the strongest, in AutoAugment's and RandAugment's measure.

    Example:
        >>> strength_of("rotate", 0.5), strength_of("posterize", 1.0), strength_of("solarize", 0.0)
        (15.0, 4, 256.0)
    """
    if name in ("shear_x", "shear_y"):
        return 0.3 * share
    if name in ("translate_x", "translate_y"):
        return _SPREAD * share
    if name == "rotate":
        return 30.0 * share
    if name == "posterize":
        return 8 - round(4 * share)
    if name == "solarize":
        return 256.0 * (1 - share)
    return 0.9 * share if name in SIGNED else 0.0


@register("rand_augment")
class RandomPolicy(Policy):
    """A few changes in a row, each any of fourteen and all of one strength, in training (RandAugment, Cubuk et al. 2019).

    They are: nothing, shear and shift along both axes, rotation, brightness, colour, contrast, sharpness, fewer bits, solarisation,
    stretched contrast and equalisation. Boxes, masks and points are moved along; colour is left out for grey pictures. Those with a
    direction go either way.

    Attributes:
        count: How many changes in a row.
        magnitude: How strong, from 0 to 30.
        interpolation: Of the pixels; masks always take the nearest.
        fill: What stands where the picture does not reach.
        mask_fill: The class of such places in a mask.
    """

    positional: ClassVar[tuple[str, ...]] = ("count", "magnitude")
    count: Count = 2
    magnitude: Annotated[float, Field(ge=0, le=30)] = 9.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(3, 20.0, fill=128)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        names = [name for name in RAND if picture.channels >= 3 or name in GREY]
        for _ in range(self.count):
            name, sign = draws.choice(names), -1 if draws.chance(0.5) else 1
            picture = self.change(picture, name, strength_of(name, self.magnitude / 30) * (sign if name in SIGNED else 1))
        return picture


@register("trivial_augment")
class TrivialPolicy(Policy):
    """One change of any strength, in training (TrivialAugment, Müller and Hutter 2021, the wide space).

    Attributes:
        interpolation: Of the pixels; masks always take the nearest.
        fill: What stands where the picture does not reach.
        mask_fill: The class of such places in a mask.
    """

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        name = draws.choice([name for name in RAND if picture.channels >= 3 or name in GREY])
        share, sign = draws.below(31) / 30, -1 if draws.chance(0.5) else 1
        if name in ("shear_x", "shear_y", "brightness", "color", "contrast", "sharpness"):
            strength = 0.99 * share
        elif name in ("translate_x", "translate_y"):
            strength = 32.0 * share / picture.size[1 if name == "translate_x" else 0]
        elif name == "rotate":
            strength = 135.0 * share
        elif name == "posterize":
            strength = 8 - round(6 * share)
        else:
            strength = strength_of(name, share)
        return self.change(picture, name, strength * (sign if name in SIGNED else 1))


@register("auto_augment")
class LearnedPolicy(Policy):
    """One of 25 pairs of changes that were found to help on a data set, in training (AutoAugment, Cubuk et al. 2018).

    Attributes:
        policy: The data set: ``imagenet``, ``cifar10`` or ``svhn``.
        interpolation: Of the pixels; masks always take the nearest.
        fill: What stands where the picture does not reach.
        mask_fill: The class of such places in a mask.
    """

    positional: ClassVar[tuple[str, ...]] = ("policy",)
    policy: Literal["imagenet", "cifar10", "svhn"] = "imagenet"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("cifar10"), cls("svhn", interpolation="nearest")]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        for name, probability, level in draws.choice(POLICIES[self.policy]):
            done, sign = draws.chance(probability), -1 if draws.chance(0.5) else 1
            if done and (picture.channels >= 3 or name != "color"):
                picture = self.change(picture, name, strength_of(name, level / 9) * (sign if name in SIGNED else 1))
        return picture


_SHORT = {
    "shx": "shear_x",
    "shy": "shear_y",
    "trx": "translate_x",
    "try": "translate_y",
    "rot": "rotate",
    "bri": "brightness",
    "col": "color",
    "con": "contrast",
    "sha": "sharpness",
    "pos": "posterize",
    "sol": "solarize",
    "aut": "auto_contrast",
    "equ": "equalize",
    "inv": "invert",
}


def _policy(text: str) -> tuple[tuple[tuple[str, float, int], tuple[str, float, int]], ...]:
    """Pairs of name, probability in tenths (``x`` is ten) and level, as in the paper's tables."""

    def one(word: str) -> tuple[str, float, int]:
        return _SHORT[word[:3]], 1.0 if word[3] == "x" else int(word[3]) / 10, int(word[4])

    words = [one(word) for word in text.split()]
    return tuple(zip(words[::2], words[1::2], strict=True))


POLICIES = {
    "imagenet": _policy(
        """pos48 rot69  sol65 aut60  equ80 equ60  pos67 pos66  equ40 sol24  equ40 rot88  sol63 equ60  pos85 equx0  rot23 sol68
        equ60 pos46  rot88 col40  rot49 equ60  equ00 equ80  inv60 equx0  col64 conx8  rot88 colx2  col88 sol87  sha47 inv60
        shx65 equx0  col40 equ60  equ40 sol24  sol65 aut60  inv60 equx0  col64 conx8  equ80 equ60"""
    ),
    "cifar10": _policy(
        """inv10 con26  rot72 trx39  sha81 sha93  shy58 try79  aut50 equ90  shy27 pos37  col43 bri67  sha39 bri79  equ60 equ50
        con67 sha65  col77 trx58  equ30 aut40  try43 sha26  bri96 col28  sol52 inv00  equ20 aut60  equ20 equ60  col99 equ60
        aut80 sol28  bri13 col70  sol45 aut90  try99 try79  aut90 sol83  equ80 inv10  try79 aut90"""
    ),
    "svhn": _policy(
        """shx94 inv20  shy98 inv70  equ60 sol66  inv90 equ60  equ60 rot93  shx94 aut80  shy98 inv40  shy95 sol26  inv90 aut80
        equ60 rot93  shx94 sol33  shy88 inv70  equ90 try66  inv90 equ60  con33 rot84  inv80 try02  shy76 sol48  inv60 rot84
        shy37 trx93  shx16 inv60  sol72 try67  shy84 inv80  shx79 try83  shy85 aut70  shx72 inv10"""
    ),
}
