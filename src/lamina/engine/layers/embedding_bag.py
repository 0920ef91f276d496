"""One vector for all tokens of a sample."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.embedding import vectors_of
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.packing import only
from lamina.network.layers.embedding_bag import EmbeddingBag
from lamina.network.plan import Node


@runs(EmbeddingBag)
class EmbeddingBagModule(ParametricModule):
    """Vectors, then what is left of them."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._combine = str(layer.combine)

    def compute(self, x: Tensor) -> Tensor:
        return self._combined(x, torch.ones_like(x, dtype=torch.bool))

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        return self.activated(self.noisily(lambda x: self._combined(x.masked_fill(~mask, 0), mask), inputs)), None

    def _combined(self, x: Tensor, mask: Tensor) -> Tensor:
        vectors = vectors_of(x, self.weight, self.node)
        if self._combine == "max":
            largest = vectors.masked_fill(~mask[:, :, None], -math.inf).amax(1)
            return largest.masked_fill(~mask.any(1, keepdim=True), 0.0)
        total = vectors.masked_fill(~mask[:, :, None], 0.0).sum(1)
        return total if self._combine == "sum" else total / mask.sum(1, keepdim=True).clamp(min=1)
