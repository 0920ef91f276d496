"""Normalisation by the root mean square, and to length 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lamina.network.layers.layer import Layer, Parameter, elements, last_axis
from lamina.network.layers.normalization import Normalization
from lamina.network.vertices.similarity import L2Normalize
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Positive


@register("rms_norm")
class RMSNorm(Normalization):
    """``x / sqrt(mean(x^2) + epsilon) * weight`` over the features (Zhang and Sennrich 2019): layer normalisation without the mean.

    Any shape of numbers, which it keeps: each vector, each step of a sequence, the channels at each position of an image or volume.
    Parameters: ``weight [n]`` (starts at 1) and, if asked for, ``bias [n]``.

    Attributes:
        epsilon: Added to the mean square before its root.
        bias: Whether a learnt ``bias`` is added; off unless set.

    Example:
        >>> from lamina.shapes import sequence
        >>> {name: parameter.shape for name, parameter in RMSNorm().parameters((sequence(None, 8),)).items()}
        {'weight': (8,)}
    """

    stepwise: ClassVar[bool] = True

    epsilon: Positive = 1e-6
    bias: bool = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.affine((last_axis(inputs[0]),))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (3 + self.scale + self.bias) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls(epsilon=1e-3, bias=True, activation="tanh"), (Sequence(steps=None, features=3),)),
            (cls(bias=True), (Image(channels=3, height=4, width=2),)),
            (cls(scale=False), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]


@register("unit_norm")
class UnitNorm(L2Normalize):
    """Vectors of length 1, with the least length that Keras's UnitNormalization divides by; else `L2Normalize`.

    Attributes:
        over: ``features`` or ``sample``.
        epsilon: Least length that is divided by.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(UnitNorm().infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    epsilon: Positive = 1e-6

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return super().examples()
