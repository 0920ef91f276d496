"""Variational autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import ActivationFunction, activation_function
from lamina.engine.layers.layer import runs
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.engine.reconstructions import reconstructor
from lamina.network.layers.layer import elements
from lamina.network.layers.variational import VariationalAutoencoder
from lamina.network.plan import Node


@runs(VariationalAutoencoder)
class VariationalModule(PretrainableModule):
    """Encoder and decoder; as a layer the encoder's mean."""

    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer = node.layer
        if not isinstance(layer, VariationalAutoencoder):
            raise TypeError(layer)
        self._layer = layer
        self._hidden: ActivationFunction = activation_function(layer.activation)
        self._latent: ActivationFunction = activation_function(layer.latent_activation)
        self.reconstruction = reconstructor(layer.reconstruction, elements(node.input_shapes[0]))

    def compute(self, x: Tensor) -> Tensor:
        return self._latent(self._part("mean", self._encoded(x)))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the code, ``[batch, units]`` each."""
        hidden = self._encoded(x)
        return self._latent(self._part("mean", hidden)), self._latent(self._part("log_variance", hidden))

    def decode(self, code: Tensor) -> Tensor:
        """The scores of the reconstruction, ``[batch, scores]``."""
        for number in range(len(self._layer.decoder)):
            code = self._hidden(self._part(f"decoder_{number}", code))
        return self._part("reconstruction", code)

    def draw(self, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
        """Codes from their distribution and standard normal numbers, ``[draws, batch, units]``."""
        return mean + torch.exp(0.5 * log_variance) * noise

    def costs(self, x: Tensor, code: Tensor) -> Tensor:
        """``-log p(x | z)``, or the loss, of each draw of the code: ``[draws, batch]``.

        Args:
            x: Samples, ``[batch, n]``.
            code: ``[draws, batch, units]``.
        """
        return self.reconstruction.cost(self.decode(code.flatten(0, 1)), x.repeat(len(code), 1)).reshape(code.shape[:2])

    def importance(self, x: Tensor, noise: Tensor) -> Tensor:
        """``log p(x, z) - log q(z | x)`` of draws of the code, ``[draws, batch]``.

        The logarithm of the mean of their exponentials approaches ``log p(x)`` (Burda et al. 2016); their mean is the bound.
        """
        mean, log_variance = self.encode(x)
        code = self.draw(mean, log_variance, noise)
        return 0.5 * (noise.square() + log_variance - code.square()).sum(-1) - self.costs(x, code)

    def pretrain_loss(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encode(x)
        noise = torch.randn(self._layer.samples, *mean.shape, dtype=mean.dtype, device=mean.device)
        cost = self.costs(x, self.draw(mean, log_variance, noise)).mean(0)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(-1)
        return cost + self._layer.kl_weight * divergence

    def wrong_inputs(self, x: Tensor) -> Tensor | None:
        return self.reconstruction.wrong(x)

    @property
    def input_rule(self) -> str:
        return f"what a {self._layer.reconstruction.type_name} reconstruction can give ({self._layer.reconstruction.rule})"

    @property
    def remedy(self) -> str:
        return f"write reconstruction: gaussian in {self.node.name!r}, or scale the data to 0 ... 1 (normalizer: min_max)"

    def _encoded(self, x: Tensor) -> Tensor:
        for number in range(len(self._layer.encoder)):
            x = self._hidden(self._part(f"encoder_{number}", x))
        return x

    def _part(self, name: str, x: Tensor) -> Tensor:
        # Looked up anew each time: weight noise puts noisy copies under these names.
        parameters = self._parameters
        weight = parameters[f"{name}_weight"]
        if weight is None:
            raise KeyError(name)
        return F.linear(x, weight, parameters[f"{name}_bias"])
