"""How the output for classes in an order runs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import runs
from lamina.engine.layers.output import OutputModule
from lamina.network.layers.ordinal import OrdinalOutput


@runs(OrdinalOutput)
class OrdinalModule(OutputModule):
    """Gives the logarithms of the classes' probabilities."""

    borders: Tensor

    def compute(self, x: Tensor) -> Tensor:
        gaps = F.softplus(self.borders[1:])
        border = torch.cat([self.borders[:1], self.borders[:1] + gaps.cumsum(0)])
        place = border - F.linear(x, self.weight)
        below, above = F.logsigmoid(place), F.logsigmoid(-place)
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which keeps its digits far from the borders.
        between = below[..., 1:] + above[..., :-1] + torch.log(-torch.expm1(-gaps))
        return torch.cat([below[..., :1], between, above[..., -1:]], -1)
