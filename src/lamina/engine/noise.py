"""How torch makes noise in training.

All draws come from torch's global generators, which every training step seeds; so they depend on the seed and the step,
on nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.implementations import Implementations
from lamina.engine.initializers import fill
from lamina.network import noise as N
from lamina.network.layers.layer import Parameter

_MODULES: Implementations[Callable[[Any], nn.Module]] = Implementations("noise", "makes_noise")
makes_noise = _MODULES.register
"""Decorator: the function makes the module of a `lamina.network.noise.Noise` of this class."""

_WEIGHT_NOISES: Implementations[Callable[[Any, Tensor, Parameter], Tensor]] = Implementations("weight noise", "makes_weight_noise")
makes_weight_noise = _WEIGHT_NOISES.register
"""Decorator: the function gives a noisy copy of a tensor, for a `lamina.network.noise.WeightNoise` of this class."""


def noise_module(noise: N.Noise) -> nn.Module:
    """A module without parameters that makes the noise in training and does nothing otherwise.

    Keep it as an attribute of the layer's module, so that it follows ``train()`` and ``eval()``.

    Raises:
        RegistrationError: EN031, if nothing makes it.
    """
    return _MODULES.find(noise)(noise)


def weight_noise_function(noise: N.WeightNoise, parameter: Parameter) -> Callable[[Tensor], Tensor] | None:
    """What makes a noisy copy of a parameter, differentiable; None if the noise leaves parameters of this role alone.

    The caller uses it in training only.

    Raises:
        RegistrationError: EN031, if nothing makes it.
    """
    if parameter.role == "gain" or (parameter.role == "bias" and not noise.bias):
        return None
    function = _WEIGHT_NOISES.find(noise)

    def run(tensor: Tensor) -> Tensor:
        return function(noise, tensor, parameter)

    return run


@makes_noise(N.DropoutNoise)
def _dropout(noise: N.DropoutNoise) -> nn.Module:
    return nn.Dropout(noise.rate)


@makes_noise(N.AlphaDropoutNoise)
def _alpha_dropout(noise: N.AlphaDropoutNoise) -> nn.Module:
    return nn.AlphaDropout(noise.rate)


class _GaussianDropout(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        std = math.sqrt(self.rate / (1 - self.rate))
        return x * torch.randn_like(x).mul_(std).add_(1.0) if self.training and std > 0 else x


@makes_noise(N.GaussianDropoutNoise)
def _gaussian_dropout(noise: N.GaussianDropoutNoise) -> nn.Module:
    return _GaussianDropout(noise.rate)


class _GaussianNoise(nn.Module):
    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x).mul_(self.std) if self.training and self.std > 0 else x


@makes_noise(N.GaussianNoise)
def _gaussian_noise(noise: N.GaussianNoise) -> nn.Module:
    return _GaussianNoise(noise.std)


class _SpatialDropout(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = 1 - self.rate
        return x * _kept_features(x, kept).div_(kept)


def _kept_features(x: Tensor, share: float) -> Tensor:
    """1 for each feature of a sample that is kept, at all steps and pixels, else 0."""
    # [batch, n] and [batch, steps, n] have their features last, [batch, channels, ...] at 1.
    shape = (x.shape[0], 1, x.shape[2]) if x.dim() == 3 else (*x.shape[:2], *(1 for _ in x.shape[2:]))
    return x.new_empty(shape).bernoulli_(share)


@makes_noise(N.SpatialDropoutNoise)
def _spatial_dropout(noise: N.SpatialDropoutNoise) -> nn.Module:
    return _SpatialDropout(noise.rate)


# SELU's lowest value.
_LOWEST = -1.0507009873554805 * 1.6732632423543772


class _SpatialAlphaDropout(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = _kept_features(x, 1 - self.rate)
        scale = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * _LOWEST**2))
        return scale * (torch.where(kept > 0, x, _LOWEST) - self.rate * _LOWEST)


@makes_noise(N.SpatialAlphaDropoutNoise)
def _spatial_alpha_dropout(noise: N.SpatialAlphaDropoutNoise) -> nn.Module:
    return _SpatialAlphaDropout(noise.rate)


_STRENGTHS: dict[type[nn.Module], str] = {
    nn.Dropout: "p",
    nn.AlphaDropout: "p",
    _GaussianDropout: "rate",
    _GaussianNoise: "std",
    _SpatialDropout: "rate",
    _SpatialAlphaDropout: "rate",
}
"""Where each kind of noise has its probability of dropping, or its standard deviation."""


class Strength:
    """How strong one noise of a network is, to be changed while it is trained.

    Args:
        module: What makes the noise.

    Attributes:
        most: What it must stay below: 1 for a probability.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module, self._attribute = module, _STRENGTHS[type(module)]
        self.most = math.inf if self._attribute == "std" else 1.0

    @property
    def value(self) -> float:
        """The probability of dropping, or the standard deviation."""
        return float(getattr(self._module, self._attribute))

    @value.setter
    def value(self, strength: float) -> None:
        setattr(self._module, self._attribute, strength)


def strengths(module: nn.Module) -> list[Strength]:
    """Those of all noise on what flows through a module; not of noise on weights."""
    return [Strength(part) for part in module.modules() if type(part) in _STRENGTHS]


@makes_weight_noise(N.DropConnect)
def _drop_connect(noise: N.DropConnect, tensor: Tensor, parameter: Parameter) -> Tensor:
    return F.dropout(tensor, noise.rate)


@makes_weight_noise(N.DrawnWeightNoise)
def _drawn(noise: N.DrawnWeightNoise, tensor: Tensor, parameter: Parameter) -> Tensor:
    drawn = torch.empty_like(tensor)
    fill(drawn, parameter, noise.distribution, None)
    return tensor + drawn if noise.additive else tensor * drawn
