"""How the output that uses another layer's weights runs."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.layers.layer import runs
from lamina.engine.layers.output import OutputModule
from lamina.network.layers.tied import TiedOutput
from lamina.network.plan import Node


@runs(TiedOutput)
class TiedModule(OutputModule):
    """`OutputModule`, whose weight the network puts in the place of this one."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.register_parameter("weight", nn.Parameter(torch.zeros(node.borrowed["weight"].shape)))
