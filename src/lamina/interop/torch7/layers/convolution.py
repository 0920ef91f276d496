"""Convolutions, along steps, over images and through volumes, and their transposes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Misfit, Value
from lamina.network import layers as ls
from lamina.network.layers.layer import last_axis
from lamina.shapes import Image, Shape, Volume
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np

AXES = {2: "HW", 3: "THW"}
KINDS: dict[int, type[Shape]] = {2: Image, 3: Volume}


def windows(module: Module, axes: int) -> dict[str, Any]:
    """Size, step, padding and dilation of a window; what old files lack is 1, or 0."""
    letters = AXES[axes]
    common = module.whole("padding", "pad", default=0)
    padding = [module.whole(f"pad{letter}", default=common) for letter in letters]
    if min(padding) < 0:
        name = f"pad{letters[0]}"
        raise module.refused(name, "no padding below 0")
    return {
        "kernel": tuple(module.size(f"k{letter}") for letter in letters),
        "stride": tuple(module.size(f"d{letter}", default=1) for letter in letters),
        "padding": tuple(padding),
        "dilation": tuple(module.size(f"dilation{letter}", default=1) for letter in letters),
    }


def channels(module: Module, one: Value, wanted: int) -> None:
    """See that as many channels come as a module takes."""
    if last_axis(one.shape) != wanted:
        raise Misfit(module.where, f"{wanted} channels", str(one.shape))


@converts(
    *("SpatialConvolution", "SpatialConvolutionMM", "SpatialConvolutionCUDA", "SpatialDilatedConvolution"),
    *("VolumetricConvolution", "VolumetricDilatedConvolution", "SpatialConvolutionFFT", "VolumetricConvolutionMM"),
)
def convolution(module: Module, value: Anything, builder: Builder) -> Anything:
    """Over images and through volumes; weights may lie as a matrix."""
    axes = 3 if module.kind.startswith("Volumetric") else 2
    one = builder.plain(module, builder.one(module, value), KINDS[axes])
    settings, groups = windows(module, axes), module.size("groups", default=1)
    count, filters = module.size("nInputPlane"), module.size("nOutputPlane")
    channels(module, one, count)
    weight = reshaped(module, "weight", (filters, count // groups, *settings["kernel"]))
    bias = module.tensor("bias")
    make = ls.Conv3d if axes == 3 else ls.Conv2d
    layer = make(filters, groups=groups, bias=bias is not None, **settings)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())


def reshaped(module: Module, name: str, sizes: tuple[int, ...]) -> np.ndarray:
    """A weight with the axes that its module says."""
    found = module.weight(name)
    size = 1
    for each in sizes:
        size *= each
    if found.size != size:
        raise Misfit(module.where, f"{name} of sizes {list(sizes)}", f"{list(found.shape)}")
    return found.reshape(sizes)


@converts("SpatialFullConvolution", "VolumetricFullConvolution")
def transposed(module: Module, value: Anything, builder: Builder) -> Anything:
    """Transposed convolutions."""
    if isinstance(value, tuple):
        raise module.refused("adjW", "one array; here a second one says the size of the output")
    axes = 3 if module.kind.startswith("Volumetric") else 2
    one = builder.plain(module, builder.one(module, value), KINDS[axes])
    settings, groups = windows(module, axes), module.size("groups", default=1)
    count, filters = module.size("nInputPlane"), module.size("nOutputPlane")
    channels(module, one, count)
    weight = reshaped(module, "weight", (count, filters // groups, *settings["kernel"]))
    bias = None if module.flag("noBias") else module.tensor("bias")
    extra = tuple(module.whole(f"adj{letter}") for letter in AXES[axes])
    make = ls.ConvTranspose3d if axes == 3 else ls.ConvTranspose2d
    layer = make(filters, groups=groups, output_padding=extra, bias=bias is not None, **settings)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())


@converts("SpatialConvolutionMap")
def mapped(module: Module, value: Anything, builder: Builder) -> Anything:
    """A convolution in which not every channel feeds every filter: zeros stand for what is missing."""
    import numpy as np

    one, settings = builder.plain(module, builder.one(module, value), Image), windows(module, 2)
    count, filters = module.size("nInputPlane"), module.size("nOutputPlane")
    channels(module, one, count)
    table, given = module.weight("connTable"), module.weight("weight")
    if table.ndim != 2 or table.shape[1] != 2 or given.shape != (len(table), *settings["kernel"]):
        raise module.refused("connTable", "pairs of a channel and a filter, each with a kernel")
    pairs = table.astype("i8") - 1
    if pairs.min() < 0 or pairs[:, 0].max() >= count or pairs[:, 1].max() >= filters or count * filters > 1 << 22:
        raise module.refused("connTable", f"channels up to {count} and filters up to {filters}")
    weight = np.zeros((filters, count, *settings["kernel"]), given.dtype)
    np.add.at(weight, (pairs[:, 1], pairs[:, 0]), given)
    bias = module.tensor("bias")
    if len(pairs) < count * filters:
        builder.notes.lose(module.where, "that some channels don't feed some filters: their weights are 0, until they are trained")
    layer = ls.Conv2d(filters, bias=bias is not None, **settings)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())


@converts("SpatialDepthWiseConvolution")
def depthwise(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each channel by itself, by several kernels."""
    one, settings = builder.plain(module, builder.one(module, value), Image), windows(module, 2)
    count, times = module.size("nInputPlane"), module.size("nOutputPlane")
    channels(module, one, count)
    weight = reshaped(module, "weight", (times, count, *settings["kernel"])).swapaxes(0, 1)
    bias = module.tensor("bias")
    if bias is not None:
        bias = bias.reshape(times, count).T.reshape(-1)
    layer = ls.Conv2d(count * times, groups=count, bias=bias is not None, **settings)
    arrays = {"weight": weight.reshape(count * times, 1, *settings["kernel"]), "bias": bias}
    return builder.enter(module, layer, one, arrays, owner=module.keys())


