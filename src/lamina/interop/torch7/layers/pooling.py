"""Pooling, resizing, and what is put around images."""

from __future__ import annotations

from typing import Any

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.layers.convolution import AXES, KINDS, channels, windows
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Value
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.shapes import Image, Volume
from lamina.shapes import Sequence as Steps

LOWEST = -3.0e38
"""What never wins a maximum."""


def _pooled(module: Module, one: Value, builder: Builder, axes: int) -> tuple[Value, dict[str, Any]]:
    """Settings of a pooling layer; the input with what is added to it for windows that reach beyond both paddings."""
    found = windows(module, axes)
    found["size"] = found.pop("kernel")
    found["stride"] = tuple(module.size(f"d{letter}", default=size) for letter, size in zip(AXES[axes], found["size"], strict=True))
    if not module.flag("ceil_mode"):
        return one, found
    if not any(found["padding"]):
        return one, found | {"padding": "ceil"}
    sides, more = [], False
    for own, window, step, spread, pad in zip(
        one.shape.dims[1:], found["size"], found["stride"], found["dilation"], found["padding"], strict=True
    ):
        size = int(own or 0)
        reach = (window - 1) * spread + 1
        count = -(-(size + 2 * pad - reach) // step) + 1
        if (count - 1) * step >= size + pad:
            count -= 1
        beyond = (count - 1) * step + reach - size - 2 * pad
        more = more or beyond > 0
        sides.append((pad, max(pad + beyond, 0)))
    if not more:
        return one, found
    builder.sized = True
    lowest = LOWEST if "Max" in module.kind else 0.0
    make = ls.Padding2d if axes == 2 else ls.Padding3d
    return builder.enter(module, make(tuple(sides), value=lowest), one, suffix="_pad"), found | {"padding": "valid"}


@converts("SpatialMaxPooling", "SpatialDilatedMaxPooling", "VolumetricMaxPooling", "VolumetricDilatedMaxPooling")
def max_pooling(module: Module, value: Anything, builder: Builder) -> Anything:
    """The largest of each window."""
    axes = 3 if module.kind.startswith("Volumetric") else 2
    one, settings = _pooled(module, builder.plain(module, builder.one(module, value), KINDS[axes]), builder, axes)
    return builder.enter(module, (ls.MaxPool3d if axes == 3 else ls.MaxPool2d)(**settings), one)


@converts("SpatialAveragePooling", "VolumetricAveragePooling")
def average_pooling(module: Module, value: Anything, builder: Builder) -> Anything:
    """The average of each window; what is added counts, unless it is said that it doesn't."""
    axes = 3 if module.kind.startswith("Volumetric") else 2
    start = builder.plain(module, builder.one(module, value), KINDS[axes])
    one, settings = _pooled(module, start, builder, axes)
    settings.pop("dilation")
    mode = module.get("mode")
    counted = module.flag("count_include_pad", default=True) and "EXCLUDE" not in str(mode)
    divided = module.flag("divide", default=True)
    if one is not start and divided:
        raise module.refused("ceil_mode", "padding, or windows at the end that are smaller, not both")
    if not divided:
        return builder.enter(module, (ls.SumPool3d if axes == 3 else ls.SumPool2d)(**settings), one)
    ceil = settings["padding"] == "ceil"
    make = ls.AvgPool3d if axes == 3 else ls.AvgPool2d
    return builder.enter(module, make(include_padding=counted and not ceil and any(settings["padding"]), **settings), one)


@converts("SpatialAdaptiveMaxPooling", "SpatialAdaptiveAveragePooling")
def adaptive(module: Module, value: Anything, builder: Builder) -> Anything:
    """To a given size."""
    one = builder.plain(module, builder.one(module, value), Image)
    sizes = (module.size("H"), module.size("W"))
    make = ls.AdaptiveMaxPool2d if "Max" in module.kind else ls.AdaptiveAvgPool2d
    return builder.enter(module, make(sizes), one)


@converts("SpatialLPPooling")
def p_norm(module: Module, value: Anything, builder: Builder) -> Anything:
    """The p-norm of each window; it is kept as the modules that it is made of."""
    one, children = builder.plain(module, builder.one(module, value), Image), module.children()
    pool = next((child for child in children if child.kind == "SpatialAveragePooling"), None)
    if pool is None or not children:
        raise module.refused("modules", "powers around an average")
    p = 2.0 if children[0].kind == "Square" else children[0].number("pow", default=2.0)
    settings = windows(pool, 2)
    if p != 2:
        raise module.refused("modules", "the exponent 2")
    layer = ls.PNormPool2d(size=settings["kernel"], stride=settings["stride"], padding=settings["padding"], p=p)
    return builder.enter(module, layer, one)


@converts("TemporalMaxPooling")
def temporal(module: Module, value: Anything, builder: Builder) -> Anything:
    """The largest of each window along steps."""
    one, width = builder.plain(module, builder.one(module, value), Steps), module.size("kW")
    return builder.enter(module, ls.MaxPool1d(width, stride=module.size("dW", default=width)), one)


@converts("SpatialSubSampling", "TemporalSubSampling")
def subsampling(module: Module, value: Anything, builder: Builder) -> Anything:
    """The sum of each window times a learnt factor, and a bias."""
    temporal = module.kind.startswith("Temporal")
    one = builder.plain(module, builder.one(module, value), Steps if temporal else Image)
    weight, bias = module.weight("weight").reshape(-1), module.weight("bias").reshape(-1)
    channels(module, one, len(weight))
    if temporal:
        pooled = builder.enter(module, ls.SumPool1d(module.size("kW"), stride=module.size("dW", default=1)), one, suffix="_sum")
    else:
        found = windows(module, 2)
        pooled = builder.enter(module, ls.SumPool2d(found["kernel"], stride=found["stride"]), one, suffix="_sum")
    layer = ls.ElementwiseMultiplication()
    return builder.enter(module, layer, pooled, {"weight": weight, "bias": bias}, owner=module.keys())


@converts("SpatialUpSamplingNearest", "SpatialUpSamplingBilinear")
def upsampling(module: Module, value: Anything, builder: Builder) -> Anything:
    """Larger images; what lies between positions is computed with the corners in their places."""
    one = builder.plain(module, builder.one(module, value), Image)
    bilinear = module.kind.endswith("Bilinear")
    name = "scale_factor"
    if module.get(name) is None:
        raise module.refused(name, "a whole number")
    layer = ls.Upsampling2d(module.size(name), mode="bilinear" if bilinear else "nearest", align_corners=bilinear)
    return builder.enter(module, layer, one)


@converts("PixelShuffle")
def pixel_shuffle(module: Module, value: Anything, builder: Builder) -> Anything:
    """Channels as positions."""
    one = builder.plain(module, builder.one(module, value), Image)
    return builder.enter(module, ls.PixelShuffle(module.size("upscaleFactor")), one)


def bordered(
    module: Module, one: Value, builder: Builder, sides: list[tuple[int, int]], mode: str = "constant", fill: float = 0.0
) -> Value:
    """Positions put around, or where a number is below 0, taken away."""
    cut = tuple((max(-before, 0), max(-after, 0)) for before, after in sides)
    put = tuple((max(before, 0), max(after, 0)) for before, after in sides)
    axes = len(sides)
    crop: Any = {1: ls.Cropping1d, 2: ls.Cropping2d, 3: ls.Cropping3d}[axes]
    pad: Any = {1: ls.Padding1d, 2: ls.Padding2d, 3: ls.Padding3d}[axes]
    if any(any(pair) for pair in cut):
        one = builder.enter(module, crop(cut[0] if axes == 1 else cut), one, suffix="_crop")
    if any(any(pair) for pair in put):
        settings: dict[str, Any] = {"value": fill} if mode == "constant" else {}
        one = builder.enter(module, pad(put[0] if axes == 1 else put, mode=mode, **settings), one)
    return one


@converts("SpatialZeroPadding", "SpatialReflectionPadding", "SpatialReplicationPadding")
def spatial_padding(module: Module, value: Anything, builder: Builder) -> Anything:
    """Around images."""
    one = builder.plain(module, builder.one(module, value), Image)
    left, right, top, bottom = (module.whole(f"pad_{letter}") for letter in "lrtb")
    mode = {"SpatialZeroPadding": "constant", "SpatialReflectionPadding": "reflect"}.get(module.kind, "replicate")
    return bordered(module, one, builder, [(top, bottom), (left, right)], mode)


@converts("VolumetricReplicationPadding")
def volumetric_padding(module: Module, value: Anything, builder: Builder) -> Anything:
    """Around volumes."""
    one = builder.plain(module, builder.one(module, value), Volume)
    names = (("pfront", "pback"), ("ptop", "pbottom"), ("pleft", "pright"))
    sides = [(module.whole(before), module.whole(after)) for before, after in names]
    return bordered(module, one, builder, sides, "replicate")


@converts("Padding")
def padding(module: Module, value: Anything, builder: Builder) -> Anything:
    """Before or after an axis."""
    one = builder.plain(module, builder.one(module, value))
    axis = builder.axis(module, one, module.size("dim"), module.whole("nInputDim"))
    count, last = module.whole("pad"), len(one.shape.dims)
    if module.whole("index", default=1) != 1 or axis == 0:
        raise module.refused("index", "padding at the ends of an axis of a sample")
    sides = (abs(count), 0) if count < 0 else (0, count)
    fill = module.number("value")
    if isinstance(one.shape, Steps) and axis == 1:
        return bordered(module, one, builder, [sides], fill=fill)
    if isinstance(one.shape, Image | Volume) and axis > 1:
        every = [(0, 0)] * (last - 1)
        every[axis - 2] = sides
        return bordered(module, one, builder, every, fill=fill)
    if isinstance(one.shape, Image) and axis == 1 and fill == 0:
        # Channels of zeros: as many of those that are there as are needed, times 0.
        return _more_channels(module, one, builder, sides)
    raise module.refused("dim", "an axis of positions, or channels of zeros")


def _more_channels(module: Module, one: Value, builder: Builder, sides: tuple[int, int]) -> Value:
    nothing = builder.enter(module, v.Scale(0.0), one, suffix="_zeros")
    parts, count = [one], int(one.shape.dims[0] or 1)
    for place, lacks in enumerate(sides):
        while lacks > 0:
            took = min(lacks, count)
            part = nothing if took == count else builder.cut(module, nothing, 1, 0, took)
            parts = [part, *parts] if place == 0 else [*parts, part]
            lacks -= took
    return builder.joined(module, parts, 1)
