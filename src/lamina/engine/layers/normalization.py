"""Normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.packing import only
from lamina.errors import TrainingError
from lamina.network.layers.normalization import BatchNorm, LayerNorm
from lamina.network.plan import Node
from lamina.shapes import Image, Sequence, Volume


@runs(BatchNorm)
class BatchNormModule(ParametricModule):
    """By the batch in training, by the running statistics otherwise."""

    running_mean: Tensor
    running_var: Tensor
    weight_of_batches: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._momentum, self._epsilon = float(layer.momentum), float(layer.epsilon)
        self._steps = isinstance(node.input_shapes[0], Sequence)
        self._frozen, self._biased = bool(layer.frozen), layer.variance == "biased"
        self._all = layer.statistics == "all"
        self.running_var.fill_(1.0)

    def compute(self, x: Tensor) -> Tensor:
        if self._steps:
            # Steps count as samples: torch takes features from axis 1.
            return self._normalize(x.flatten(0, 1)).reshape(x.shape)
        return self._normalize(x)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        return self.activated(self.noisily(lambda x: self._real(x, mask), inputs)), mask

    def _real(self, x: Tensor, mask: Tensor) -> Tensor:
        """The real steps only, all samples' together; the others are 0."""
        if not bool(mask.any()):
            return torch.zeros_like(x)
        return torch.zeros_like(x).masked_scatter(mask[:, :, None], self._normalize(x[mask]))

    def _normalize(self, x: Tensor) -> Tensor:
        # Frozen means what it knows of the data too.
        training = self.training and not self._frozen
        if training and x.numel() <= x.shape[1]:
            raise self._too_few()
        parameters = self._parameters
        weight, bias = parameters.get("weight"), parameters.get("bias")
        biased = training and self._biased
        if training and self._all:
            return self._over_all(x, weight, bias)
        # The backward pass keeps the variance it was given, which must not change then.
        var = self.running_var.clone() if biased else self.running_var
        y = torch.batch_norm(x, weight, bias, self.running_mean, var, training, self._momentum, self._epsilon, torch.backends.cudnn.enabled)
        if biased:
            count, before = x.numel() // x.shape[1], self.running_var * (1 - self._momentum)
            self.running_var.copy_(before + (var - before) * ((count - 1) / count))
        return y

    def _over_all(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        """Normalise by the batch, and let it count among all batches so far."""
        # With a momentum of 1 torch writes what the batch itself has.
        mean, var = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
        y = torch.batch_norm(x, weight, bias, mean, var, True, 1.0, self._epsilon, torch.backends.cudnn.enabled)  # noqa: FBT003
        if self._biased:
            count = x.numel() // x.shape[1]
            var = var * ((count - 1) / count)
        total = self.weight_of_batches
        total.mul_(1 - self._momentum).add_(1.0)
        self.running_mean.lerp_(mean, 1 / total)
        self.running_var.lerp_(var, 1 / total)
        return y

    def _too_few(self) -> TrainingError:
        return TrainingError(
            "EN009",
            where=f"layer {self.node.name!r} (batch_norm)",
            expected="at least two values of each feature in a training batch",
            got="one",
            cause="a batch of one sample has no variance; the last batch of an epoch may be that small",
            fix="choose a batch_size that leaves no last batch of 1, set drop_last, or use layer_norm",
        )


@runs(LayerNorm)
class LayerNormModule(ParametricModule):
    """Each sample by itself."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        shape = node.input_shapes[0]
        self._epsilon = float(layer.epsilon)
        self._whole = layer.over == "sample"
        self._channels_second = not self._whole and isinstance(shape, Image | Volume)
        sizes = shape.dims if self._whole else (shape.dims[0] if self._channels_second else shape.dims[-1],)
        self._sizes = [size or 1 for size in sizes]

    def compute(self, x: Tensor) -> Tensor:
        parameters = self._parameters
        weight, bias = parameters.get("weight"), parameters.get("bias")
        if self._channels_second:
            return F.layer_norm(x.movedim(1, -1), self._sizes, weight, bias, self._epsilon).movedim(-1, 1)
        return F.layer_norm(x, self._sizes, weight, bias, self._epsilon)
