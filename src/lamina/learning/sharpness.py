"""Sharpness-aware minimisation: steps towards minima that are flat all around, which often generalise better."""

from __future__ import annotations

from typing import ClassVar

from lamina.spec import Description, register
from lamina.spec.fields import Positive


class Sharpness(Description, family="sharpness"):
    """Base of what makes steps aware of how sharp a minimum is."""


@register("sam")
class Sam(Sharpness):
    """Sharpness-aware minimisation (Foret et al. 2021): the gradient is taken where the loss, nearby, is worst.

    The parameters are moved up the gradient by ``e = rho * g / (|g| + 1e-12)``, the gradient is computed there once more, on the
    same batch with the same random draws, the parameters go back, and the optimiser takes this second gradient. So a step
    costs two. Norms are over all parameters; L1, L2 and clipping apply to the second gradient only, and running statistics of
    batch norm are those of the first pass.

    Attributes:
        rho: How far up.
        adaptive: Measure distances relative to the parameters (ASAM, Kwon et al. 2021):
            ``e = rho * p^2 * g / (|p * g| + 1e-12)``. Wants a larger rho, 0.5 to 2.

    Example:
        >>> Sam(0.1).to_dict()
        {'type': 'sam', 'rho': 0.1}
    """

    positional: ClassVar[tuple[str, ...]] = ("rho",)
    rho: Positive = 0.05
    adaptive: bool = False

    @classmethod
    def examples(cls) -> list[Sam]:
        return [Sam(), Sam(0.5, adaptive=True)]
