"""What recurrent layers do in one step, for those that torch has no kernel for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.network.activations import Sigmoid
from lamina.network.layers.layer import Layer
from lamina.network.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN

Memory = tuple[Tensor, ...]
"""What passes from step to step; the output comes first."""
Weights = Mapping[str, Tensor]
"""The parameters of one layer in one direction, by their plain names."""


class Cell:
    """One step of a recurrent layer.

    Args:
        layer: Its description.
    """

    memories: ClassVar[int] = 1
    """Parts of the memory."""

    def __init__(self, layer: Any) -> None:
        self.units: int = layer.units
        self.normalized: bool = layer.layer_norm
        self.epsilon: float = layer.epsilon
        self.activation = activation_function(layer.activation)
        self.gate = activation_function(getattr(layer, "recurrent_activation", Sigmoid()))

    def feed(self, x: Tensor, weights: Weights) -> Tensor:
        """What depends on the input alone, for all steps at once: ``[batch, steps, gates * units]``."""
        return self.product(x, weights, "ih")

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        """The memory after a step.

        Args:
            fed: This step of what `feed` gave.
            seen: The output before, as the weights see it: with noise in training.
            memory: The memory before.
            weights: The parameters.
        """
        raise NotImplementedError(type(self).__name__)

    def product(self, x: Tensor, weights: Weights, end: str) -> Tensor:
        """``W x + b`` with the weights of the input (``ih``) or of the memory (``hh``), normalised if the layer says so."""
        if not self.normalized:
            return F.linear(x, weights[f"weight_{end}"], weights.get(f"bias_{end}"))
        y = F.linear(x, weights[f"weight_{end}"])
        return F.layer_norm(y, y.shape[-1:], weights[f"gain_{end}"], weights.get(f"bias_{end}"), self.epsilon)


_CELLS: dict[type[Layer], type[Cell]] = {}
C = TypeVar("C", bound=type[Cell])


def steps_of(layer: type[Recurrent]) -> Callable[[C], C]:
    """Class decorator: this cell does the steps of this layer."""

    def enter(cell: C) -> C:
        _CELLS[layer] = cell
        return cell

    return enter


def cell_of(layer: Recurrent) -> Cell:
    """The cell of a layer, or of the layer that it is a kind of."""
    return next(_CELLS[base] for base in type(layer).__mro__ if base in _CELLS)(layer)


@steps_of(LSTM)
class LSTMCell(Cell):
    """Input, forget, candidate, output; with peepholes, gates see the cell too."""

    memories = 2

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        i, f, g, o = (fed + self.product(seen, weights, "hh")).chunk(4, -1)
        before, holes = memory[1], weights.get("peephole")
        if holes is not None:
            hole_i, hole_f, hole_o = holes.chunk(3)
            i, f = i + hole_i * before, f + hole_f * before
        cell = self.gate(f) * before + self.gate(i) * self.activation(g)
        if holes is not None:
            o = o + hole_o * cell
        shown = F.layer_norm(cell, cell.shape[-1:], weights["gain_cell"], weights["bias_cell"], self.epsilon) if self.normalized else cell
        hidden = self.gate(o) * self.activation(shown)
        projection = weights.get("weight_hr")
        return hidden if projection is None else F.linear(hidden, projection), cell


@steps_of(GRU)
class GRUCell(Cell):
    """Reset, update, candidate."""

    def __init__(self, layer: GRU) -> None:
        super().__init__(layer)
        self.after = layer.reset_after

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        r, z, n = fed.chunk(3, -1)
        if self.after:
            recurrent_r, recurrent_z, recurrent_n = self.product(seen, weights, "hh").chunk(3, -1)
            update = self.gate(z + recurrent_z)
            new = self.activation(n + self.gate(r + recurrent_r) * recurrent_n)
        else:
            weight, bias = weights["weight_hh"], weights.get("bias_hh")
            two = 2 * self.units
            gates = self.gate(fed[..., :two] + F.linear(seen, weight[:two], None if bias is None else bias[:two]))
            reset, update = gates.chunk(2, -1)
            new = self.activation(n + F.linear(reset * seen, weight[two:], None if bias is None else bias[two:]))
        return ((1 - update) * new + update * memory[0],)


@steps_of(SimpleRNN)
class SimpleCell(Cell):
    """One product, one activation."""

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        return (self.activation(fed + self.product(seen, weights, "hh")),)


def run_steps(
    cell: Cell, x: Tensor, weights: Weights, memory: Memory, *, mask: Tensor | None = None, drop: Tensor | None = None
) -> tuple[Tensor, Memory]:
    """All steps of one layer, one after another.

    Args:
        cell: What a step does.
        x: ``[batch, steps, features]``.
        weights: The parameters.
        memory: The memory to start with, each part ``[batch, size]``.
        mask: Where it is false the memory stays as it was.
        drop: Factors ``[batch, size]`` of the output before, as the weights see it.

    Returns:
        Outputs of all steps, and the memory after the last.
    """
    outputs: list[Tensor] = []
    for number, fed in enumerate(cell.feed(x, weights).unbind(1)):
        seen = memory[0] if drop is None else memory[0] * drop
        new = cell.step(fed, seen, memory, weights)
        if mask is not None:
            real = mask[:, number, None]
            new = tuple(torch.where(real, after, before) for after, before in zip(new, memory, strict=True))
        memory = new
        outputs.append(memory[0])
    return torch.stack(outputs, 1), memory
