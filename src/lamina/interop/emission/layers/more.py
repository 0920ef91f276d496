"""Layers that are asked for less often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.interop.emission.activations import activate
from lamina.interop.emission.drawing import emits
from lamina.interop.emission.layers.vertices import normalized
from lamina.interop.emission.layers.windows import sides, to_channels
from lamina.network.layers import (
    GLU,
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AugMix,
    AutoEncoder,
    CenterCrop,
    CenterLossOutput,
    GatedLinearUnit,
    Highway,
    Maxout,
    PNormPool1d,
    PNormPool2d,
    PNormPool3d,
    RandAugment,
    RandomBlur,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomElastic,
    RandomErasing,
    RandomFlip,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    SumPool1d,
    SumPool2d,
    SumPool3d,
    UnitNorm,
)
from lamina.network.layers.activity_penalty import ActivityPenalty
from lamina.network.layers.einsum_dense import EinsumDense
from lamina.network.layers.layer import spatial_axes
from lamina.shapes import Image, Volume

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen

_RANDOM = (
    *(AugMix, RandAugment, RandomBlur, RandomBrightness, RandomColorDegeneration, RandomColorJitter, RandomContrast, RandomElastic),
    *(RandomErasing, RandomFlip, RandomGrayscale, RandomHue, RandomInvert, RandomPerspective, RandomPosterization, RandomRotation),
    *(RandomSaturation, RandomSharpness, RandomShear, RandomTranslation, RandomZoom),
)
"""What changes pictures in training only."""


@emits(ActivityPenalty, *_RANDOM)
def _training_only(pen: Pen, x: Value) -> Value:  # noqa: ARG001 (nothing is written)
    return x


@emits(AutoEncoder, CenterLossOutput)
def _linear(pen: Pen, x: Value) -> Value:
    return pen.op("linear", x, weights=pen.weights("weight", "bias"))


@emits(EinsumDense)
def _einsum(pen: Pen, x: Value) -> Value:
    y = pen.op("einsum", x, pen.need("weight"), equation=pen.layer.equation, rank=1 + len(pen.node.output_shape.dims))
    bias = pen.weight("bias")
    return y if bias is None else pen.op("add", y, bias)


@emits(UnitNorm)
def _unit(pen: Pen, x: Value) -> Value:
    return normalized(pen, x)


def _halves(pen: Pen, y: Value, axis: int, size: int) -> tuple[Value, Value]:
    return pen.slice(y, axis, 0, size), pen.slice(y, axis, size, 2 * size)


@emits(GLU)
def _glu(pen: Pen, x: Value) -> Value:
    axis = 1 if isinstance(pen.shape, Image | Volume) else x.rank - 1
    value, gate = _halves(pen, x, axis, (pen.shape.dims[axis - 1] or 0) // 2)
    return pen.op("mul", value, activate(pen, gate, pen.layer.gate))


@emits(GatedLinearUnit)
def _gated(pen: Pen, x: Value) -> Value:
    both = pen.linear(x, "", "weight", "bias")
    value, gate = _halves(pen, both, both.rank - 1, pen.need("weight").shape[0] // 2)
    return pen.op("mul", value, activate(pen, gate, pen.layer.gate))


@emits(Highway)
def _highway(pen: Pen, x: Value) -> Value:
    both = pen.linear(x, "", "weight", "bias")
    value, gate = _halves(pen, both, both.rank - 1, pen.need("weight").shape[0] // 2)
    apart = pen.op("sub", activate(pen, value, pen.layer.activation), x)
    return pen.op("add", x, pen.op("mul", pen.op("sigmoid", gate), apart))


@emits(Maxout)
def _maxout(pen: Pen, x: Value) -> Value:
    pieces = int(pen.layer.pieces)
    y = pen.linear(x, "", "weight", "bias")
    kept = [("same", axis) for axis in range(y.rank - 1)]
    return pen.reduce("amax", pen.reshape(y, *kept, pieces, pen.need("weight").shape[0] // pieces), y.rank - 1)


@emits(SumPool1d, SumPool2d, SumPool3d, PNormPool1d, PNormPool2d, PNormPool3d)
def _sum_pool(pen: Pen, x: Value) -> Value:
    """Averages that count what is added, times the window."""
    layer = pen.layer
    p = float(layer.p) if hasattr(layer, "p") else None
    y = to_channels(pen, x)
    y = y if p is None else pen.op("pow", pen.op("abs", y), p)
    settings: dict[str, Any] = {"window": layer.window, "strides": layer.strides, "pads": sides(pen), "include": True}
    if settings["pads"] == "ceil" or any(dilation != 1 for dilation in getattr(layer, "dilations", ())):
        pen.refuse("sums over windows that are dilated, or end where only the data say", "give the input a fixed length")
    y = pen.op("mul", pen.op("avg_pool", y, **settings), float(math.prod(layer.window)))
    y = y if p is None else pen.op("pow", y, 1 / p)
    return to_channels(pen, y)


@emits(AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
def _adaptive(pen: Pen, x: Value) -> Value:
    """Windows of one size, where the sizes that are wanted divide those that are there; else each window by itself."""
    sizes, wanted = spatial_axes(pen.shape), pen.layer.sizes
    average = isinstance(pen.layer, AdaptiveAvgPool1d | AdaptiveAvgPool2d | AdaptiveAvgPool3d)
    if None in sizes:
        pen.refuse("adaptive pooling of sequences whose length only the data say", "give the input a fixed length")
    known = [(size or 1, want) for size, want in zip(sizes, wanted, strict=True)]
    y = to_channels(pen, x)
    if all(size % want == 0 for size, want in known):
        window = tuple(size // want for size, want in known)
        settings: dict[str, Any] = {"window": window, "strides": window, "pads": ((0, 0),) * len(window)}
        more = {"include": True} if average else {"dilations": (1,) * len(window)}
        return to_channels(pen, pen.op("avg_pool" if average else "max_pool", y, **settings, **more))
    for axis, (size, want) in enumerate(known, 2):
        ends = [(place * size // want, -(-(place + 1) * size // want)) for place in range(want)]
        parts = [pen.reduce("mean" if average else "amax", pen.slice(y, axis, *pair), axis, keep=True) for pair in ends]
        y = parts[0] if len(parts) == 1 else pen.op("concat", *parts, axis=axis)
    return to_channels(pen, y)


@emits(CenterCrop, RandomCrop)
def _crop(pen: Pen, x: Value) -> Value:
    """The middle, where it is smaller."""
    for axis, (size, want) in enumerate(zip(pen.shape.dims[1:], pen.node.output_shape.dims[1:], strict=True), 2):
        size, want = size or 1, want or 1
        if want > size:
            pen.refuse("a crop that is larger than the picture", "make pictures larger before")
        if want < size:
            first = (size - want) // 2
            x = pen.slice(x, axis, first, first + want)
    return x
