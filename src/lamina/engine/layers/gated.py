"""What the further recurrent layers do in one step."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.cells import Cell, Memory, Weights, steps_of
from lamina.network.layers.gated import IndRNN, MinimalGatedUnit


@steps_of(MinimalGatedUnit)
class MinimalGatedCell(Cell):
    """Gate, candidate."""

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        f, n = fed.chunk(2, -1)
        weight_f, weight_n = weights["weight_hh"].chunk(2)
        bias = weights.get("bias_hh")
        bias_f, bias_n = (None, None) if bias is None else bias.chunk(2)
        gate = self.gate(f + F.linear(seen, weight_f, bias_f))
        new = self.activation(n + F.linear(gate * seen, weight_n, bias_n))
        return ((1 - gate) * memory[0] + gate * new,)


@steps_of(IndRNN)
class IndependentCell(Cell):
    """Each unit sees itself only."""

    def step(self, fed: Tensor, seen: Tensor, memory: Memory, weights: Weights) -> Memory:
        return (self.activation(fed + weights["weight_hh"] * seen),)
