"""How the output that learns what is usual runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import runs
from lamina.engine.layers.output import OutputModule
from lamina.network.layers.one_class import OneClassOutput
from lamina.network.plan import Node


@runs(OneClassOutput)
class OneClassModule(OutputModule):
    """Two products without biases, less the radius, which training moves."""

    projection: Tensor
    radius: Tensor
    recent: Tensor
    filled: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._hidden = activation_function(layer.hidden_activation)
        self._nu = float(layer.nu)
        self.radius.fill_(layer.initial_radius)

    def compute(self, x: Tensor) -> Tensor:
        values = F.linear(self._hidden(F.linear(x, self.weight)), self.projection)
        scores = values - self.radius
        if self.training:
            # A new tensor: autograd may still need the one that was subtracted.
            self.radius = self._followed(values.detach().flatten())
        return scores

    def _followed(self, values: Tensor) -> Tensor:
        """The quantile of the last values, which stand at the end of ``recent``."""
        size = self.recent.shape[0]
        self.recent = torch.cat([self.recent, values.to(self.recent.dtype)])[-size:]
        self.filled = (self.filled + len(values)).clamp_max(size)
        unknown = torch.arange(size, device=values.device) < size - self.filled
        ranked = self.recent.masked_fill(unknown, torch.inf).sort().values
        place = self._nu * (self.filled - 1)
        low = place.floor().long()
        below, above = ranked[low], ranked[torch.minimum(low + 1, self.filled.long() - 1)]
        return torch.lerp(below, above, (place - low).to(below.dtype))
