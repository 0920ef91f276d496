"""Pooling, padding, cropping, and growing."""

from __future__ import annotations

from typing import Any

from lamina.interop.keras.layers.convolution import PADDINGS, axes_of, one
from lamina.interop.keras.layers.steps import by_step
from lamina.interop.keras.net import KINDS, Value, identity
from lamina.interop.keras.piece import Made, SourceLayer, converts
from lamina.network import layers as ls
from lamina.shapes import Series

MAXIMA: dict[int, Any] = {1: ls.MaxPool1d, 2: ls.MaxPool2d, 3: ls.MaxPool3d}
AVERAGES: dict[int, Any] = {1: ls.AvgPool1d, 2: ls.AvgPool2d, 3: ls.AvgPool3d}
CROPPINGS: dict[int, Any] = {1: ls.Cropping1d, 2: ls.Cropping2d, 3: ls.Cropping3d}
UPSAMPLINGS: dict[int, Any] = {1: ls.Upsampling1d, 2: ls.Upsampling2d, 3: ls.Upsampling3d}
MIXED = {"bilinear": "bilinear", "bicubic": "bicubic"}


@converts(
    *(f"{kind}{axes}D" for kind in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool") for axes in (1, 2, 3)),
)
def pooling(source: SourceLayer) -> Made:
    """The largest, or the average, of each window."""
    axes = axes_of(source)
    if isinstance(source.inputs[0].shape, Series) and source.inputs[0].rank != axes + 1:
        return by_step(source, source.inputs[0])
    value = source.windowed(axes)
    size = source.sizes(axes, "pool_size", "pool_length", default=2)
    step = source.sizes(axes, "strides", "stride") if source.get("strides", "stride") is not None else size
    mode = source.word("padding", "border_mode", default="valid")
    if mode not in ("valid", "same"):
        raise source.stop(name="padding", expected="valid or same")
    kind = (MAXIMA if source.kind.startswith("Max") else AVERAGES)[axes]
    if mode == "same" and source.back.backend == "theano":
        return _theano(source, kind, value, size, step)
    return source.put(source.build(kind, one(size), stride=one(step), padding=mode), value, masked=False)


def _theano(source: SourceLayer, kind: Any, value: Value, size: tuple[int, ...], step: tuple[int, ...]) -> Made:
    """Theano pads both sides, and takes as many windows as there should be."""
    pads = tuple(k - 2 if k > 2 and k % 2 else k - 1 for k in size)
    made = source.put(source.build(kind, one(size), stride=one(step), padding=one(pads)), value, masked=False)
    spatial = slice(0, 1) if len(size) == 1 else slice(1, None)
    wanted = [None if n is None else -(-n // s) for n, s in zip(value.shape.dims[spatial], step, strict=True)]
    more = [0 if n is None or w is None else n - w for n, w in zip(made.shape.dims[spatial], wanted, strict=True)]
    if not any(more):
        return made
    sides: Any = (0, more[0]) if len(size) == 1 else tuple((0, n) for n in more)
    return source.put(source.build(CROPPINGS[len(size)], sides), made, name=f"{source.name}_cut")


@converts(
    *(f"Global{kind}{axes}D" for kind in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool") for axes in (1, 2, 3)),
)
def global_pooling(source: SourceLayer) -> Made:
    """The largest, or the average, of everything."""
    axes = axes_of(source)
    if isinstance(source.inputs[0].shape, Series) and source.inputs[0].rank != axes + 1:
        return by_step(source, source.inputs[0])
    value = source.windowed(axes)
    layer: Any = ls.GlobalMaxPool() if "Max" in source.kind else ls.GlobalAvgPool()
    made = source.put(layer, value, order=(1,), masked=False)
    if not source.flag("keepdims"):
        return made
    count = made.shape.dims[0]
    sizes = [1] * axes
    dims = [count, *sizes] if source.first else [*sizes, count]
    kind = KINDS[len(dims)]
    shape = kind(**dict(zip(kind.axes, dims, strict=True)))
    return source.put(ls.Reshape(shape), made, name=f"{source.name}_kept", order=identity(axes + 1))


@converts(*(f"Adaptive{kind}Pooling{axes}D" for kind in ("Average", "Max") for axes in (1, 2, 3)))
def adaptive(source: SourceLayer) -> Made:
    """To an output of a given size."""
    axes = axes_of(source)
    kinds: dict[str, Any] = {
        "Average": {1: ls.AdaptiveAvgPool1d, 2: ls.AdaptiveAvgPool2d, 3: ls.AdaptiveAvgPool3d},
        "Max": {1: ls.AdaptiveMaxPool1d, 2: ls.AdaptiveMaxPool2d, 3: ls.AdaptiveMaxPool3d},
    }
    kind = kinds["Max" if "Max" in source.kind else "Average"][axes]
    return source.put(source.build(kind, one(source.sizes(axes, "output_size"))), source.windowed(axes), masked=False)


def _sides(source: SourceLayer, axes: int, *names: str) -> list[tuple[int, int]]:
    """Before and after, for each axis."""
    found = source.get(*names, default=1)
    listed: list[Any] = [found] * axes if isinstance(found, int) else list(found) if isinstance(found, list | tuple) else []
    if axes == 1 and len(listed) == 2 and all(isinstance(n, int) for n in listed):
        listed = [listed]
    if axes == 1 and len(listed) == 1 and isinstance(listed[0], int):
        listed = [(listed[0], listed[0])]
    if axes == 2 and len(listed) == 4:
        listed = [listed[:2], listed[2:]]
    pairs = [(n, n) if isinstance(n, int) else tuple(n) if isinstance(n, list | tuple) else () for n in listed]
    if len(pairs) != axes or not all(len(pair) == 2 and all(isinstance(n, int) and n >= 0 for n in pair) for pair in pairs):
        raise source.stop(names[0], f"two numbers for each of {axes} axes")
    return [(pair[0], pair[1]) for pair in pairs]


def _placed(source: SourceLayer, kinds: dict[int, Any], axes: int, *names: str) -> Made:
    if isinstance(source.inputs[0].shape, Series) and source.inputs[0].rank != axes + 1:
        return by_step(source, source.inputs[0])
    pairs = _sides(source, axes, *names)
    sides: Any = pairs[0] if axes == 1 else tuple(pairs)
    if not any(any(pair) for pair in pairs):
        return source.put(ls.IdentityLayer(), source.windowed(axes))
    return source.put(source.build(kinds[axes], sides), source.windowed(axes), masked=False)


@converts("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zeros(source: SourceLayer) -> Made:
    """Zeros around."""
    return _placed(source, PADDINGS, axes_of(source), "padding")


@converts("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(source: SourceLayer) -> Made:
    """Borders cut off."""
    return _placed(source, CROPPINGS, axes_of(source), "cropping")


@converts("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsampling(source: SourceLayer) -> Made:
    """Every position several times."""
    axes = axes_of(source)
    if isinstance(source.inputs[0].shape, Series) and source.inputs[0].rank != axes + 1:
        return by_step(source, source.inputs[0])
    size = source.sizes(axes, "size", "length", default=2)
    mode = source.word("interpolation", default="nearest")
    if mode != "nearest" and (mode not in MIXED or axes != 2):
        raise source.stop(name="interpolation", expected="nearest, bilinear or bicubic")
    settings = {} if mode == "nearest" else {"mode": MIXED[mode]}
    return source.put(source.build(UPSAMPLINGS[axes], one(size), **settings), source.windowed(axes), masked=False)
