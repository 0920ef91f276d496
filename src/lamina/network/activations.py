"""Activation functions: what each computes; `lamina.engine.activations` says how torch runs them."""

from __future__ import annotations

from lamina.spec import Description, register


class Activation(Description, family="activation"):
    """Base of all activations; elementwise unless `over_features` says otherwise."""


@register("identity")
class Identity(Activation):
    """``f(x) = x``."""

    @classmethod
    def examples(cls) -> list[Identity]:
        return [Identity()]
