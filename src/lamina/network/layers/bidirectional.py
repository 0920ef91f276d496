"""A recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.network.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register, wrong_value

_SETTINGS = (*(name for name in ParametricLayer.model_fields if name not in Layer.model_fields), "recurrent_initializer")


@register("bidirectional")
class Bidirectional(Layer):
    """A recurrent layer twice: once along the steps, once from the last step to the first; the outputs are merged step by step.

    ``[batch, steps, n]`` to ``[batch, steps, 2 units]`` (``units`` for other merges than concat). If the layer has
    ``return_sequences: false``, what each direction gives after having read everything is merged: ``[batch, 2 units]``. (A
    last_step after it would instead take of the backward direction what it gives after a single step.) Of ``output: state`` the
    memories are merged in the same way. The way back begins at the last real step of each sequence.

    Parameters: those of the layer twice, with ``forward_`` and ``backward_`` before their names. The layer's settings
    (regularisation, learning rate factor, dropout on the input, which both directions see alike) hold for both.

    Attributes:
        layer: An lstm, gru, simple_rnn or another recurrent layer.
        merge: ``concat`` (forward first), ``sum``, ``average`` or ``multiply``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Bidirectional(LSTM(32)).infer((sequence(60, 1),)))
        '[batch, 60, 64]'
    """

    positional: ClassVar[tuple[str, ...]] = ("layer",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)

    layer: Layer
    merge: Literal["concat", "sum", "average", "multiply"] = "concat"

    @model_validator(mode="after")
    def _wraps_recurrent(self) -> Self:
        if not isinstance(self.layer, Recurrent):
            raise wrong_value(
                expected="a recurrent layer: lstm, gru or simple_rnn",
                cause=f"a {self.layer.type_name} has no direction",
                fix="write layer: {type: lstm, units: ...}",
            )
        if self.layer.name is not None or self.layer.inputs:
            raise wrong_value(
                expected="a layer without name and inputs inside bidirectional",
                cause="the bidirectional layer is the one that stands in the network",
                fix="give name and inputs to the bidirectional layer",
            )
        self._runs_both_ways(self.layer)
        return self

    @staticmethod
    def _runs_both_ways(layer: Recurrent) -> None:
        if layer.reverse:
            raise wrong_value(
                expected="a layer without reverse inside bidirectional",
                cause="bidirectional runs it in both directions already",
                fix="remove reverse: true",
            )
        if layer.layers > 1:
            raise wrong_value(
                expected="a single recurrent layer inside bidirectional",
                cause="whether directions meet between the layers, or only at the end, would be a guess",
                fix="write several bidirectional layers one after another, where they meet, as in torch",
            )

    @property
    def recurrent(self) -> Recurrent:
        """The wrapped layer."""
        if not isinstance(self.layer, Recurrent):
            raise TypeError(type(self.layer).__name__)
        return self.layer

    def __getattr__(self, name: str) -> Any:
        # What holds for the parameters (l1, frozen ...) is said in the wrapped layer, and asked of the one in the network.
        if name in _SETTINGS:
            return getattr(self.layer, name)
        return super().__getattr__(name)  # type: ignore[misc]

    @property
    def random(self) -> bool:
        return self.recurrent.random

    def with_defaults(self, defaults: Mapping[str, Any]) -> Self:
        inner = self.layer.with_defaults(defaults)
        return self if inner is self.layer else self.replace(layer=inner)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        one = self.recurrent.infer(inputs)
        count = last_axis(one) * (2 if self.merge == "concat" else 1)
        return Sequence(steps=one.dims[0], features=count) if isinstance(one, Sequence) else Features(count)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        one = self.recurrent.parameters(inputs)
        return {f"{direction}_{name}": parameter for direction in ("forward", "backward") for name, parameter in one.items()}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        one = self.recurrent
        merging = {"concat": 0, "sum": 1, "average": 2, "multiply": 1}[self.merge]
        return 2 * one.flops(inputs, output) + merging * elements(output)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * self.recurrent.activation_size(inputs, output) + elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        return [
            (cls(LSTM(2)), (shape,)),
            (cls(GRU(2, return_sequences=False), merge="sum"), (shape,)),
            (cls(SimpleRNN(3, bias=False), merge="average"), (Sequence(steps=None, features=3),)),
            (cls(LSTM(2, activation="softsign"), merge="multiply"), (shape,)),
            (cls(LSTM(3, projection=2, output="state"), merge="average"), (shape,)),
        ]
