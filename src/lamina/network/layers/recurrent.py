"""Recurrent layers: the steps of a sequence one after another, with a memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Sigmoid, Tanh
from lamina.network.initializers import Initializer, Orthogonal
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count


class Recurrent(ParametricLayer):
    """What recurrent layers share: ``[batch, steps, n]`` to ``[batch, steps, units]``, or to ``[batch, units]``.

    Attributes:
        units: Size of the memory and of the output.
        activation: Of what is remembered; tanh. The network's ``defaults`` leave it alone.
        return_sequences: Whether the output of every step is given, or only the last step's.
        recurrent_initializer: How ``weight_hh`` starts, each gate by itself; orthogonal.
        dropout: Noise on the input, drawn anew for each step.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    gates: ClassVar[int]
    """Blocks along axis 0 of the weights, in torch's order."""
    remembered: ClassVar[int]
    """Vectors of ``units`` that training keeps of each step, the output among them."""

    units: Count
    activation: Activation = Tanh()
    return_sequences: bool = True
    recurrent_initializer: Initializer = Orthogonal()

    @property
    def random(self) -> bool:
        return super().random or getattr(self, "recurrent_activation", self.activation).random

    @property
    def fused(self) -> bool:
        """Whether torch's own kernel computes this: the activations are the usual ones."""
        return isinstance(self.activation, Tanh) and isinstance(getattr(self, "recurrent_activation", Sigmoid()), Sigmoid)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return Sequence(steps=shape.dims[0], features=self.units) if self.return_sequences else Features(self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, rows = last_axis(inputs[0]), self.gates * self.units
        found = {
            "weight_ih": Parameter((rows, count), "weight", count, self.units, self.gates),
            "weight_hh": Parameter((rows, self.units), "weight", self.units, self.units, self.gates, "recurrent_initializer"),
        }
        if self.bias:
            found["bias_ih"] = Parameter((rows,), "bias", count, self.units, self.gates, fills=self.bias_fills())
            found["bias_hh"] = Parameter((rows,), "bias", self.units, self.units, self.gates)
        return found

    def bias_fills(self) -> tuple[float | None, ...]:
        """Numbers that the gates' parts of ``bias_ih`` start with."""
        return ()

    def step_flops(self, features: int) -> int:
        """Operations of one step: the two matrix products, and the arithmetic between gates."""
        return 2 * self.gates * self.units * (features + self.units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps = inputs[0].dims[0] or 1
        return steps * self.step_flops(last_axis(inputs[0]))

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (inputs[0].dims[0] or 1) * self.remembered * self.units

    @classmethod
    def _examples(cls, **settings: Any) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        return [
            (cls(4), (shape,)),
            (cls(3, return_sequences=False), (Sequence(steps=None, features=3),)),
            (cls(2, bias=False, recurrent_initializer="xavier_uniform"), (shape,)),
            (cls(3, activation="softsign", **settings), (shape,)),
        ]


@register("lstm")
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates): the equations and layouts of ``torch.nn.LSTM``.

    ``c' = f * c + i * g``, ``h = o * activation(c')`` with ``i, f, o = recurrent_activation(...)`` and ``g = activation(...)``.
    Parameters: ``weight_ih [4 units, n]``, ``weight_hh [4 units, units]``, ``bias_ih``, ``bias_hh [4 units]``; gates in the
    order i, f, g, o. With the usual activations torch's fused kernel runs it; others run step by step and are slower.

    Attributes:
        recurrent_activation: Of the gates; sigmoid.
        forget_bias: What the forget gate's part of ``bias_ih`` starts with; 1 as in Deeplearning4j and Keras (torch: 0), so
            that memories last from the start. The part of ``bias_hh`` starts with ``bias_initializer``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LSTM(32).infer((sequence(60, 1),))), str(LSTM(32, return_sequences=False).infer((sequence(60, 1),)))
        ('[batch, 60, 32]', '[batch, 32]')
    """

    gates: ClassVar[int] = 4
    remembered: ClassVar[int] = 6  # four gates, the cell, the output

    recurrent_activation: Activation = Sigmoid()
    forget_bias: float = 1.0

    def bias_fills(self) -> tuple[float | None, ...]:
        return (None, self.forget_bias, None, None)

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 4 * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(recurrent_activation="hard_sigmoid", forget_bias=0.5)


@register("gru")
class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), with the equations and layouts of ``torch.nn.GRU`` (reset after the product).

    ``n = activation(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h`` with ``r, z = recurrent_activation(...)``.
    Parameters: ``weight_ih [3 units, n]``, ``weight_hh [3 units, units]``, ``bias_ih``, ``bias_hh [3 units]``; gates in the
    order r, z, n. With the usual activations torch's fused kernel runs it; others run step by step and are slower.

    Attributes:
        recurrent_activation: Of the gates; sigmoid.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GRU(32).infer((sequence(None, 8),)))
        '[batch, ?, 32]'
    """

    gates: ClassVar[int] = 3
    remembered: ClassVar[int] = 5  # three gates, the recurrent part of the candidate, the output

    recurrent_activation: Activation = Sigmoid()

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 5 * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(recurrent_activation="hard_sigmoid")


@register("simple_rnn")
class SimpleRNN(Recurrent):
    """Elman network: ``h' = activation(W_ih x + b_ih + W_hh h + b_hh)``, with the layouts of ``torch.nn.RNN``.

    Parameters: ``weight_ih [units, n]``, ``weight_hh [units, units]``, ``bias_ih``, ``bias_hh [units]``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SimpleRNN(32, activation="relu").infer((sequence(10, 8),)))
        '[batch, 10, 32]'
    """

    gates: ClassVar[int] = 1
    remembered: ClassVar[int] = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples()


_SETTINGS = (*(name for name in ParametricLayer.model_fields if name not in Layer.model_fields), "recurrent_initializer")


@register("bidirectional")
class Bidirectional(Layer):
    """A recurrent layer twice: once along the steps, once from the last step to the first; the outputs are merged step by step.

    ``[batch, steps, n]`` to ``[batch, steps, 2 units]`` (``units`` for other merges than concat). If the layer has
    ``return_sequences: false``, what each direction gives after having read everything is merged: ``[batch, 2 units]``. (A
    last_step after it would instead take of the backward direction what it gives after a single step.)

    Parameters: those of the layer twice, with ``forward_`` and ``backward_`` before their names. The layer's settings
    (regularisation, learning rate factor, dropout on the input, which both directions see alike) hold for both.

    Attributes:
        layer: An lstm, gru or simple_rnn.
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
        return self

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
        steps = (inputs[0].dims[0] or 1) if one.return_sequences else 1
        merging = {"concat": 0, "sum": 1, "average": 2, "multiply": 1}[self.merge]
        return 2 * one.flops(inputs, output) + merging * steps * one.units

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
        ]


@register("last_step")
class LastStep(Layer):
    """The last step of a sequence: ``[batch, steps, n]`` to ``[batch, n]``; of padded sequences, the last real step.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LastStep().infer((sequence(None, 32),)))
        '[batch, 32]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(last_axis(inputs[0]))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Sequence(steps=5, features=3),)), (cls(), (Sequence(steps=None, features=3),))]
