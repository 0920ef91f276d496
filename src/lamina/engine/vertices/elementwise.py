"""Inputs joined number by number."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.vertices.elementwise import Add, Average, Max, Min, Multiply, Subtract


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


@runs(Min)
class MinModule(LayerModule):
    """Smallest."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = torch.minimum(first, other)
        return first
