"""Denoising autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import runs
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.engine.losses import loss_function
from lamina.network.layers.autoencoder import AutoEncoder
from lamina.network.plan import Node


@runs(AutoEncoder)
class AutoEncoderModule(PretrainableModule):
    """``x W^T + b``; in pretraining also back, by ``W``."""

    weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer = node.layer
        if not isinstance(layer, AutoEncoder):
            raise TypeError(layer)
        decoded = layer.decoder_activation or layer.loss.natural()
        self._layer = layer
        self._loss = loss_function(layer.loss, decoded)
        self._decoded = activation_function(decoded)

    def compute(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self._parameters.get("bias"))

    def encode(self, x: Tensor) -> Tensor:
        """The code, ``[batch, units]``, without any noise."""
        y = self.compute(x)
        return y if self._activation is None else self._activation(y)

    def decode(self, code: Tensor) -> Tensor:
        """The scores of what comes back, ``[batch, n]``."""
        return F.linear(code, self.weight.t(), self._parameters.get("visible_bias"))

    def reconstruct(self, x: Tensor) -> Tensor:
        """What comes back of an input that nothing was wiped out of."""
        return self._decoded(self.decode(self.encode(x)))

    def error(self, x: Tensor) -> Tensor:
        """The loss of each sample, ``[batch]``, where nothing was wiped out."""
        return self._loss.per_sample(self.decode(self.encode(x)), x)

    def pretrain_loss(self, x: Tensor) -> Tensor:
        layer = self._layer
        # Not dropout: what stays is not made larger.
        seen = x * (torch.rand_like(x) >= layer.corruption) if layer.corruption else x
        code = self.encode(seen)
        loss = self._loss.per_sample(self.decode(code), x)
        if layer.sparsity is None:
            return loss
        return loss + layer.sparsity_weight * _divergence(layer.sparsity, code.mean(0)).mean()

    def wrong_inputs(self, x: Tensor) -> Tensor | None:
        if self._layer.loss.target == "binary":
            return (x < 0) | (x > 1)
        found: Tensor | None = self._layer.loss.wrong_targets(x)
        return found

    @property
    def input_rule(self) -> str:
        loss = self._layer.loss
        return "values from 0 to 1" if loss.target == "binary" else loss.target_rule

    @property
    def remedy(self) -> str:
        return f"write loss: mse in {self.node.name!r}, scale the data to 0 ... 1, or give the layer below an activation such as sigmoid"


def _divergence(wanted: float, mean: Tensor) -> Tensor:
    """``KL(wanted || mean)`` of two coins, for each unit."""
    mean = mean.clamp(1e-6, 1 - 1e-6)
    return wanted * (wanted / mean).log() + (1 - wanted) * ((1 - wanted) / (1 - mean)).log()
