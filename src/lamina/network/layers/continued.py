"""Recurrent layers that are told at which steps a new sequence begins, so that several stand one behind the other in a sample (Caffe)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lamina.network.initializers import Initializer, Orthogonal
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count


class Continued(ParametricLayer):
    """What both share: ``[batch, steps, n]`` and ``[batch, steps, 1]`` to ``[batch, steps, units]``.

    The second input says of each step whether the sequence before it goes on: what is remembered is multiplied by it, so that 0 begins a
    new one and 1 goes on. A third, ``[batch, m]``, is the same at every step.

    Attributes:
        units: Size of the memory and of the output.
        recurrent_initializer: How ``weight_hh`` starts.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    further: ClassVar[tuple[type[Shape], ...] | None] = (Sequence, Features)
    input_count: ClassVar[tuple[int, int | None]] = (2, 3)
    takes_masks: ClassVar[bool] = False
    unused_settings: ClassVar[tuple[str, ...]] = ("activation", "bias", "dropout")
    gates: ClassVar[int]

    units: Count
    recurrent_initializer: Initializer = Orthogonal()

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        x, goes_on, *static = inputs
        right = isinstance(goes_on, Sequence) and goes_on.features == 1
        if (
            not right
            or not goes_on.agrees(Sequence(steps=x.dims[0], features=1))
            or not all(isinstance(shape, Features) for shape in static)
        ):
            raise self.refuse(
                "NN003",
                expected=f"a number for each step, [batch, {x.dims[0] or '?'}, 1], as second input, and features as third",
                got=", ".join(map(str, inputs)),
                cause="it says for each step whether the sequence before goes on",
                fix="give a sequence with one feature and as many steps",
            )
        return Sequence(steps=x.dims[0] if x.dims[0] is not None else goes_on.dims[0], features=self.units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, rows = last_axis(inputs[0]), self.gates * self.units
        found = {
            "weight_ih": Parameter((rows, count), "weight", count, self.units, self.gates),
            "bias_ih": Parameter((rows,), "bias", count, self.units, self.gates),
        }
        if len(inputs) > 2:
            found["weight_static"] = Parameter((rows, last_axis(inputs[2])), "weight", last_axis(inputs[2]), self.units, self.gates)
        found["weight_hh"] = Parameter((rows, self.units), "weight", self.units, self.units, self.gates, "recurrent_initializer")
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps = output.dims[0] or 1
        static = last_axis(inputs[2]) if len(inputs) > 2 else 0
        return 2 * self.gates * self.units * (steps * (last_axis(inputs[0]) + self.units) + static)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (self.gates + 2) * self.units * (output.dims[0] or 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        goes_on = Sequence(steps=5, features=1)
        return [
            (cls(4), (Sequence(steps=5, features=3), goes_on)),
            (cls(3), (Sequence(steps=None, features=2), Sequence(steps=None, features=1), Features(2))),
        ]


@register("continued_lstm")
class ContinuedLSTM(Continued):
    """An LSTM that is told where sequences begin; gates and layouts as in `LSTM`, with one bias. See `Continued`.

    With ``s`` the second input: ``h' = s h``, ``c = s f * c + i * g``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ContinuedLSTM(8).infer((sequence(None, 3), sequence(None, 1))))
        '[batch, ?, 8]'
    """

    gates: ClassVar[int] = 4


@register("continued_rnn")
class ContinuedRNN(Continued):
    """A recurrent layer with an output of its own, told where sequences begin; see `Continued`.

    ``h = tanh(W_ih x + b_ih + W_hh (s h))``, and given is ``tanh(W_ho h + b_ho)``. Parameters: those, ``weight_ho [units, units]``
    and ``bias_ho [units]``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(ContinuedRNN(8).infer((sequence(None, 3), sequence(None, 1))))
        '[batch, ?, 8]'
    """

    gates: ClassVar[int] = 1

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        found: dict[str, Any] = dict(super().parameters(inputs))
        found["weight_ho"] = Parameter((self.units, self.units), "weight", self.units, self.units)
        found["bias_ho"] = Parameter((self.units,), "bias", self.units, self.units)
        return found
