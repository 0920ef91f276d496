"""Loops and conditions, each sample by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.container import ContainerModule
from lamina.engine.layers.layer import runs
from lamina.network.layers.control import Conditional, Loop
from lamina.network.plan import Node


@runs(Loop)
class LoopModule(ContainerModule):
    """While the condition holds, each sample by itself."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._times = int(layer.times)

    def forward(self, x: Tensor) -> Tensor:
        self.penalty = None
        going = torch.ones(len(x), dtype=torch.bool, device=x.device)
        for _ in range(self._times):
            going = going & (self.ask("condition/", x, chosen=going)[:, 0] > 0)
            if not bool(going.any()):
                break
            x = torch.where(_like(going, x), self.ask("", x, chosen=going), x)
        return x


@runs(Conditional)
class ConditionalModule(ContainerModule):
    """Both ways, and each sample takes its own."""

    def forward(self, x: Tensor) -> Tensor:
        self.penalty = None
        holds = self.ask("condition/", x)[:, 0] > 0
        then = self.ask("then/", x, chosen=holds)
        otherwise = self.ask("otherwise/", x, chosen=~holds) if "otherwise/" in self._parts else x
        return torch.where(_like(holds, then), then, otherwise)


def _like(chosen: Tensor, x: Tensor) -> Tensor:
    return chosen.reshape(-1, *(1 for _ in range(x.dim() - 1)))
