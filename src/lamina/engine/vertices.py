"""How vertices run: layers of several inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.plan import Node
from lamina.network.vertices import Add, Average, Concat, Max, Multiply, Scale, Subtract


@runs(Add)
class AddModule(LayerModule):
    """Sum."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first


@runs(Subtract)
class SubtractModule(LayerModule):
    """Difference."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first - second


@runs(Multiply)
class MultiplyModule(LayerModule):
    """Product."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first * other
        return first


@runs(Average)
class AverageModule(AddModule):
    """Mean."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        return super().forward(first, *others) / (1 + len(others))


@runs(Max)
class MaxModule(LayerModule):
    """Largest."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = torch.maximum(first, other)
        return first


@runs(Concat)
class ConcatModule(LayerModule):
    """Side by side."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._axis = 1 + int(layer.axis_of(node.input_shapes[0]))

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self._axis)


@runs(Scale)
class ScaleModule(LayerModule):
    """``factor * x + offset``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._factor, self._offset = float(layer.factor), float(layer.offset)

    def forward(self, x: Tensor) -> Tensor:
        y = x * self._factor
        return y if self._offset == 0.0 else y + self._offset
