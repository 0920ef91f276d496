"""Further recurrent layers: with peepholes, with a single gate, with units that remember independently."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.activations import Activation, Relu, Sigmoid
from lamina.network.initializers import Initializer, Uniform
from lamina.network.layers.layer import Layer, Parameter
from lamina.network.layers.recurrent import LSTM, Recurrent
from lamina.shapes import Sequence, Shape
from lamina.spec import register


@register("peephole_lstm")
class PeepholeLSTM(LSTM):
    """Long short-term memory whose gates see the cell (Gers and Schmidhuber 2000; Graves 2013; Deeplearning4j's ``GravesLSTM``).

    As `LSTM`, but ``i = gate(... + p_i * c)``, ``f = gate(... + p_f * c)`` with the cell before the step, and
    ``o = gate(... + p_o * c')`` with the cell after it. Parameters: those of `LSTM`, and ``peephole [3 units]``, its parts in the
    order i, f, o. Runs step by step. Graves' bidirectional LSTM is a `Bidirectional` of it with ``merge: sum``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(PeepholeLSTM(32).infer((sequence(60, 1),)))
        '[batch, 60, 32]'
    """

    @property
    def fused(self) -> bool:
        return False

    def layer_parameters(self, count: int) -> dict[str, Parameter]:
        return {**super().layer_parameters(count), "peephole": Parameter((3 * self.units,), "weight", self.units, self.units, 3)}

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 6 * self.units


@register("minimal_gated_unit")
class MinimalGatedUnit(Recurrent):
    """Recurrent unit with a single gate (Zhou et al. 2016): two thirds of a GRU's parameters.

    ``f = gate(W_f x + b_f + U_f h)``, ``n = activation(W_n x + b_n + U_n (f * h))``, ``h' = (1 - f) * h + f * n``. Parameters:
    ``weight_ih [2 units, n]``, ``weight_hh [2 units, units]``, ``bias_ih``, ``bias_hh [2 units]``, parts in the order f, n. Runs step
    by step.

    Attributes:
        recurrent_activation: Of the gate; sigmoid.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MinimalGatedUnit(32).infer((sequence(None, 8),)))
        '[batch, ?, 32]'
    """

    gates: ClassVar[int] = 2
    remembered: ClassVar[int] = 4  # the gate, the gated memory, the candidate, the output
    unused_settings: ClassVar[tuple[str, ...]] = ("layer_norm",)

    recurrent_activation: Activation = Sigmoid()

    @property
    def fused(self) -> bool:
        return False

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 4 * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(recurrent_activation="hard_sigmoid")


@register("indrnn")
class IndRNN(Recurrent):
    """Independently recurrent network (Li et al. 2018): each unit sees its own memory only, so that many steps and layers learn.

    ``h' = activation(W x + b + u * h)``. Parameters: ``weight_ih [units, n]``, ``weight_hh [units]``, ``bias_ih [units]``. Runs step by
    step, with no matrix product in a step.

    Attributes:
        activation: relu.
        recurrent_initializer: How ``weight_hh`` starts; uniform between 0 and 1, as in the paper.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(IndRNN(32).infer((sequence(None, 8),)))
        '[batch, ?, 32]'
    """

    gates: ClassVar[int] = 1
    remembered: ClassVar[int] = 1
    unused_settings: ClassVar[tuple[str, ...]] = ("layer_norm", "recurrent_bias")

    activation: Activation = Relu()
    recurrent_initializer: Initializer = Uniform(0.0, 1.0)

    @property
    def fused(self) -> bool:
        return False

    def layer_parameters(self, count: int) -> dict[str, Parameter]:
        found = super().layer_parameters(count)
        found["weight_hh"] = Parameter((self.units,), "weight", 1, 1, initializer="recurrent_initializer")
        found.pop("bias_hh", None)
        return found

    def step_flops(self, features: int) -> int:
        return 2 * self.units * features + 2 * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        # Two rectified units may both be dead, and then nothing that training draws can be seen.
        smooth = [(layer.replace(activation="tanh"), shapes) for layer, shapes in cls._examples()]
        return [(cls(4), (Sequence(steps=5, features=3),)), *smooth]
