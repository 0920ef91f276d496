"""How recipes of random changes run: each image goes its own way through the changes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lamina.engine.layers.image import RandomImageModule
from lamina.engine.layers.layer import module_for, runs
from lamina.network.layers.image_augment import AugMix, RandAugment
from lamina.network.plan import Node


class AugmentingModule(RandomImageModule):
    """Holds the changes; subclasses write ``change``."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        shape = node.input_shapes[0]
        places = (*node.path, "changes")
        nodes = [
            Node(f"{node.name}/{change.type_name}", (*places, number), change, node.inputs, (shape,), shape)
            for number, change in enumerate(layer.changes(shape))
        ]
        self.changes = nn.ModuleList(module_for(inner) for inner in nodes)

    def changed(self, x: Tensor, choice: Tensor) -> Tensor:
        """Each image changed by the layer of its number; those with a number beyond the last stay."""
        found = x.clone()
        for number, change in enumerate(self.changes):
            rows = (choice == number).nonzero()[:, 0]
            if len(rows):
                found = found.index_put((rows,), change(x[rows]))
        return found


@runs(RandAugment)
class RandAugmentModule(AugmentingModule):
    """One change after the other."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        x = x.clamp(*layer.value_range)
        for _ in range(layer.count):
            x = self.changed(x, torch.randint(len(self.changes), (len(x),), device=x.device))
        return x


@runs(AugMix)
class AugMixModule(AugmentingModule):
    """Chains of changes, blended."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        x = x.clamp(*layer.value_range)
        weights = dirichlet(x, layer.alpha, layer.chains)
        blend = torch.zeros_like(x)
        for chain in range(layer.chains):
            version = x
            for _ in range(layer.depth):
                version = self.changed(version, torch.randint(len(self.changes) + 1, (len(x),), device=x.device))
            blend = blend + weights[:, chain, None, None, None] * version
        # Of two parts that a Dirichlet distribution makes, each has a Beta distribution.
        own = dirichlet(x, layer.alpha, 2)[:, :1, None, None]
        return (own * x + (1 - own) * blend).clamp(*layer.value_range)


def dirichlet(x: Tensor, alpha: float, parts: int) -> Tensor:
    """For each image so many weights that add up to 1, ``[batch, parts]``."""
    concentration = torch.full((len(x), parts), alpha, dtype=x.dtype, device=x.device)
    return torch.distributions.Dirichlet(concentration, validate_args=False).sample()
