"""Convolutional LSTMs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.window import Windows
from lamina.network.layers.conv_lstm import ConvLSTM
from lamina.network.layers.layer import spatial_axes
from lamina.network.plan import Node
from lamina.shapes import Series

_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
Memory = tuple[Tensor, Tensor]
"""Hidden and cell, ``[batch, filters, ...]``."""


@runs(ConvLSTM)
class ConvLSTMModule(ParametricModule):
    """The input of all steps is convolved at once, the memory step by step."""

    weight_ih: Tensor
    weight_hh: Tensor
    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        shape = node.input_shapes[0]
        item = shape.item if isinstance(shape, Series) else shape
        self._sizes = tuple(size or 1 for size in spatial_axes(item))
        self._convolve = _CONVOLVE[layer.spatial]
        self._strides, self._dilations = layer.strides, layer.dilations
        self._padding = Windows(layer.window, layer.strides, layer.dilations, layer.paddings).padding(self._sizes)
        ones = (1,) * layer.spatial
        self._places = tuple(size or 1 for size in layer.slide(item))
        self._own_padding = Windows(layer.window, ones, ones, ("same",) * layer.spatial).padding(self._places)
        # Sequences within a series have their features last; convolutions want them first.
        self._last = layer.spatial == 1
        self._filters, self._reverse, self._sequences = layer.filters, layer.reverse, layer.return_sequences
        self._dropped = layer.recurrent_dropout
        self._cell, self._gate = activation_function(layer.activation), activation_function(layer.recurrent_activation)

    def compute(self, x: Tensor) -> Tensor:
        return self._read(x, None, self._start(x))[0]

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        y = self.noisily(lambda x: self._read(x, masks[0], self._start(x))[0], inputs)
        if self._sequences or not self._last:
            return y, masks[0] if self._sequences else None
        # What is left is one sequence, along whose own steps the layer convolves; all of them are real.
        return y, torch.ones(y.shape[:2], dtype=torch.bool, device=y.device)

    def start_state(self, batch: int) -> dict[str, Tensor]:
        hidden, cell = self._start(self.weight_hh.new_zeros(batch))
        return {"hidden": hidden, "cell": cell}

    def step(
        self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        if self._reverse:
            return super().step(inputs, masks, state)
        y, (hidden, cell) = self.noisily(lambda x: self._read(x, masks[0], (state["hidden"], state["cell"])), inputs)
        return y, masks[0] if self._sequences else None, {"hidden": hidden, "cell": cell}

    def _start(self, x: Tensor) -> Memory:
        zeros = x.new_zeros(len(x), self._filters, *self._places)
        return zeros, zeros

    def _read(self, x: Tensor, mask: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        if self._last:
            x = x.transpose(-1, -2)
        fed = self._input(x.flatten(0, 1)).unflatten(0, x.shape[:2])  # type: ignore[no-untyped-call]
        drop = F.dropout(torch.ones_like(memory[0]), self._dropped) if self.training and self._dropped else None
        order = range(x.shape[1] - 1, -1, -1) if self._reverse else range(x.shape[1])
        outputs: list[Tensor] = [memory[0]] * len(order)
        for step in order:
            new = self._step(fed[:, step], memory, drop)
            if mask is not None:
                real = mask[:, step].reshape(-1, *(1,) * (memory[0].dim() - 1))
                new = torch.where(real, new[0], memory[0]), torch.where(real, new[1], memory[1])
            memory = new
            outputs[step] = memory[0]
        y = torch.stack(outputs, 1) if self._sequences else memory[0]
        return (y.transpose(-1, -2) if self._last else y), memory

    def _step(self, fed: Tensor, memory: Memory, drop: Tensor | None) -> Memory:
        hidden, cell = memory
        seen = hidden if drop is None else hidden * drop
        if self._own_padding.before:
            seen = F.pad(seen, self._own_padding.before)
        weight = self._parameters["weight_hh"]
        i, f, g, o = (fed + self._convolve(seen, weight, None, 1, self._own_padding.both)).chunk(4, 1)
        cell = self._gate(f) * cell + self._gate(i) * self._cell(g)
        return self._gate(o) * self._cell(cell), cell

    def _input(self, x: Tensor) -> Tensor:
        if self._padding.before:
            x = F.pad(x, self._padding.before)
        parameters = self._parameters
        return self._convolve(x, parameters["weight_ih"], parameters.get("bias"), self._strides, self._padding.both, self._dilations)
