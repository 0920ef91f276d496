"""Capsules and the routing between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.convolution import ConvolutionModule
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.network.layers.capsules import Capsule, CapsuleStrength, PrimaryCapsules
from lamina.network.plan import Node

# Deeplearning4j's; keeps the gradient of a capsule of length 0 finite.
_LEAST = 1e-5


def squash(x: Tensor) -> Tensor:
    """Shorten capsules along the last axis to lengths below 1."""
    squared = x.square().sum(-1, keepdim=True)
    return x * (squared / ((1 + squared) * (squared + _LEAST).sqrt()))


@runs(PrimaryCapsules)
class PrimaryCapsulesModule(ConvolutionModule):
    """A convolution, grouped and squashed."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._dimension: int = layer.dimension
        self._places = layer.group == "places"

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        y = super().forward(x)
        if not self._places:
            y = y.permute(0, 2, 3, 1)
        return squash(y.reshape(len(y), -1, self._dimension))


@runs(Capsule)
class CapsuleModule(ParametricModule):
    """Votes, weighed by how well they agree with what they lead to."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._sizes = (layer.capsules, layer.dimension)
        self._routings: int = layer.routings

    def compute(self, x: Tensor) -> Tensor:
        # i: capsules below, j: capsules above, d and n: their numbers.
        weight = torch.unflatten(self.weight, 0, self._sizes)
        votes = torch.einsum("jdin,bin->bijd", weight, x)
        bias = self._parameters.get("bias")
        added = None if bias is None else torch.unflatten(bias, 0, self._sizes)
        trust = votes.new_zeros(votes.shape[:3])
        for _ in range(self._routings - 1):
            trust = trust + torch.einsum("bijd,bjd->bij", votes, self._weighed(votes, trust, added))
        return self._weighed(votes, trust, added)

    @staticmethod
    def _weighed(votes: Tensor, trust: Tensor, added: Tensor | None) -> Tensor:
        total = torch.einsum("bij,bijd->bjd", trust.softmax(2), votes)
        return squash(total if added is None else total + added)


@runs(CapsuleStrength)
class CapsuleStrengthModule(LayerModule):
    """Lengths."""

    def forward(self, x: Tensor) -> Tensor:
        length: Tensor = torch.linalg.vector_norm(x, dim=2)
        return length
