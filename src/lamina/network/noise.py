"""Noise on what flows between layers: dropout and its relatives; active in training only."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.spec import Description, register
from lamina.spec.fields import Probability


class Noise(Description, family="noise"):
    """Base of all kinds of dropout; a bare number means `Dropout` with that probability."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``dropout: 0.5`` is short for ``dropout: {type: dropout, rate: 0.5}``."""
        return {"type": "dropout", "rate": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


@register("dropout")
class DropoutNoise(Noise):
    """Each value is dropped (set to 0) with probability ``rate``, the others are divided by ``1 - rate``."""

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    rate: Probability

    @classmethod
    def examples(cls) -> list[DropoutNoise]:
        return [DropoutNoise(rate=0.5)]
