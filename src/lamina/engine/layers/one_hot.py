"""Tokens as numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.embedding import outside_vocabulary
from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.embedding import vocabulary_of
from lamina.network.layers.one_hot import OneHot
from lamina.network.plan import Node


@runs(OneHot)
class OneHotModule(LayerModule):
    """Its buffer, which is nothing that is kept, says in which dtype and where the network computes."""

    _numbers: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._encode = str(layer.encode)
        self._size = vocabulary_of(node.input_shapes[0])
        self.register_buffer("_numbers", torch.zeros(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self._encoded(x, None)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        return self._encoded(inputs[0], masks[0]), masks[0] if self._encode == "steps" else None

    def _encoded(self, x: Tensor, mask: Tensor | None) -> Tensor:
        given = x if mask is None else x.masked_fill(~mask, 0)
        if given.device.type == "cpu" and bool(((given < 0) | (given >= self._size)).any()):
            raise outside_vocabulary(given, self._size, self.node)
        marks = self._numbers.new_zeros((*given.shape, self._size)).scatter_(2, given.long()[:, :, None], 1.0)
        if mask is not None:
            marks = marks * mask[:, :, None]
        if self._encode == "steps":
            return marks
        return marks.amax(1) if self._encode == "any" else marks.sum(1)
