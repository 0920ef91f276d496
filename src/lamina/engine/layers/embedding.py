"""Vectors for whole numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.errors import DataError
from lamina.network.layers.embedding import Embedding
from lamina.network.plan import Node


@runs(Embedding)
class EmbeddingModule(ParametricModule):
    """A row of ``weight`` for each token."""

    weight: Tensor

    def initialize(self, seed: int) -> None:
        super().initialize(seed)
        layer: Any = self.node.layer
        known = {token: row for token, row in enumerate(layer.vectors or ()) if row is not None}
        if known:
            with torch.no_grad():
                rows = torch.tensor(list(known.values()), dtype=torch.float64)
                self.weight[torch.tensor(list(known))] = rows.to(self.weight.dtype)

    def compute(self, x: Tensor) -> Tensor:
        y = vectors_of(x, self.weight, self.node)
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        return self.forward(*inputs), self.real(inputs[0], masks[0])

    def real(self, x: Tensor, mask: Tensor | None) -> Tensor | None:
        """Which steps are real: those that came as such, and have another token than the one that fills up."""
        layer: Any = self.node.layer
        if layer.mask_token is None:
            return mask
        found: Tensor = x != layer.mask_token
        return found if mask is None else found & mask


def vectors_of(x: Tensor, weight: Tensor, node: Node) -> Tensor:
    """A row of the weight for each token.

    Raises:
        DataError: EN012, for a token that has none.
    """
    try:
        # Not weight[x]: the order in which that adds up gradients depends on the threads.
        return F.embedding(x, weight)
    except IndexError:
        raise outside_vocabulary(x, len(weight), node) from None


def outside_vocabulary(x: Tensor, size: int, node: Node) -> DataError:
    """The error for tokens of which one is below 0, or not below ``size``."""
    place: Any = ((x < 0) | (x >= size)).nonzero()[0].tolist()
    return DataError(
        "EN012",
        where=f"layer {node.name!r} ({node.layer.type_name}), sample {place[0]}, step {place[1]} of the batch",
        expected=f"tokens from 0 to {size - 1}",
        got=str(int(x[tuple(place)])),
        cause="the data was made with another vocabulary than the network",
        fix=f"give the input the vocabulary of the data, or map tokens from {size} on to one that means unknown",
    )