@converts("SpatialConvolutionLocal")
def local(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each position with weights of its own."""
    one, settings = builder.plain(module, builder.one(module, value), Image), windows(module, 2)
    count, filters = module.size("nInputPlane"), module.size("nOutputPlane")
    channels(module, one, count)
    weight, bias = module.weight("weight"), module.tensor("bias")
    field = count * settings["kernel"][0] * settings["kernel"][1]
    if weight.size % (filters * field):
        raise Misfit(module.where, "weights for each position", f"{list(weight.shape)}")
    positions = weight.size // (filters * field)
    if bias is not None:
        bias = bias.reshape(filters, -1).T
    builder.sized = True
    layer = ls.LocallyConnected2d(filters, bias=bias is not None, bias_per_position=bias is not None, **settings)
    arrays = {"weight": weight.reshape(positions, filters, field), "bias": bias}
    given = [size or 0 for size in one.shape.dims[1:]]
    found = builder.enter(module, layer, one, arrays, owner=module.keys())
    if (found.shape.dims[1] or 0) * (found.shape.dims[2] or 0) != positions:
        excess = (found.shape.dims[1] or 0) * (found.shape.dims[2] or 0) - positions
        raise Misfit(module.where, f"images of which {positions} positions come out", f"{given}", excess)
    return found


@converts("TemporalConvolution")
def temporal(module: Module, value: Anything, builder: Builder) -> Anything:
    """Along steps; the weights of a filter lie step by step."""
    one = builder.plain(module, builder.one(module, value), Steps)
    count, filters, width = module.size("inputFrameSize"), module.size("outputFrameSize"), module.size("kW")
    channels(module, one, count)
    weight = reshaped(module, "weight", (filters, width, count)).swapaxes(1, 2)
    bias = module.tensor("bias")
    layer = ls.Conv1d(filters, kernel=width, stride=module.size("dW", default=1), padding=module.whole("padH"), bias=bias is not None)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())


@converts("TemporalRowConvolution")
def row(module: Module, value: Anything, builder: Builder) -> Anything:
    """Along steps, each feature by itself."""
    one = builder.one(module, value)
    if module.flag("featFirst"):
        one = Value(one.node, one.shape, tuple(one.order[place] for place in (0, 2, 1)), one.mapped)
    one = builder.plain(module, one, Steps)
    count, width = module.size("inputFrameSize"), module.size("kW")
    channels(module, one, count)
    weight, bias = reshaped(module, "weight", (count, 1, width)), module.tensor("bias")
    layer = ls.Conv1d(count, kernel=width, stride=module.size("dW", default=1), groups=count, bias=bias is not None)
    found = builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys())
    return Value(found.node, found.shape, (0, 2, 1)) if module.flag("featFirst") else found
