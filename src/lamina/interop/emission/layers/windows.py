"""Layers of sliding windows: convolutions, pooling, borders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.interop.emission.drawing import emits
from lamina.network.layers import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Cropping1d,
    Cropping2d,
    Cropping3d,
    DepthwiseConv1d,
    DepthwiseConv2d,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPNormPool,
    GlobalSumPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Padding1d,
    Padding2d,
    Padding3d,
    SeparableConv1d,
    SeparableConv2d,
    Upsampling1d,
    Upsampling2d,
    Upsampling3d,
    ZeroPadding1d,
    ZeroPadding2d,
    ZeroPadding3d,
)
from lamina.network.layers.layer import last_axis, spatial_axes
from lamina.network.layers.window import pads
from lamina.shapes import Sequence

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


def sides(pen: Pen) -> Any:
    """Positions to add before and after each axis; ``same`` or ``ceil`` where only the data's lengths say it."""
    layer = pen.layer
    each = zip(spatial_axes(pen.shape), layer.window, layer.strides, layer.dilations, getattr(layer, "sides", layer.paddings), strict=True)
    found = []
    for size, window, stride, dilation, padding in each:
        if size is None and padding == "ceil":
            return "ceil"
        if size is None and padding == "same" and stride > 1:
            return "same"
        found.append(pads(1 if size is None else size, window, stride, dilation, padding))
    return tuple(found)


def to_channels(pen: Pen, x: Value) -> Value:
    """Sequences with features where images have channels."""
    return pen.transpose(x, 0, 2, 1) if isinstance(pen.shape, Sequence) else x


def _conv(pen: Pen, x: Value, weights: dict[str, str], groups: int, part: str = "") -> Value:
    layer = pen.layer
    settings = {"strides": layer.strides, "pads": sides(pen), "dilations": layer.dilations}
    return pen.op("conv", x, weights=pen.weights(**weights), groups=groups, part=part, **settings)


@emits(Conv1d, Conv2d, Conv3d)
def _convolution(pen: Pen, x: Value) -> Value:
    y = _conv(pen, to_channels(pen, x), {"weight": "weight", "bias": "bias"}, int(getattr(pen.layer, "groups", 1)))
    return to_channels(pen, y)


@emits(DepthwiseConv1d, DepthwiseConv2d)
def _depthwise(pen: Pen, x: Value) -> Value:
    y = _conv(pen, to_channels(pen, x), {"weight": "weight", "bias": "bias"}, last_axis(pen.shape))
    return to_channels(pen, y)


@emits(SeparableConv1d, SeparableConv2d)
def _separable(pen: Pen, x: Value) -> Value:
    y = _conv(pen, to_channels(pen, x), {"weight": "depthwise_weight"}, last_axis(pen.shape), "depthwise")
    ones = (1,) * pen.layer.spatial
    weights = pen.weights("bias", weight="pointwise_weight")
    settings = {"strides": ones, "pads": ((0, 0),) * len(ones), "dilations": ones, "groups": 1}
    return to_channels(pen, pen.op("conv", y, weights=weights, part="pointwise", **settings))


