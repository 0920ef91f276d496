"""Normalisation, dropout and random numbers."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator


def _channels(value: Tensor, x: Tensor) -> Tensor:
    return value.reshape(1, -1, *[1] * (x.dim() - 2))


@operator("BatchNormalization")
def batch_normalization(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> Any:
    """Each channel with mean 0 and variance 1, by stored statistics or those of the batch."""
    if not training_mode:
        factor = scale / torch.sqrt(variance + epsilon)
        return (x - _channels(mean, x)) * _channels(factor, x) + _channels(bias, x)
    axes = [axis for axis in range(x.dim()) if axis != 1]
    own_mean, own = x.mean(axes), x.var(axes, correction=0)
    y = (x - _channels(own_mean, x)) / torch.sqrt(_channels(own, x) + epsilon) * _channels(scale, x) + _channels(bias, x)
    return y, mean * momentum + own_mean * (1 - momentum), variance * momentum + own * (1 - momentum)


@operator("InstanceNormalization")
def instance_normalization(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    """Each channel of each sample with mean 0 and variance 1."""
    axes = list(range(2, x.dim()))
    y = (x - x.mean(axes, keepdim=True)) / torch.sqrt(x.var(axes, correction=0, keepdim=True) + epsilon)
    return y * _channels(scale, x) + _channels(bias, x)


@operator("LayerNormalization")
def layer_normalization(
    x: Tensor, scale: Tensor, bias: Tensor | None = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """The last axes with mean 0 and variance 1."""
    axes = list(range(axis % x.dim(), x.dim()))
    real = x.float() if stash_type == 1 and x.dtype in (torch.float16, torch.bfloat16) else x
    mean = real.mean(axes, keepdim=True)
    inverse = 1 / torch.sqrt(((real - mean) ** 2).mean(axes, keepdim=True) + epsilon)
    y = ((real - mean) * inverse).to(x.dtype) * scale
    return y if bias is None else y + bias, mean, inverse


@operator("RMSNormalization", "SimplifiedLayerNormalization")
def rms_normalization(x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Tensor:
    """The last axes with a mean square of 1."""
    axes = list(range(axis % x.dim(), x.dim()))
    real = x.float() if stash_type == 1 and x.dtype in (torch.float16, torch.bfloat16) else x
    return (real * torch.rsqrt((real**2).mean(axes, keepdim=True) + epsilon)).to(x.dtype) * scale


@operator("GroupNormalization")
def group_normalization(x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1) -> Tensor:
    """Each group of channels of each sample with mean 0 and variance 1."""
    return F.group_norm(x, num_groups, None, None, epsilon) * _channels(scale, x) + _channels(bias, x)


@operator("GroupNormalizationOfGroups", domain="lamina")
def group_normalization_of_groups(x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5) -> Tensor:
    """As the operator was before set 21: a factor and a shift for each group."""
    times = x.shape[1] // num_groups
    return group_normalization(x, scale.repeat_interleave(times), bias.repeat_interleave(times), num_groups=num_groups, epsilon=epsilon)


@operator("LpNormalization")
def lp_normalization(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """With a norm of 1 along an axis; 0 stays 0."""
    norm = torch.linalg.vector_norm(x, p, axis, keepdim=True)
    return torch.where(norm == 0, torch.zeros_like(x), x / torch.where(norm == 0, torch.ones_like(norm), norm))


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """With mean 0 and variance 1 over some axes."""
    places = [0, 2, 3] if axes is None else list(axes)
    mean = x.mean(places, keepdim=True)
    return (x - mean) / (torch.sqrt(((x - mean) ** 2).mean(places, keepdim=True)) + 1e-9)


@operator("LRN")
def local_response_normalization(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    """Divided by a power of the squares of the channels around."""
    squares = F.pad((x * x).movedim(1, -1), ((size - 1) // 2, size - 1 - (size - 1) // 2))
    sums = squares.unfold(-1, size, 1).sum(-1).movedim(-1, 1)
    return x / (bias + alpha / size * sums) ** beta


@operator("Dropout")
def dropout(
    x: Tensor,
    ratio: Tensor | None = None,
    training_mode: Tensor | None = None,
    *,
    seed: int | None = None,
    wanted: int = 1,
    context: Context,
) -> Any:
    """Some numbers become 0 in training, and the others larger."""
    share = 0.5 if ratio is None else float(ratio)
    active = (training_mode is not None and bool(training_mode)) or context.training
    if not active or share == 0:
        return (x, torch.ones_like(x, dtype=torch.bool)) if wanted > 1 else x
    kept = torch.rand(x.shape, device=x.device, dtype=x.dtype) >= share
    y = torch.where(kept, x / (1 - share), torch.zeros_like(x))
    return (y, kept) if wanted > 1 else y


def _random(sizes: list[int], kind: torch.dtype, seed: float | None, context: Context, *, normal: bool) -> Tensor:
    context.allow(sizes)
    source = None
    if seed is not None:
        source = torch.Generator(device=context.device).manual_seed(int(seed * 1000) & 0x7FFFFFFF)
    make: Any = torch.randn if normal else torch.rand
    found: Tensor = make(sizes, generator=source, device=context.device, dtype=torch.float64 if kind == torch.float64 else torch.float32)
    return found.to(kind)


@operator("RandomNormal")
def random_normal(
    *, shape: list[int], dtype: str = "float32", mean: float = 0.0, scale: float = 1.0, seed: float | None = None, context: Context
) -> Tensor:
    """Random numbers around a mean."""
    return _random(list(shape), context.dtype(dtype), seed, context, normal=True) * scale + mean


@operator("RandomNormalLike")
def random_normal_like(
    x: Tensor, *, dtype: str | None = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None, context: Context
) -> Tensor:
    """As many as another tensor has."""
    return _random(list(x.shape), x.dtype if dtype is None else context.dtype(dtype), seed, context, normal=True) * scale + mean


@operator("RandomUniform")
def random_uniform(
    *, shape: list[int], dtype: str = "float32", high: float = 1.0, low: float = 0.0, seed: float | None = None, context: Context
) -> Tensor:
    """Random numbers between two."""
    return _random(list(shape), context.dtype(dtype), seed, context, normal=False) * (high - low) + low


@operator("RandomUniformLike")
def random_uniform_like(
    x: Tensor, *, dtype: str | None = None, high: float = 1.0, low: float = 0.0, seed: float | None = None, context: Context
) -> Tensor:
    """As many as another tensor has."""
    kind = x.dtype if dtype is None else context.dtype(dtype)
    return _random(list(x.shape), kind, seed, context, normal=False) * (high - low) + low


@operator("Bernoulli")
def bernoulli(x: Tensor, *, dtype: str | None = None, seed: float | None = None, context: Context) -> Tensor:
    """1 with the given probability, else 0."""
    drawn = _random(list(x.shape), torch.float32, seed, context, normal=False)
    return (drawn < x).to(x.dtype if dtype is None else context.dtype(dtype))


@operator("Multinomial")
def multinomial(x: Tensor, *, dtype: str = "int32", sample_size: int = 1, seed: float | None = None, context: Context) -> Tensor:
    """Classes drawn by the logarithms of their probabilities."""
    context.allow([x.shape[0], sample_size])
    drawn = _random([x.shape[0], sample_size], torch.float64, seed, context, normal=False)
    edges = torch.softmax(x.double(), -1).cumsum(-1)
    return torch.searchsorted(edges, drawn).clamp(max=x.shape[-1] - 1).to(context.dtype(dtype))


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int | None = None, reduction: str = "mean"
) -> Tensor:
    """What a class's own logarithm is below 0."""
    index = -math.inf if ignore_index is None else ignore_index
    ignored = target == index
    safe = torch.where(ignored, torch.zeros_like(target), target).to(torch.int64)
    each = -x.gather(1, safe.unsqueeze(1)).squeeze(1)
    factor = torch.ones_like(each) if weight is None else weight[safe]
    factor = torch.where(ignored, torch.zeros_like(factor), factor)
    each = each * factor
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.sum() / factor.sum()


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(
    scores: Tensor, labels: Tensor, weight: Tensor | None = None, *, ignore_index: int | None = None, reduction: str = "mean"
) -> tuple[Tensor, Tensor]:
    """The same of scores, and their logarithms."""
    logarithms = torch.log_softmax(scores, 1)
    return negative_log_likelihood(logarithms, labels, weight, ignore_index=ignore_index, reduction=reduction), logarithms
