"""Normalisation of channels, each sample by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.packing import only
from lamina.network.layers.group_norm import GroupNorm, InstanceNorm
from lamina.network.plan import Node
from lamina.shapes import Sequence


class SampleNormModule(ParametricModule):
    """What these share: the mean and variance of groups of channels over the positions of a sample, real ones only.

    Torch takes channels from axis 1; sequences have them last.
    """

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._epsilon = float(layer.epsilon)
        self._steps = isinstance(node.input_shapes[0], Sequence)

    def compute(self, x: Tensor) -> Tensor:
        return self.normalized(x.mT).mT if self._steps else self.normalized(x)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        return self.activated(self.noisily(lambda x: self.affine(self.masked(x, mask)), inputs)), mask

    def normalized(self, x: Tensor) -> Tensor:
        """The whole of ``x [batch, channels, ...]``, scaled and shifted."""
        raise NotImplementedError

    def masked(self, x: Tensor, mask: Tensor) -> Tensor:
        """The real steps of ``x [batch, steps, features]``, neither scaled nor shifted."""
        raise NotImplementedError

    def affine(self, x: Tensor) -> Tensor:
        """Scaled and shifted, features last."""
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        x = x if weight is None else x * weight
        return x if bias is None else x + bias


@runs(GroupNorm)
class GroupNormModule(SampleNormModule):
    """Each group of channels."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._groups = int(layer.groups)

    def normalized(self, x: Tensor) -> Tensor:
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        if weight is not None or bias is None:
            return F.group_norm(x, self._groups, weight, bias, self._epsilon)
        # Torch has no gradient of a bias without a weight.
        return F.group_norm(x, self._groups, None, None, self._epsilon) + bias.reshape(-1, *(1,) * (x.dim() - 2))

    def masked(self, x: Tensor, mask: Tensor) -> Tensor:
        grouped = x.reshape(*x.shape[:2], self._groups, -1)
        mean, variance = _statistics(grouped, mask[:, :, None, None], (1, 3))
        return ((grouped - mean) * torch.rsqrt(variance + self._epsilon)).reshape(x.shape)


@runs(InstanceNorm)
class InstanceNormModule(SampleNormModule):
    """Each channel by itself, or by what it was in training."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._momentum = float(layer.momentum)
        self._running = bool(layer.running)
        if self._running:
            self.running_var.fill_(1.0)

    def normalized(self, x: Tensor) -> Tensor:
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        if self._running and not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, weight, bias, eps=self._epsilon)
        if self._running:
            real = x.new_ones((x.shape[0], *(1,) * (x.dim() - 1)), dtype=torch.bool)
            self._remember(x, real.expand(x.shape[0], 1, *x.shape[2:]), tuple(range(2, x.dim())))
        own, cudnn = True, torch.backends.cudnn.enabled
        # Not F.instance_norm, which refuses a single position: its variance is 0.
        return torch.instance_norm(x, weight, bias, None, None, own, self._momentum, self._epsilon, cudnn)

    def masked(self, x: Tensor, mask: Tensor) -> Tensor:
        if self._running and not self.training:
            return (x - self.running_mean) * torch.rsqrt(self.running_var + self._epsilon)
        if self._running:
            self._remember(x, mask[:, :, None], (1,))
        mean, variance = _statistics(x, mask[:, :, None], (1,))
        return (x - mean) * torch.rsqrt(variance + self._epsilon)

    @torch.no_grad()
    def _remember(self, x: Tensor, real: Tensor, axes: tuple[int, ...]) -> None:
        """Running statistics: the mean over samples of their own, of those that have any; the unbiased variance, as torch has it."""
        count = real.sum(axes, keepdim=True)
        mean, variance = _statistics(x, real, axes)
        unbiased = variance * (count / (count - 1).clamp(min=1))
        given = (count > 0).flatten(1).any(1)
        if bool(given.any()):
            for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
                running.lerp_(batch[given].flatten(1).mean(0).to(running.dtype), self._momentum)


def _statistics(x: Tensor, real: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and biased variance over some axes, of what is real; 0 where nothing is."""
    share = real.expand_as(x).sum(axes, keepdim=True).clamp(min=1)
    mean = x.masked_fill(~real, 0.0).sum(axes, keepdim=True) / share
    return mean, (x - mean).masked_fill(~real, 0.0).square().sum(axes, keepdim=True) / share
