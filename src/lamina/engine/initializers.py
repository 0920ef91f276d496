"""How parameters get their first values.

Everything is drawn on the CPU in float64 and rounded, so that a network starts the same on every device and, up to
rounding, in every precision. A third party's initialiser is made to run by `initializes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from lamina.engine.implementations import Implementations
from lamina.errors import DescriptionError
from lamina.network import initializers as I
from lamina.network.layers.layer import Parameter

Filler = Callable[[Any, Tensor, Parameter, Generator | None], None]
"""Fills a tensor in place: called with the description, the tensor, what the layer says of the parameter, the generator."""

_IMPLEMENTATIONS: Implementations[Filler] = Implementations("initialiser", "initializes")
initializes = _IMPLEMENTATIONS.register
"""Decorator: the function is the `Filler` of descriptions of this class."""

# What is left of the standard deviation of a normal distribution cut at two of them.
_CUT = 0.87962566103423978


def initialize(tensor: Tensor, parameter: Parameter, initializer: I.Initializer, generator: Generator | None) -> None:
    """Give a parameter its first values, in place.

    Args:
        tensor: The parameter, of any floating dtype, on any device.
        parameter: What its layer says of it: fans, and how many blocks along axis 0 are drawn one by one.
        initializer: From what.
        generator: A CPU generator; None: the global one.

    Raises:
        DescriptionError: EN032, if the initialiser can't make a tensor of this shape.
        RegistrationError: EN031, if nothing draws it.
    """
    # What a filler forgets to write shows, instead of being whatever the memory held.
    values = torch.full(tensor.shape, math.nan, dtype=torch.float64)
    fill(values, parameter, initializer, generator)
    with torch.no_grad():
        tensor.copy_(values)


def fill(tensor: Tensor, parameter: Parameter, initializer: I.Initializer, generator: Generator | None) -> None:
    """As `initialize`, but drawn in the tensor's own dtype on its own device: faster, for noise."""
    filler = _IMPLEMENTATIONS.find(initializer)
    with torch.no_grad():
        for block in tensor.chunk(parameter.blocks, 0) if parameter.blocks > 1 else (tensor,):
            filler(initializer, block, parameter, generator)


def _unfit(initializer: I.Initializer, tensor: Tensor) -> DescriptionError:
    return DescriptionError(
        "EN032",
        where=f"initializer {initializer.type_name}",
        expected="a parameter with at least two axes",
        got=f"one of shape {list(tensor.shape)}",
        cause=f"{initializer.type_name} makes matrices; biases and gains are vectors",
        fix="use it for weights only, and zeros, constant or normal for this parameter",
    )


@initializes(I.Zeros)
def _zeros(initializer: I.Zeros, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    tensor.zero_()


@initializes(I.Ones)
def _ones(initializer: I.Ones, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    tensor.fill_(1.0)


@initializes(I.Constant)
def _constant(initializer: I.Constant, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    tensor.fill_(initializer.value)


@initializes(I.IdentityMatrix)
def _identity(initializer: I.IdentityMatrix, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    if tensor.dim() < 2:
        raise _unfit(initializer, tensor)
    tensor.zero_()
    middle = tensor
    for size in tensor.shape[2:]:
        middle = middle.select(2, size // 2)
    middle.fill_diagonal_(initializer.gain)


@initializes(I.Orthogonal)
def _orthogonal(initializer: I.Orthogonal, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    if tensor.dim() < 2:
        raise _unfit(initializer, tensor)
    rows, columns = tensor.shape[0], tensor[0].numel()
    drawn = torch.empty(max(rows, columns), min(rows, columns), dtype=tensor.dtype, device=tensor.device).normal_(generator=generator)
    q, r = torch.linalg.qr(drawn)
    # Without the signs of R's diagonal, Q would not be uniformly distributed (Mezzadri 2007).
    q *= torch.where(r.diagonal() < 0, -1.0, 1.0)
    tensor.copy_((q if rows >= columns else q.T).reshape(tensor.shape) * initializer.gain)


@initializes(I.Normal)
def _normal(initializer: I.Normal, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    std = 1 / math.sqrt(max(1, parameter.fan_in)) if initializer.std is None else initializer.std
    tensor.normal_(initializer.mean, std, generator=generator)


@initializes(I.TruncatedNormal)
def _truncated_normal(initializer: I.TruncatedNormal, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    _draw_truncated(tensor, initializer.mean, initializer.std, generator)


def _draw_truncated(tensor: Tensor, mean: float, std: float, generator: Generator | None) -> None:
    """By the inverse of the distribution function, so that no draw is thrown away."""
    edge = math.erf(2 / math.sqrt(2))
    tensor.uniform_(-edge, edge, generator=generator).erfinv_().mul_(std * math.sqrt(2)).add_(mean)
    tensor.clamp_(mean - 2 * std, mean + 2 * std)


@initializes(I.LogNormal)
def _log_normal(initializer: I.LogNormal, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    tensor.normal_(initializer.mean, initializer.std, generator=generator).exp_()


@initializes(I.Uniform)
def _uniform(initializer: I.Uniform, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    limit = 1 / math.sqrt(max(1, parameter.fan_in))
    low = -limit if initializer.low is None else initializer.low
    high = limit if initializer.high is None else initializer.high
    tensor.uniform_(low, high, generator=generator)


@initializes(I.Binomial)
def _binomial(initializer: I.Binomial, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    trials, probability = torch.full_like(tensor, initializer.trials), torch.full_like(tensor, initializer.probability)
    tensor.copy_(torch.binomial(trials, probability, generator=generator))


@initializes(I.Sparse)
def _sparse(initializer: I.Sparse, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    if tensor.dim() < 2:
        raise _unfit(initializer, tensor)
    tensor.normal_(0.0, initializer.std, generator=generator)
    rows = tensor.shape[0]
    # The places of the smallest of independent draws are a choice without repetition.
    draws = torch.empty(rows, tensor[0].numel(), dtype=tensor.dtype, device=tensor.device).uniform_(generator=generator)
    chosen = draws.argsort(dim=0)[: math.ceil(initializer.sparsity * rows)]
    kept = torch.ones_like(draws).scatter_(0, chosen, 0.0)
    tensor.mul_(kept.reshape(tensor.shape))


@initializes(I.VarianceScaling)
def _variance_scaling(initializer: I.VarianceScaling, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    _draw_scaled(tensor, parameter, (initializer.scale, initializer.mode, initializer.distribution), generator)


@initializes(I.Scaled)
def _scaled(initializer: I.Scaled, tensor: Tensor, parameter: Parameter, generator: Generator | None) -> None:
    _draw_scaled(tensor, parameter, initializer.variance, generator)


def _draw_scaled(tensor: Tensor, parameter: Parameter, variance: tuple[float, str, str], generator: Generator | None) -> None:
    scale, mode, distribution = variance
    fans = {"fan_in": parameter.fan_in, "fan_out": parameter.fan_out, "fan_avg": (parameter.fan_in + parameter.fan_out) / 2}
    std = math.sqrt(scale / max(1.0, fans[mode]))
    if distribution == "uniform":
        limit = math.sqrt(3) * std
        tensor.uniform_(-limit, limit, generator=generator)
    elif distribution == "normal":
        tensor.normal_(0.0, std, generator=generator)
    else:
        _draw_truncated(tensor, 0.0, std / _CUT, generator)
