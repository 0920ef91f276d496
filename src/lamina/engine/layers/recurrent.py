"""Recurrent layers: torch's fused kernels for the usual activations, step by step for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.network.activations import Relu, Sigmoid
from lamina.network.layers.layer import Layer
from lamina.network.layers.recurrent import GRU, LSTM, Bidirectional, LastStep, Recurrent, SimpleRNN
from lamina.network.plan import Node

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
Weights = Sequence[Tensor]
"""``weight_ih, weight_hh`` and, if there are biases, ``bias_ih, bias_hh``."""


class Recurrence(nn.Module):
    """The arithmetic of a recurrent layer in one direction or both, without parameters of its own.

    Args:
        layer: Its description.
    """

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.units = layer.units
        self.kernel: Callable[..., Any] | None = _kernel(layer)
        self.cell = _CELLS[next(base for base in type(layer).__mro__ if base in _CELLS)]
        self.memories = 2 if isinstance(layer, LSTM) else 1
        self.activation = activation_function(layer.activation)
        self.gate = activation_function(getattr(layer, "recurrent_activation", Sigmoid()))

    def run(self, x: Tensor, *directions: Weights) -> tuple[Tensor, ...]:
        """Outputs ``[batch, steps, units]`` of each direction, all in the order of the steps.

        Args:
            x: ``[batch, steps, features]``.
            directions: Weights from the first step to the last and, if there are two, those for the way back.
        """
        if self.kernel is None:
            forward = self._loop(x, directions[0], range(x.shape[1]))
            if len(directions) == 1:
                return (forward,)
            return forward, self._loop(x, directions[1], range(x.shape[1] - 1, -1, -1))
        start = x.new_zeros(len(directions), x.shape[0], self.units)
        weights = [weight for direction in directions for weight in direction]
        # CUDA's kernel can go backward only in "training"; the flag changes nothing else, as there is no dropout inside.
        training = torch.is_grad_enabled()
        memory = (start, start) if self.memories == 2 else start
        biases, both, batch_first = len(directions[0]) == 4, len(directions) == 2, True
        y: Tensor = self.kernel(x, memory, weights, biases, 1, 0.0, training, both, batch_first)[0]
        return y.chunk(2, -1) if both else (y,)

    def _loop(self, x: Tensor, weights: Weights, order: range) -> Tensor:
        fed = F.linear(x, weights[0], weights[2] if len(weights) == 4 else None)
        recurrent, bias = weights[1], weights[3] if len(weights) == 4 else None
        memory = tuple(x.new_zeros(x.shape[0], self.units) for _ in range(self.memories))
        outputs: list[Tensor] = [memory[0]] * len(order)
        for step in order:
            memory = self.cell(self, fed[:, step], F.linear(memory[0], recurrent, bias), memory)
            outputs[step] = memory[0]
        return torch.stack(outputs, 1)


def _kernel(layer: Recurrent) -> Callable[..., Any] | None:
    if layer.fused:
        return torch.lstm if isinstance(layer, LSTM) else torch.gru if isinstance(layer, GRU) else torch.rnn_tanh
    return torch.rnn_relu if isinstance(layer, SimpleRNN) and isinstance(layer.activation, Relu) else None


Memory = tuple[Tensor, ...]
"""What passes from step to step; the output comes first."""


def _lstm(run: Recurrence, fed: Tensor, recurrent: Tensor, memory: Memory) -> Memory:
    i, f, g, o = (fed + recurrent).chunk(4, -1)
    c = run.gate(f) * memory[1] + run.gate(i) * run.activation(g)
    return run.gate(o) * run.activation(c), c


def _gru(run: Recurrence, fed: Tensor, recurrent: Tensor, memory: Memory) -> Memory:
    r, z, n = fed.chunk(3, -1)
    recurrent_r, recurrent_z, recurrent_n = recurrent.chunk(3, -1)
    update = run.gate(z + recurrent_z)
    new = run.activation(n + run.gate(r + recurrent_r) * recurrent_n)
    return ((1 - update) * new + update * memory[0],)


def _simple(run: Recurrence, fed: Tensor, recurrent: Tensor, memory: Memory) -> Memory:
    return (run.activation(fed + recurrent),)


_CELLS: dict[type[Layer], Callable[[Recurrence, Tensor, Tensor, Memory], Memory]] = {LSTM: _lstm, GRU: _gru, SimpleRNN: _simple}


class SequenceModule(ParametricModule):
    """What one and two directions share. The activation has its place inside the recurrence."""

    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer = self.settings
        self._recurrence = Recurrence(layer)
        self._sequences = layer.return_sequences

    @property
    def settings(self) -> Recurrent:
        layer: Any = self.node.layer
        found: Recurrent = layer
        return found

    def _weights(self, prefix: str = "") -> Weights:
        found = (self._parameters.get(prefix + name) for name in _NAMES)
        return [weight for weight in found if weight is not None]


@runs(LSTM, GRU, SimpleRNN)
class RecurrentModule(SequenceModule):
    """From the first step to the last."""

    def compute(self, x: Tensor) -> Tensor:
        (y,) = self._recurrence.run(x, self._weights())
        return y if self._sequences else y[:, -1]


_MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda forward, backward: torch.cat((forward, backward), -1),
    "sum": torch.add,
    "average": lambda forward, backward: (forward + backward) / 2,
    "multiply": torch.mul,
}


@runs(Bidirectional)
class BidirectionalModule(SequenceModule):
    """In both directions, merged."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._merge = _MERGES[layer.merge]

    @property
    def settings(self) -> Recurrent:
        layer: Any = self.node.layer
        found: Recurrent = layer.recurrent
        return found

    def compute(self, x: Tensor) -> Tensor:
        forward, backward = self._recurrence.run(x, self._weights("forward_"), self._weights("backward_"))
        # On its way back, the last step that a direction reads is the first.
        return self._merge(forward, backward) if self._sequences else self._merge(forward[:, -1], backward[:, 0])


@runs(LastStep)
class LastStepModule(LayerModule):
    """The last step."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]
