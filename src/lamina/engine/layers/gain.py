"""Factors for features."""

from __future__ import annotations

from torch import Tensor

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.gain import ElementwiseMultiplication
from lamina.network.plan import Node
from lamina.shapes import Image, Volume


@runs(ElementwiseMultiplication)
class ElementwiseMultiplicationModule(ParametricModule):
    """Features are the last axis; channels of images and volumes stand in front."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        shape, layer = node.input_shapes[0], node.layer
        self._own = isinstance(layer, ElementwiseMultiplication) and layer.shared == "none"
        self._behind = len(shape.dims) - 1 if isinstance(shape, Image | Volume) else 0

    def compute(self, x: Tensor) -> Tensor:
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        y = x if weight is None else x * self._spread(weight)
        return y if bias is None else y + self._spread(bias)

    def _spread(self, values: Tensor) -> Tensor:
        return values if self._own else values.reshape(-1, *(1,) * self._behind)
