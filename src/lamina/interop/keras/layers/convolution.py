"""Convolutions of all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras.layers.core import activated, kernel_and_bias, own_activation
from lamina.interop.keras.layers.steps import by_step
from lamina.interop.keras.net import Value
from lamina.interop.keras.piece import Made, SourceLayer, converts, has_bias
from lamina.interop.keras.source import Generation
from lamina.network import layers as ls
from lamina.shapes import Series

OLD_WINDOWS = {1: ("filter_length",), 2: ("nb_row", "nb_col"), 3: ("kernel_dim1", "kernel_dim2", "kernel_dim3")}
CONVOLUTIONS: dict[int, Any] = {1: ls.Conv1d, 2: ls.Conv2d, 3: ls.Conv3d}
TRANSPOSED: dict[int, Any] = {1: ls.ConvTranspose1d, 2: ls.ConvTranspose2d, 3: ls.ConvTranspose3d}
PADDINGS: dict[int, Any] = {1: ls.ZeroPadding1d, 2: ls.ZeroPadding2d, 3: ls.ZeroPadding3d}


def axes_of(source: SourceLayer) -> int:
    """How many axes a window slides along, by the name of the class."""
    return next(axes for axes in (1, 2, 3) if f"{axes}D" in source.kind)


def window(source: SourceLayer, axes: int) -> tuple[int, ...]:
    """Size of the window."""
    if source.config.get("kernel_size") is not None or not all(name in source.config for name in OLD_WINDOWS[axes]):
        return source.sizes(axes, "kernel_size")
    return tuple(source.whole(name) for name in OLD_WINDOWS[axes])


def strides(source: SourceLayer, axes: int) -> tuple[int, ...]:
    """Steps of the window."""
    return source.sizes(axes, "strides", "subsample", "subsample_length")


def dilations(source: SourceLayer, axes: int) -> tuple[int, ...]:
    """Distances between the positions of the window."""
    return source.sizes(axes, "dilation_rate", "atrous_rate")


def one(values: tuple[int, ...]) -> Any:
    """A size for one axis, or for several."""
    return values[0] if len(values) == 1 else values


def correlated(source: SourceLayer, kernel: Any, axes: int, *, at: int = 0) -> Any:
    """A window as it is here: Theano turns it around, along all of its axes.

    Args:
        source: The layer.
        kernel: The array.
        axes: Axes of the window.
        at: The first of them.
    """
    if source.back.backend != "theano":
        return kernel
    turned = [slice(None)] * kernel.ndim
    for axis in range(at, at + axes):
        turned[axis] = slice(None, None, -1)
    return kernel[tuple(turned)]


def from_kernel(source: SourceLayer, kernel: Any, axes: int) -> Any:
    """``[filters, channels, *window]`` from any layout there was."""
    if source.generation == "1":
        if axes == 1:  # [length, 1, channels, filters]
            kernel = kernel.reshape(kernel.shape[0], *kernel.shape[-2:])
        elif source.first:
            return correlated(source, kernel, axes, at=2)
    turned = kernel.transpose(axes + 1, axes, *range(axes))
    return correlated(source, turned, axes, at=2)


def padded(source: SourceLayer, value: Value, size: tuple[int, ...], step: tuple[int, ...], apart: tuple[int, ...]) -> tuple[Value, Any]:
    """What pads, with the data, padded where Theano does it in its own way."""
    axes = len(size)
    mode = source.word("padding", "border_mode", default="valid")
    if mode == "causal" and axes == 1:
        return value, "causal"
    reach = [(k - 1) * d + 1 for k, d in zip(size, apart, strict=True)]
    if mode == "full":
        return value, one(tuple(k - 1 for k in reach))
    if mode not in ("same", "valid"):
        raise source.stop(name="padding", expected="valid or same")
    if mode == "valid" or source.back.backend != "theano":
        return value, mode
    # Theano pads half of the window on both sides, whatever the stride, and cuts off what is too much.
    before = tuple(k // 2 for k in reach)
    after = tuple(k - 1 - k // 2 for k in reach)
    if before == after:
        return value, one(before)
    sides: Any = (before[0], after[0]) if axes == 1 else tuple(zip(before, after, strict=True))
    return source.put(source.build(PADDINGS[axes], sides), value, name=f"{source.name}_padding"), "valid"


def biased(given: Mapping[str, Any]) -> dict[str, Any]:
    """The bias, if there is one."""
    return {"bias": given["bias"]} if "bias" in given else {}


@converts(
    *("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D"),
    *("AtrousConvolution1D", "AtrousConvolution2D", "AtrousConv1D", "AtrousConv2D"),
    weights=kernel_and_bias,
)
def convolution(source: SourceLayer) -> Made:
    """Along steps, over images, through volumes."""
    axes = axes_of(source)
    if isinstance(source.inputs[0].shape, Series) and source.inputs[0].rank != axes + 1:
        return by_step(source, source.inputs[0])
    value, bias = source.windowed(axes), source.bias
    given = source.arrays(["kernel", *(["bias"] if bias else [])])
    size, step, apart = window(source, axes), strides(source, axes), dilations(source, axes)
    function, behind = own_activation(source, value.order, source.activation("activation"))
    value, pads = padded(source, value, size, step, apart)
    layer = source.build(
        CONVOLUTIONS[axes],
        source.whole("filters", "nb_filter"),
        kernel=one(size),
        stride=one(step),
        padding=pads,
        dilation=one(apart),
        groups=source.whole("groups", default=1),
        activation=function,
        bias=bias,
        **source.common(),
    )
    made = source.put(layer, value, arrays={"weight": from_kernel(source, given["kernel"], axes), **biased(given)}, masked=False)
    return activated(source, made, behind)


@converts(
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Deconvolution2D", "Deconvolution3D"),
    *("Convolution1DTranspose", "Convolution2DTranspose", "Convolution3DTranspose"),
    weights=kernel_and_bias,
)
def transposed(source: SourceLayer) -> Made:
    """Transposed convolutions."""
    axes = axes_of(source)
    value, bias = source.windowed(axes), source.bias
    given = source.arrays(["kernel", *(["bias"] if bias else [])])
    size, step, apart = window(source, axes), strides(source, axes), dilations(source, axes)
    function, behind = own_activation(source, value.order, source.activation("activation"))
    settings: dict[str, Any] = {"kernel": one(size), "stride": one(step), "dilation": one(apart), "bias": bias, **source.common()}
    kernel = given["kernel"]
    if source.generation == "1" and source.first:  # [filters, channels, *window]
        weight = correlated(source, kernel.transpose(1, 0, *range(2, axes + 2)), axes, at=2)
    elif source.generation == "1":  # [*window, channels, filters]
        weight = correlated(source, kernel.transpose(axes, axes + 1, *range(axes)), axes, at=2)
    else:  # [*window, filters, channels]
        weight = correlated(source, kernel.transpose(axes + 1, axes, *range(axes)), axes, at=2)
    pads, extra = _cut(source, size, step, apart)
    if pads == "grown":
        return _grown(source, value, settings, weight, biased(given), (function, behind))
    layer = source.build(
        TRANSPOSED[axes], source.whole("filters", "nb_filter"), padding=pads, output_padding=extra, activation=function, **settings
    )
    made = source.put(layer, value, arrays={"weight": weight, **biased(given)}, masked=False)
    return activated(source, made, behind)


def _cut(source: SourceLayer, size: tuple[int, ...], step: tuple[int, ...], apart: tuple[int, ...]) -> tuple[Any, Any]:
    """Padding, and what is added at the end."""
    mode = source.word("padding", "border_mode", default="valid")
    extra = source.get("output_padding")
    reach = [(k - 1) * d + 1 for k, d in zip(size, apart, strict=True)]
    if mode not in ("same", "valid"):
        raise source.stop(name="padding", expected="valid or same")
    if extra is not None:
        more = source.sizes(len(size), "output_padding", default=0, least=0)
        cut = tuple(k // 2 if mode == "same" else 0 for k in reach)
        return one(cut), one(more)
    if source.back.backend == "theano" and mode == "same":
        cut = tuple(k // 2 for k in reach)
        more = tuple(2 * c + s - k for c, s, k in zip(cut, step, reach, strict=True))
        if any(m < 0 or m >= max(s, d) for m, s, d in zip(more, step, apart, strict=True)):
            raise source.stop(name="padding", expected="valid", cause="Theano cuts off another part of this window than everybody else")
        return one(cut), one(more)
    if mode == "valid" and any(s > k for s, k in zip(step, reach, strict=True)):
        return "grown", 0  # Keras gives whole strides, also where the window is shorter.
    return mode, 0


def _grown(
    source: SourceLayer, value: Value, settings: Mapping[str, Any], weight: Any, rest: Mapping[str, Any], functions: tuple[Any, Any]
) -> Made:
    """Behind a window shorter than its stride, Keras gives zeros and the bias, so that sizes are whole multiples."""
    size, step = settings["kernel"], settings["stride"]
    sizes = size if isinstance(size, tuple) else (size,)
    steps = step if isinstance(step, tuple) else (step,)
    # The window is filled up with zeros, which computes the same.
    import numpy as np

    more = [(0, 0), (0, 0), *((0, max(s - k, 0)) for k, s in zip(sizes, steps, strict=True))]
    wide = tuple(max(k, s) for k, s in zip(sizes, steps, strict=True))
    layer = source.build(
        TRANSPOSED[len(sizes)], source.whole("filters", "nb_filter"), activation=functions[0], **{**settings, "kernel": one(wide)}
    )
    made = source.put(layer, value, arrays={"weight": np.pad(weight, more), **rest}, masked=False)
    return activated(source, made, functions[1])


def _separable(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("depthwise", "pointwise", *(("bias",) if has_bias(config) else ())), ()


@converts("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D", weights=_separable)
def separable(source: SourceLayer) -> Made:
    """Each channel by itself, then all mixed."""
    axes = axes_of(source)
    value, bias = source.windowed(axes), source.bias
    given = source.arrays(["depthwise", "pointwise", *(["bias"] if bias else [])])
    size, step, apart = window(source, axes), strides(source, axes), dilations(source, axes)
    function, behind = own_activation(source, value.order, source.activation("activation"))
    value, pads = padded(source, value, size, step, apart)
    units, many = source.whole("filters", "nb_filter"), source.whole("depth_multiplier", default=1)
    layer = source.build(
        ls.SeparableConv1d if axes == 1 else ls.SeparableConv2d,
        units,
        kernel=one(size),
        stride=one(step),
        padding=pads,
        dilation=one(apart),
        multiplier=many,
        activation=function,
        bias=bias,
        **source.common(weights="depthwise"),
    )
    depth, point = given["depthwise"], given["pointwise"]
    if source.generation == "1" and source.first:  # [multiplier, channels, *window], [filters, channels multiplier, 1, 1]
        depth, flat = depth.transpose(1, 0, 2, 3), point.reshape(point.shape[0], -1)
    else:  # [*window, channels, multiplier], [1 ..., channels multiplier, filters]
        depth, flat = depth.transpose(axes, axes + 1, *range(axes)), point.reshape(-1, point.shape[-1]).T
    depth = correlated(source, depth.reshape(-1, 1, *size), axes, at=2)
    arrays = {"depthwise_weight": depth, "pointwise_weight": flat.reshape(*flat.shape, *(1,) * axes), **biased(given)}
    return activated(source, source.put(layer, value, arrays=arrays, masked=False), behind)


def _depthwise(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("depthwise", *(("bias",) if has_bias(config) else ())), ()


@converts("DepthwiseConv1D", "DepthwiseConv2D", weights=_depthwise)
def depthwise(source: SourceLayer) -> Made:
    """Each channel by itself."""
    axes = axes_of(source)
    value, bias = source.windowed(axes), source.bias
    given = source.arrays(["depthwise", *(["bias"] if bias else [])])
    size, step, apart = window(source, axes), strides(source, axes), dilations(source, axes)
    function, behind = own_activation(source, value.order, source.activation("activation"))
    value, pads = padded(source, value, size, step, apart)
    layer = source.build(
        ls.DepthwiseConv1d if axes == 1 else ls.DepthwiseConv2d,
        one(size),
        stride=one(step),
        padding=pads,
        dilation=one(apart),
        multiplier=source.whole("depth_multiplier", default=1),
        activation=function,
        bias=bias,
        **source.common(weights="depthwise"),
    )
    kernel = given["depthwise"].transpose(axes, axes + 1, *range(axes))
    weight = correlated(source, kernel.reshape(-1, 1, *kernel.shape[2:]), axes, at=2)
    return activated(source, source.put(layer, value, arrays={"weight": weight, **biased(given)}, masked=False), behind)


@converts("LocallyConnected1D", "LocallyConnected2D", weights=kernel_and_bias)
def local(source: SourceLayer) -> Made:
    """Weights of their own at every position."""
    axes = axes_of(source)
    value, bias = source.windowed(axes), source.bias
    given = source.arrays(["kernel", *(["bias"] if bias else [])])
    if source.whole("implementation", default=1) != 1:
        raise source.stop(name="implementation", expected="1", cause="the other ways keep zeros for all that isn't connected")
    size, step = window(source, axes), strides(source, axes)
    function, behind = own_activation(source, value.order, source.activation("activation"))
    mode = source.word("padding", "border_mode", default="valid")
    if mode not in ("valid", "same"):
        raise source.stop(name="padding", expected="valid or same")
    filters = source.whole("filters", "nb_filter")
    layer = source.build(
        ls.LocallyConnected1d if axes == 1 else ls.LocallyConnected2d,
        filters,
        kernel=one(size),
        stride=one(step),
        padding=mode,
        activation=function,
        bias=bias,
        bias_per_position=bias,
        **source.common(),
    )
    kernel = given["kernel"]
    count = value.shape.dims[-1 if axes == 1 else 0] or 1
    places, _, units = kernel.shape if kernel.ndim == 3 else (0, 0, 0)
    if not places or kernel.size != places * units * count * _product(size):
        raise source.stop(name="kernel_size", expected="weights of every position")
    if source.first and axes == 2:  # a window's numbers by channel
        weight = kernel.transpose(0, 2, 1)
    else:  # by position, then channel
        spread = kernel.reshape(places, *size, count, units)
        weight = spread.transpose(0, axes + 2, axes + 1, *range(1, axes + 1)).reshape(places, units, -1)
    arrays = {"weight": weight}
    if bias:
        own = given["bias"]
        if source.first and axes == 2 and own.shape[0] == filters and own.ndim == 3 and own.shape[-1] != filters:
            own = own.transpose(1, 2, 0)
        arrays["bias"] = own.reshape(places, units)
    return activated(source, source.put(layer, value, arrays=arrays, masked=False), behind)


def _product(sizes: tuple[int, ...]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found
