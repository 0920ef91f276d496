"""Vectors for whole numbers."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.errors import DataError
from lamina.network.layers.embedding import Embedding


@runs(Embedding)
class EmbeddingModule(ParametricModule):
    """A row of ``weight`` for each token."""

    weight: Tensor

    def compute(self, x: Tensor) -> Tensor:
        try:
            # Not weight[x]: the order in which that adds up gradients depends on the threads.
            y = F.embedding(x, self.weight)
        except IndexError:
            raise self._outside(x) from None
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias

    def _outside(self, x: Tensor) -> DataError:
        size = self.weight.shape[0]
        place: Any = ((x < 0) | (x >= size)).nonzero()[0].tolist()
        return DataError(
            "EN012",
            where=f"layer {self.node.name!r} (embedding), sample {place[0]}, step {place[1]} of the batch",
            expected=f"tokens from 0 to {size - 1}",
            got=str(int(x[tuple(place)])),
            cause="the data was made with another vocabulary than the network",
            fix=f"give the input the vocabulary of the data, or map tokens from {size} on to one that means unknown",
        )
