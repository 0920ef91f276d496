"""Normalisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.layers.convolution import channels
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import last_axis
from lamina.shapes import Features, Image, Volume
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np


def _variance(module: Module, epsilon: float) -> np.ndarray:
    """The running variance; old files have what divides by its root."""
    found = module.tensor("running_var")
    if found is not None:
        return found
    inverse = module.tensor("running_std")
    if inverse is None:
        raise module.refused("running_var", "the running variance")
    return inverse.astype("f8") ** -2 - epsilon


@converts("BatchNormalization", "SpatialBatchNormalization", "VolumetricBatchNormalization", "TemporalBatchNormalization")
def batch_norm(module: Module, value: Anything, builder: Builder) -> Anything:
    """Over the batch, at prediction with running statistics."""
    kinds = {"S": (Image, Features), "V": (Volume,), "T": (Steps,)}.get(module.kind[0], (Features,))
    one = builder.plain(module, builder.one(module, value), *kinds)
    mean = module.weight("running_mean")
    channels(module, one, len(mean))
    epsilon, momentum = module.number("eps", default=1e-5), module.number("momentum", default=0.1)
    weight, bias = module.tensor("weight"), module.tensor("bias")
    if not epsilon > 0:
        raise module.refused("eps", "a number above 0")
    if not 0 < momentum <= 1:
        raise module.refused("momentum", "a number above 0, at most 1")
    variance = _variance(module, epsilon).astype(mean.dtype)
    layer = ls.BatchNorm(epsilon=epsilon, momentum=momentum, scale=weight is not None, bias=bias is not None)
    arrays = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    if one.mapped:
        builder.notes.lose(module.where, "that training takes statistics of each step by itself")
    return builder.enter(module, layer, one, arrays, owner=module.keys())


@converts("InstanceNormalization")
def instance_norm(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each image by itself."""
    one = builder.plain(module, builder.one(module, value), Image)
    weight, bias = module.tensor("weight"), module.tensor("bias")
    layer = ls.InstanceNorm(epsilon=module.number("eps", default=1e-5), scale=weight is not None, bias=bias is not None)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())


@converts("LayerNormalization")
def layer_norm(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each vector by itself; it is kept as the modules that it is made of."""
    one, children = builder.plain(module, builder.one(module, value), Features), module.children()
    normalize = next((child for child in children if child.kind == "Normalize"), None)
    gain = next((child.tensor("weight") for child in children if child.kind == "CMul"), None)
    bias = next((child.tensor("bias") for child in children if child.kind in ("CAdd", "Add")), None)
    if normalize is None:
        raise module.refused("modules", "a module that brings vectors to length 1")
    count = last_axis(one.shape)
    layer = ls.LayerNorm(epsilon=max(normalize.number("eps", default=1e-10) / count, 1e-30), scale=gain is not None, bias=bias is not None)
    arrays = {"weight": None if gain is None else gain.reshape(-1), "bias": None if bias is None else bias.reshape(-1)}
    return builder.enter(module, layer, one, arrays)


@converts("Normalize")
def normalize(module: Module, value: Anything, builder: Builder) -> Anything:
    """Vectors of length 1."""
    one = builder.plain(module, builder.one(module, value), Features)
    if module.number("p", default=2.0) != 2:
        raise module.refused("p", "2")
    builder.notes.assume(module.where, f"that no vector is so short that {module.number('eps', default=1e-10):g} beside its square matters")
    return builder.enter(module, v.L2Normalize(), one)


@converts("SpatialCrossMapLRN")
def local_response(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each number divided by what its neighbours in other channels hold."""
    one, size = builder.plain(module, builder.one(module, value), Image), module.size("size", default=5)
    if size % 2 == 0:
        raise module.refused("size", "an odd number of channels")
    k = module.number("k", "K", default=1.0)
    if not k > 0:
        raise module.refused("k", "a number above 0")
    layer = ls.LocalResponseNorm(
        size, alpha=module.number("alpha", default=1e-4), beta=module.number("beta", default=0.75), k=k, average=True
    )
    return builder.enter(module, layer, one)
