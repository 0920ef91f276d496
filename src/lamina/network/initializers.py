"""How parameters start; `lamina.engine.initializers` draws them."""

from __future__ import annotations

from lamina.spec import Description, register


class Initializer(Description, family="initializer"):
    """Base of all initialisers."""


@register("zeros")
class Zeros(Initializer):
    """All 0."""

    @classmethod
    def examples(cls) -> list[Zeros]:
        return [Zeros()]


@register("xavier_uniform")
class XavierUniform(Initializer):
    """``U(-a, a)`` with ``a = sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio 2010)."""

    @classmethod
    def examples(cls) -> list[XavierUniform]:
        return [XavierUniform()]
