"""The step that stands for the whole sequence."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.network.layers.token import ClassToken, FirstStep


@runs(ClassToken)
class ClassTokenModule(ParametricModule):
    """The vector, then the steps."""

    weight: Tensor

    def compute(self, x: Tensor) -> Tensor:
        token = self.weight.to(x.dtype).expand(x.shape[0], 1, -1)
        return torch.cat([token, x], dim=1)


@runs(FirstStep)
class FirstStepModule(LayerModule):
    """The first step; of padded sequences the default way finds the first real one."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]
