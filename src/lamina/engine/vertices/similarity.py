"""Similarities and distances."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.plan import Node
from lamina.network.vertices.similarity import CosineSimilarity, L2Distance, L2Normalize, PairwiseDistance
from lamina.shapes import Image, Volume


class VectorModule(LayerModule):
    """What these share: they work along the axis of the vectors, `axis`, of what `vectors` gives."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        shape = node.input_shapes[0]
        self._whole = layer.over == "sample" and len(shape.dims) > 1
        self.axis = 1 if self._whole or isinstance(shape, Image | Volume) else len(shape.dims)

    def vectors(self, x: Tensor) -> Tensor:
        """The input with each vector along `axis`."""
        return x.flatten(1) if self._whole else x


@runs(CosineSimilarity)
class CosineSimilarityModule(VectorModule):
    """The cosine of the angle between them."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._epsilon = float(layer.epsilon)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cosine_similarity(self.vectors(x), self.vectors(y), self.axis, self._epsilon).unsqueeze(self.axis)


@runs(L2Distance)
class L2DistanceModule(VectorModule):
    """How far they are from each other; torch's norm has the gradient 0 at 0."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        distance: Tensor = torch.linalg.vector_norm(self.vectors(x) - self.vectors(y), dim=self.axis, keepdim=True)
        return distance


@runs(PairwiseDistance)
class PairwiseDistanceModule(VectorModule):
    """The same in another norm."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._p, self._epsilon = float(layer.p), float(layer.epsilon)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        between = self.vectors(x) - self.vectors(y) + self._epsilon
        distance: Tensor = torch.linalg.vector_norm(between, self._p, dim=self.axis, keepdim=True)
        return distance


@runs(L2Normalize)
class L2NormalizeModule(VectorModule):
    """Divided by its length."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._epsilon = float(layer.epsilon)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.vectors(x), 2.0, self.axis, self._epsilon).reshape(x.shape)