@emits(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _transposed(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    both = tuple(first for first, _ in layer.crops)
    extra = tuple(max(first - last, 0) for first, last in layer.crops)
    cuts = [max(last - first, 0) for first, last in layer.crops]
    settings = {"strides": layer.strides, "crops": both, "extra": extra, "dilations": layer.dilations, "groups": int(layer.groups)}
    y = pen.op("conv_transpose", to_channels(pen, x), weights=pen.weights("weight", "bias"), **settings)
    for axis, cut in enumerate(cuts, 2):
        if cut:
            y = pen.slice(y, axis, 0, -cut)
    return to_channels(pen, y)


@emits(MaxPool1d, MaxPool2d, MaxPool3d)
def _max_pool(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    settings = {"window": layer.window, "strides": layer.strides, "pads": sides(pen), "dilations": layer.dilations}
    return to_channels(pen, pen.op("max_pool", to_channels(pen, x), **settings))


@emits(AvgPool1d, AvgPool2d, AvgPool3d)
def _avg_pool(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    if any(dilation != 1 for dilation in layer.dilations):
        pen.refuse("average pooling with dilation")
    y, added, include = to_channels(pen, x), sides(pen), bool(layer.include_padding)
    if include and getattr(layer, "rounding", "down") == "up":
        # What is padded by the layer's own number counts, what lies behind does not.
        numbers = [0 if pad == "valid" else int(pad) for pad in layer.paddings]
        inner = tuple(tuple(min(side, number) for side in pair) for pair, number in zip(added, numbers, strict=True))
        added = tuple((first[0] - own[0], first[1] - own[1]) for first, own in zip(added, inner, strict=True))
        y, include = pen.op("pad", y, pads=((0, 0), (0, 0), *inner), mode="constant", value=0.0), False
    settings = {"window": layer.window, "strides": layer.strides, "pads": added, "include": include}
    return to_channels(pen, pen.op("avg_pool", y, **settings))


@emits(GlobalAvgPool, GlobalMaxPool, GlobalSumPool, GlobalPNormPool, masks=True)
def _global(pen: Pen, x: Value) -> Value:
    kind = type(pen.layer)
    axes = (1,) if isinstance(pen.shape, Sequence) else tuple(range(2, x.rank))
    pen.mask = None
    real = pen.masks[0]
    if real is not None:
        fill = -math.inf if kind is GlobalMaxPool else 0.0
        x = pen.op("where", pen.unsqueeze(real, 2), x, fill, gives="float")
    count = None if real is None else pen.reduce("sum", pen.op("cast", real, to="float", gives="float"), 1, keep=True)
    y = _pooled(pen, x, axes, count)
    if count is None:
        return y
    return pen.op("where", pen.op("equal", count, 0.0, gives="bool"), 0.0, y, gives="float")


def _pooled(pen: Pen, x: Value, axes: tuple[int, ...], count: Value | None) -> Value:
    kind = type(pen.layer)
    if kind is GlobalMaxPool:
        return pen.reduce("amax", x, *axes)
    if kind is GlobalSumPool:
        return pen.reduce("sum", x, *axes)
    if kind is GlobalPNormPool:
        p = float(pen.layer.p)
        return pen.op("pow", pen.reduce("sum", pen.op("pow", pen.op("abs", x), p), *axes), 1 / p)
    if count is None:
        return pen.reduce("mean", x, *axes)
    return pen.op("div", pen.reduce("sum", x, *axes), pen.op("clamp", count, minimum=1.0, maximum=None))


@emits(ZeroPadding1d, ZeroPadding2d, ZeroPadding3d, Padding1d, Padding2d, Padding3d)
def _padding(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    mode, value = getattr(layer, "mode", "constant"), float(getattr(layer, "value", 0.0))
    pairs = list(layer.amounts)
    full = [(0, 0), *pairs, (0, 0)] if isinstance(pen.shape, Sequence) else [(0, 0), (0, 0), *pairs]
    if mode != "constant" and isinstance(pen.shape, Sequence):
        y = pen.op("pad", pen.transpose(x, 0, 2, 1), pads=((0, 0), (0, 0), *pairs), mode=mode, value=value)
        return pen.transpose(y, 0, 2, 1)
    return pen.op("pad", x, pads=tuple(full), mode=mode, value=value)


@emits(Cropping1d, Cropping2d, Cropping3d)
def _cropping(pen: Pen, x: Value) -> Value:
    first = 1 if isinstance(pen.shape, Sequence) else 2
    for axis, (before, after) in enumerate(pen.layer.amounts, first):
        if before or after:
            x = pen.slice(x, axis, before, -after if after else None)
    return x


@emits(Upsampling1d, Upsampling2d, Upsampling3d)
def _upsampling(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    y = pen.op("upsample", to_channels(pen, x), factors=tuple(layer.factors), mode=layer.mode, align=bool(layer.align_corners))
    return to_channels(pen, y)
