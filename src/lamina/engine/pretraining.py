"""One layer of a network as something that can be trained by itself, on what the layers below it give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.engine.masks import Masks
from lamina.engine.network import NetworkModule
from lamina.engine.runnable import Inputs, Network
from lamina.errors import TrainingError


@torch.no_grad()
def incoming(network: NetworkModule, name: str, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> Tensor:
    """What comes into a layer that learns without targets, ``[batch, n]``, without gradients."""
    ((x,), _) = network.feeds(name, inputs, masks)
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class Stage(Network):
    """A layer in pretraining: the loss is its own, the layers below compute as at prediction, and only it learns.

    It shares the layer with the network; what it keeps is the whole network.

    Args:
        network: The network, which goes into evaluation mode.
        name: The layer.

    Raises:
        TrainingError: TR121, if the layer's module can't be trained without targets.
    """

    pretraining = True

    def __init__(self, network: NetworkModule, name: str) -> None:
        super().__init__(network.input_shapes, (), {})
        found = next((module for module in network.modules_of_nodes if module.node.name == name), None)
        if not isinstance(found, PretrainableModule):
            raise TrainingError(
                "TR121",
                where=f"layer {name!r}",
                expected="a layer run by a PretrainableModule",
                got=type(found).__name__,
                cause="its description is one of a Pretrainable layer, but what runs it has no pretrain_loss",
                fix="derive the module from lamina.engine.layers.pretrainable.PretrainableModule",
            )
        network.eval()
        self.layer = found
        # Training with targets leaves some of these alone, and had taken their gradients away.
        found.requires_grad_(requires_grad=True)
        # In a tuple, so that the rest of the network is no part of what is trained.
        self._network = (network,)

    def incoming(self, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> Tensor:
        """What comes into the layer, ``[batch, n]``, without gradients."""
        return incoming(self._network[0], self.layer.node.name, inputs, masks)

    def loss(
        self, inputs: Inputs, targets: Tensor | Mapping[str, Tensor], weight: Tensor | None = None, masks: Masks | None = None
    ) -> Tensor:
        values = self.layer.pretrain_loss(self.incoming(inputs, None if masks is None else masks.inputs))
        if weight is None:
            return values.mean()
        weight = weight.to(values.dtype)
        return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)

    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        return ()

    def activations(self, inputs: Inputs) -> dict[str, Tensor]:
        """What comes into the layer and what comes out of it."""
        x = self.incoming(inputs)
        return {f"{self.layer.node.name}, input": x, self.layer.node.name: self.layer(x)}

    def tensors(self) -> dict[str, Tensor]:
        """Of the layer alone, for those who watch it."""
        return {f"{self.layer.node.name}/{name}": tensor for name, tensor in self.layer.tensors().items()}

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Of the whole network, for those who keep it."""
        return self._network[0].named_arrays()

    def load_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._network[0].load_arrays(arrays)

    def all_modules(self) -> list[tuple[str, LayerModule]]:
        return [(self.layer.node.name, self.layer)]
