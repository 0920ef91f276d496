"""Positions: vectors that tell each step which one it is, for layers that would not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.initializers import Initializer, Normal
from lamina.network.layers.embedding import Embedding
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Sequence, Shape, Tokens
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive


def _too_long(layer: Layer, shape: Shape, length: int | None) -> None:
    """See that there is a position for every step.

    Raises:
        ShapeError: NN062, if there are more steps.
    """
    if length is not None and (shape.dims[0] or 0) > length:
        raise layer.refuse(
            "NN062",
            expected=f"at most {length} steps, for which there are positions",
            got=f"{shape}",
            cause="a learnt position exists for each of the first steps only, as many as length says",
            fix=f"set length: {shape.dims[0]}, or use sinusoidal_positions or rotary positions in the attention, which know no end",
        )


@register("position_embedding")
class PositionEmbedding(ParametricLayer):
    """Learnt positions: ``y_i = x_i + weight_i``, with a vector for each of the first ``length`` steps.

    Input and output: ``[batch, steps, n]``. Parameters: ``weight [length, n]``. In sequences of different lengths the real steps are
    counted; run piece by piece, counting goes on.

    Attributes:
        length: How many steps there can be.
        initializer: How the vectors start; normal with 0.02, unless set. The network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import sequence
        >>> PositionEmbedding(128).parameters((sequence(None, 16),))["weight"].shape
        (128, 16)
    """

    positional: ClassVar[tuple[str, ...]] = ("length",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    memory: ClassVar[bool] = True
    own_settings: ClassVar[tuple[str, ...]] = ("activation", "initializer")
    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    length: Count
    initializer: Initializer = Normal(std=0.02)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        _too_long(self, inputs[0], self.length)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        return {"weight": Parameter((self.length, count), "weight", self.length, count)}

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(12), (Sequence(steps=None, features=3),)), (cls(7, activation="tanh"), (Sequence(steps=5, features=2),))]


@register("sinusoidal_positions")
class SinusoidalPositions(Layer):
    """Positions as sines and cosines (Vaswani et al. 2017): ``y_i = x_i + p_i``, without parameters and without an end.

    ``p_i[2 j] = sin(i / base^(2 j / n))``, ``p_i[2 j + 1] = cos(i / base^(2 j / n))``. Input and output: ``[batch, steps, n]``. In
    sequences of different lengths the real steps are counted; run piece by piece, counting goes on.

    Attributes:
        base: Of the wave lengths, which go from ``2 pi`` to ``2 pi base``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SinusoidalPositions().infer((sequence(None, 16),)))
        '[batch, ?, 16]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    memory: ClassVar[bool] = True

    base: Positive = 10000.0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Sequence(steps=None, features=4),)), (cls(base=20.0), (Sequence(steps=5, features=3),))]


@register("token_embedding")
class TokenEmbedding(Embedding):
    """What a transformer begins with: a learnt vector for each token, and one for its place: ``y_i = scale weight[x_i] + p_i``.

    Input: ``[batch, steps]`` of whole numbers; output ``[batch, steps, units]``. Parameters: ``weight [vocabulary, units]``,
    ``bias [units]`` if asked for, and for learnt positions ``position [length, units]``.

    Attributes:
        units: Length of the vectors.
        positions: ``learned``, for ``length`` steps; ``sinusoidal``, see `SinusoidalPositions`; None: none, as where the attention
            has rotary ones.
        length: How many steps there can be, for learnt positions.
        scaled: Whether the tokens' vectors are multiplied by ``sqrt(units)``, as in the original.
        mask_token: The token that fills sequences up: steps that have it are not real, and have no place.
        initializer: How the vectors start; normal with 0.02, unless set. The network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import tokens
        >>> layer = TokenEmbedding(16, positions="learned", length=128)
        >>> {name: parameter.shape for name, parameter in layer.parameters((tokens(None, 1000),)).items()}
        {'weight': (1000, 16), 'position': (128, 16)}
    """

    memory: ClassVar[bool] = True
    stepwise: ClassVar[bool] = False
    own_settings: ClassVar[tuple[str, ...]] = ("activation", "bias", "initializer")

    positions: Literal["learned", "sinusoidal"] | None = None
    length: Count | None = None
    scaled: bool = False
    initializer: Initializer = Normal(std=0.02)

    @model_validator(mode="after")
    def _length_where_learnt(self) -> Self:
        if (self.positions == "learned") != (self.length is not None):
            raise wrong_value(
                expected="length together with positions: learned",
                cause="learnt positions are a table, which needs a number of rows; others have none",
                fix="add length, the most steps there can be" if self.length is None else "remove length, or write positions: learned",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        _too_long(self, inputs[0], self.length)
        return super().infer(inputs)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        found = dict(super().parameters(inputs))
        if self.length is not None:
            found["position"] = Parameter((self.length, self.units), "weight", self.length, self.units)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return elements(output) * (int(self.bias) + int(self.scaled) + int(self.positions is not None))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_ = Tokens(steps=None, vocabulary=7)
        return [
            (cls(3), (open_,)),
            (cls(4, positions="learned", length=12, bias=True), (open_,)),
            (cls(4, positions="sinusoidal", scaled=True, activation="tanh"), (open_,)),
            (cls(2, positions="learned", length=12, mask_token=0), (open_,)),
        ]
