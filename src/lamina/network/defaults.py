"""Settings that all layers of a network share unless they say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.network.activations import Activation
from lamina.network.constraints import Constraint
from lamina.network.initializers import Initializer
from lamina.network.noise import Noise, WeightNoise
from lamina.spec import Description
from lamina.spec.fields import NonNegative, several


class Defaults(Description):
    """Settings for every layer that has them and does not set them itself; see `ParametricLayer` for what each means.

    Some layers keep their own value of a setting, since it means something else there: output layers, recurrent layers,
    normalisation and embedding their ``activation``; normalisation and embedding their ``bias``.

    Example:
        >>> from lamina.network.layers import Dense
        >>> defaults = Defaults(activation="relu", l2=1e-4)
        >>> Dense(3).with_defaults(defaults.settings)
        Dense(activation=Relu(), l2=0.0001, units=3)
        >>> Dense(3, activation="tanh").with_defaults(defaults.settings).activation
        Tanh()
    """

    activation: Activation | None = None
    initializer: Initializer | None = None
    bias: bool | None = None
    bias_initializer: Initializer | None = None
    dropout: Noise | None = None
    weight_noise: WeightNoise | None = None
    l1: NonNegative | None = None
    l2: NonNegative | None = None
    l1_bias: NonNegative | None = None
    l2_bias: NonNegative | None = None
    weight_decay: NonNegative | None = None
    learning_rate_factor: NonNegative | None = None
    bias_learning_rate_factor: NonNegative | None = None
    constraints: several(Constraint) = ()  # type: ignore[valid-type]
    bias_constraints: several(Constraint) = ()  # type: ignore[valid-type]
    frozen: bool | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that were given."""
        return {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}

    @classmethod
    def examples(cls) -> list[Defaults]:
        return [Defaults(), Defaults(activation="relu", initializer="he_normal", l2=1e-4, dropout=0.1)]
