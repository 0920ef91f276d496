"""Squeeze and excitation."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.squeeze_excite import SqueezeExcite
from lamina.network.plan import Node
from lamina.shapes import Sequence


@runs(SqueezeExcite)
class SqueezeExciteModule(ParametricModule):
    """A factor for each channel, from the mean over all positions."""

    activates: ClassVar[bool] = False
    reduce_weight: Tensor
    expand_weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._squeezed = activation_function(layer.activation)
        self._gate = activation_function(layer.gate)
        shape = node.input_shapes[0]
        self._axes = (1,) if isinstance(shape, Sequence) else tuple(range(2, len(shape.dims) + 1))

    def compute(self, x: Tensor) -> Tensor:
        squeezed = self._squeezed(F.linear(x.mean(self._axes), self.reduce_weight, self._parameters.get("reduce_bias")))
        factors = self._gate(F.linear(squeezed, self.expand_weight, self._parameters.get("expand_bias")))
        for axis in self._axes:
            factors = factors.unsqueeze(axis)
        return x * factors
