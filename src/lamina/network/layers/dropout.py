"""Dropout as a layer of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina.network.layers.layer import Layer
from lamina.network.noise import DropoutNoise, Noise
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register


@register("dropout")
class Dropout(Layer):
    """Noise on what passes, in training only; at prediction nothing changes. Any shape of numbers, which it keeps.

    Attributes:
        rate: Probability that a value is dropped, or any other kind of noise (``{type: gaussian_noise, std: 0.1}``), see
            `lamina.network.noise`.

    Example:
        >>> Dropout(0.5).rate
        DropoutNoise(rate=0.5)
    """

    positional: ClassVar[tuple[str, ...]] = ("rate",)
    stepwise: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True

    rate: Noise

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        data = super().to_dict(full=full)
        if isinstance(self.rate, DropoutNoise):
            # `rate: 0.5` stays the number it was.
            data["rate"] = self.rate.rate
        return data

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(0.5), (Features(4),)),
            (cls(0.2), (Sequence(steps=None, features=3),)),
            (cls(0.2), (Image(channels=2, height=3, width=4),)),
            (cls({"type": "dropout", "rate": 0.1}), (Volume(channels=2, depth=2, height=3, width=2),)),
            (cls({"type": "alpha_dropout", "rate": 0.3}), (Features(4),)),
            (cls({"type": "gaussian_dropout", "rate": 0.3}), (Features(4),)),
            (cls({"type": "gaussian_noise", "std": 0.1}), (Sequence(steps=None, features=3),)),
            (cls({"type": "spatial_dropout", "rate": 0.4}), (Sequence(steps=5, features=8),)),
            (cls({"type": "spatial_dropout", "rate": 0.4}), (Image(channels=8, height=3, width=4),)),
            (cls({"type": "spatial_alpha_dropout", "rate": 0.4}), (Sequence(steps=5, features=8),)),
        ]
