"""How torch runs the activations.

A third party's activation is made to run by `activates`:

    >>> from lamina.network.activations import Plain
    >>> from lamina.spec import register
    >>> @register("double")
    ... class Double(Plain):
    ...     '''``2 x``.'''
    >>> @activates(Double)
    ... def _double(activation):
    ...     return lambda x: 2 * x
    >>> activation_function(Double())(torch.tensor([1.5]))
    tensor([3.])
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.implementations import Implementations
from lamina.network import activations as A

ActivationFunction = Callable[[Tensor], Tensor]

_IMPLEMENTATIONS: Implementations[Callable[[Any], ActivationFunction]] = Implementations("activation", "activates")
activates = _IMPLEMENTATIONS.register
"""Decorator: the function makes an `ActivationFunction` of a description of this class."""


def activation_function(activation: A.Activation) -> ActivationFunction:
    """What computes an activation.

    A random one (`rrelu`) comes as a ``torch.nn.Module`` without parameters: kept as an attribute of a module, it follows
    that module's ``train()`` and ``eval()``. `identity` is always the function `identity`, so that it can be left out.

    Raises:
        RegistrationError: EN031, if nothing computes it.
    """
    return _IMPLEMENTATIONS.find(activation)(activation)


def feature_axis(dimensions: int) -> int:
    """Axis of the features in a tensor of that many dimensions: 1 (channels) of images and volumes, otherwise the last."""
    return 1 if dimensions >= 4 else -1


def identity(x: Tensor) -> Tensor:
    """``x``."""
    return x


def _softmax(x: Tensor) -> Tensor:
    return torch.softmax(x, feature_axis(x.dim()))


def _log_softmax(x: Tensor) -> Tensor:
    return torch.log_softmax(x, feature_axis(x.dim()))


def _rational_tanh(x: Tensor) -> Tensor:
    # sign(y) (1 - 1/q) with q = 1 + a + a^2 + c a^4 and a = |y| is y (1 + a + c a^3) / q, which has a derivative at 0.
    y = x * (2 / 3)
    a = y.abs()
    c = 1.41645
    return 1.7159 * y * (1 + a + c * a**3) / (1 + a + a * a + c * a**4)


def _rectified_tanh(x: Tensor) -> Tensor:
    return F.relu(torch.tanh(x))


def _squared_relu(x: Tensor) -> Tensor:
    positive = F.relu(x)
    return positive * positive


def _cube(x: Tensor) -> Tensor:
    return x * x * x


def _softmin(x: Tensor) -> Tensor:
    return torch.softmax(-x, feature_axis(x.dim()))


def _sparsemax(x: Tensor) -> Tensor:
    axis = feature_axis(x.dim())
    # Whatever is subtracted from all values changes nothing; this keeps the sums small.
    x = x - x.amax(axis, keepdim=True)
    ordered = x.movedim(axis, -1).sort(-1, descending=True).values
    count = torch.arange(1, ordered.shape[-1] + 1, dtype=x.dtype, device=x.device)
    rest = ordered.cumsum(-1) - 1
    kept = (count * ordered > rest).sum(-1, keepdim=True)
    border = rest.gather(-1, kept - 1) / kept
    return (x - border.movedim(-1, axis)).clamp_min(0)


def _sparse_plus(x: Tensor) -> Tensor:
    return torch.where(x >= 1, x, ((x + 1) / 2).clamp(0, 1).square())


def _sparse_sigmoid(x: Tensor) -> Tensor:
    return ((x + 1) / 2).clamp(0, 1)


_SIMPLE: dict[type[A.Activation], ActivationFunction] = {
    A.Identity: identity,
    A.Sigmoid: torch.sigmoid,
    A.LogSigmoid: F.logsigmoid,
    A.Tanh: torch.tanh,
    A.HardTanh: F.hardtanh,
    A.RationalTanh: _rational_tanh,
    A.RectifiedTanh: _rectified_tanh,
    A.Softsign: F.softsign,
    A.Softmax: _softmax,
    A.LogSoftmax: _log_softmax,
    A.Relu: torch.relu,
    A.Relu6: F.relu6,
    A.SquaredRelu: _squared_relu,
    A.Selu: torch.selu,
    A.Softmin: _softmin,
    A.Sparsemax: _sparsemax,
    A.SparsePlus: _sparse_plus,
    A.SparseSigmoid: _sparse_sigmoid,
    A.Silu: F.silu,
    A.Swish: F.silu,
    A.HardSwish: F.hardswish,
    A.Mish: F.mish,
    A.TanhShrink: F.tanhshrink,
    A.Cube: _cube,
    A.Exp: torch.exp,
}


@activates(*_SIMPLE)
def _simple(activation: A.Activation) -> ActivationFunction:
    return next(_SIMPLE[base] for base in type(activation).__mro__ if base in _SIMPLE)


@activates(A.HardSigmoid)
def _hard_sigmoid(activation: A.HardSigmoid) -> ActivationFunction:
    slope = activation.slope

    def run(x: Tensor) -> Tensor:
        return (x * slope + 0.5).clamp(0, 1)

    return run


@activates(A.LeakyRelu)
def _leaky_relu(activation: A.LeakyRelu) -> ActivationFunction:
    return partial(F.leaky_relu, negative_slope=activation.slope)


@activates(A.RandomRelu)
def _random_relu(activation: A.RandomRelu) -> ActivationFunction:
    return nn.RReLU(activation.lower, activation.upper)


@activates(A.ThresholdedRelu)
def _thresholded_relu(activation: A.ThresholdedRelu) -> ActivationFunction:
    return partial(F.threshold, threshold=activation.threshold, value=0.0)


@activates(A.Threshold)
def _threshold(activation: A.Threshold) -> ActivationFunction:
    if activation.slope:
        return partial(_sloped, threshold=activation.threshold, value=activation.value, slope=activation.slope)
    return partial(F.threshold, threshold=activation.threshold, value=activation.value)


def _sloped(x: Tensor, threshold: float, value: float, slope: float) -> Tensor:
    return torch.where(x > threshold, x, value + slope * (x - threshold))


@activates(A.Clamp)
def _clamp(activation: A.Clamp) -> ActivationFunction:
    return partial(torch.clamp, min=activation.minimum, max=activation.maximum)


@activates(A.Softplus)
def _softplus(activation: A.Softplus) -> ActivationFunction:
    return F.softplus if activation.beta == 1 else partial(F.softplus, beta=activation.beta)


@activates(A.Squareplus)
def _squareplus(activation: A.Squareplus) -> ActivationFunction:
    b = activation.b

    def run(x: Tensor) -> Tensor:
        # For x below 0 the sum would cancel: (x + r) = b / (r - x).
        root = (x.square() + b).sqrt()
        return torch.where(x >= 0, (x + root) / 2, b / (2 * (root - x.clamp_max(0))))

    return run


@activates(A.Elu)
def _elu(activation: A.Elu) -> ActivationFunction:
    return partial(F.elu, alpha=activation.alpha)


@activates(A.Celu)
def _celu(activation: A.Celu) -> ActivationFunction:
    return partial(F.celu, alpha=activation.alpha)


@activates(A.Gelu)
def _gelu(activation: A.Gelu) -> ActivationFunction:
    return partial(F.gelu, approximate="tanh") if activation.approximate else F.gelu


@activates(A.SoftShrink)
def _soft_shrink(activation: A.SoftShrink) -> ActivationFunction:
    return partial(F.softshrink, lambd=activation.threshold)


@activates(A.HardShrink)
def _hard_shrink(activation: A.HardShrink) -> ActivationFunction:
    return partial(F.hardshrink, lambd=activation.threshold)
