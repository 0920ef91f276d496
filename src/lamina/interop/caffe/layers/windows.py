"""Patches, pyramids of pooling, pieces of images, and other sizes of them."""

from __future__ import annotations

from typing import Any

from lamina.interop.caffe.blob import Blob, axis_name, shape_of
from lamina.interop.caffe.layers.convolution import windows
from lamina.interop.caffe.layers.operators import operators
from lamina.interop.caffe.layers.pooling import window
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts, one_or_all
from lamina.interop.caffe.source import Entry
from lamina.network import layers as ls
from lamina.network import vertices as vs
from lamina.shapes import Image


def _image(layer: Entry, net: Net) -> Blob:
    x = net.take(layer)
    if x.rank != 4 or x.batch:
        net.refuse(layer, expected="samples, channels, height and width", got=f"{list(x.dims)}")
    return x


@converts("Im2col")
def patches(layer: Entry, net: Net) -> None:
    """All that a convolution's window sees, as channels."""
    x = _image(layer, net)
    settings = windows(layer.settings("convolution_param"), 2, layer, net)
    sizes = [
        (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, pad, dilation in zip(
            x.dims[2:], settings["kernel"], settings["stride"], settings["padding"], settings["dilation"], strict=True
        )
    ]
    channels = x.dims[1] * settings["kernel"][0] * settings["kernel"][1]
    spread: dict[str, Any] = {name: one_or_all(values) for name, values in settings.items()}
    found = net.add(layer, lambda: ls.Unfold(**spread), x, end="patches")
    turned = net.add(layer, lambda: ls.Permute([2, 1]), found, end="channels")
    node = net.add(layer, lambda: ls.Reshape(Image(channels, *sizes)), turned)
    net.give(layer, node, (x.dims[0], channels, *sizes))


@converts("SPP")
def pyramid(layer: Entry, net: Net) -> None:
    """Pooling to 1, 4, 16 ... parts, side by side."""
    given, x = layer.settings("spp_param"), _image(layer, net)
    height, word = given.integer("pyramid_height"), given.word("pool", "MAX")
    if not 1 <= height <= 12 or word not in ("MAX", "AVE"):
        net.refuse(layer, expected="a pyramid_height of 1 to 12, and MAX or AVE", got=f"{height} and {word}")
    rows, total = [], 0
    for level in range(height):
        parts = 1 << level
        kernel = tuple(-(-size // parts) for size in x.dims[2:])
        pad = tuple((k * parts - size + 1) // 2 for k, size in zip(kernel, x.dims[2:], strict=True))
        pooled = window(layer, net, x, word, kernel, kernel, pad, up=True, end=f"level_{level}")
        if net.shapes[pooled].dims[1:] != (parts, parts):
            net.refuse(layer, expected=f"{parts} x {parts} parts", got=f"an image of {x.dims[2]} x {x.dims[3]}, too small for them")
        rows.append(net.add(layer, ls.Flatten(), pooled, end=f"row_{level}"))
        total += x.dims[1] * parts * parts
    node = net.add(layer, vs.Concat(), *rows) if len(rows) > 1 else net.add(layer, ls.IdentityLayer(), rows[0])
    net.give(layer, node, (x.dims[0], total))


@converts("Crop")
def crop(layer: Entry, net: Net) -> None:
    """A piece of a blob as large as another one."""
    given, x, like = layer.settings("crop_param"), net.take(layer, 0), net.take(layer, 1)
    axis, offsets = axis_of(layer, net, x, given.integer("axis", 2)), given.integers("offset")
    count = x.rank - axis
    if x.batch or like.rank != x.rank or axis < 1 or len(offsets) not in (0, 1, count):
        net.refuse(
            layer, expected="blobs with the same axes, cut within each sample", got=f"axis {axis} of {list(x.dims)} and {list(like.dims)}"
        )
    starts = offsets if len(offsets) == count else (offsets or [0]) * count
    node, dims = x.node, list(x.dims)
    for place, start in enumerate(starts):
        at = axis + place
        stop, name = start + like.dims[at], axis_name(x, at)
        if stop > x.dims[at] or start < 0:
            net.refuse(layer, expected=f"a piece within {list(x.dims)}", got=f"{start} to {stop} of axis {at}")
        if (start, stop) != (0, x.dims[at]):
            node = net.add(layer, lambda start=start, stop=stop, name=name: vs.Slice(start, stop, axis=name), node, end=name)  # type: ignore[misc]
        dims[at] = like.dims[at]
    if node == x.node:
        node = net.add(layer, ls.IdentityLayer(), x)
    net.give(layer, node, tuple(dims))


@converts("Interp")
def interpolate(layer: Entry, net: Net) -> None:
    """Another size by straight lines between corners that stay corners (DeepLab)."""
    given, x = layer.settings("interp_param"), _image(layer, net)
    begin, after = given.integer("pad_beg"), given.integer("pad_end")
    if begin > 0 or after > 0:
        net.refuse(layer, expected="pad_beg and pad_end of at most 0", got=f"{begin} and {after}")
    node = x.node
    sizes = [size + begin + after for size in x.dims[2:]]
    if begin or after:
        node = net.add(layer, lambda: ls.Cropping2d(((-begin, -after), (-begin, -after))), x, end="cut")
    wanted = _wanted(layer, net, sizes)
    shape = shape_of((x.dims[0], x.dims[1], *wanted))
    if shape is None or max(wanted) > 1 << 16:
        net.refuse(layer, expected="a height and a width of 1 or more", got=f"{wanted}")
    attributes = {"coordinate_transformation_mode": "align_corners", "mode": "linear", "axes": [2, 3]}
    steps = [("Resize", ["x", "", "", "sizes"], ["y"], attributes)]
    done = operators(layer, net, steps, {"x": node}, "y", shape, constants={"sizes": wanted})
    net.give(layer, done, (x.dims[0], x.dims[1], *wanted))


def _wanted(layer: Entry, net: Net, sizes: list[int]) -> list[int]:
    given = layer.settings("interp_param")
    shrink, zoom = given.integer("shrink_factor", 1), given.integer("zoom_factor", 1)
    if shrink < 1 or zoom < 1:
        net.refuse(layer, expected="factors of 1 or more", got=f"{shrink} and {zoom}")
    if given.has("height") and given.has("width"):
        return [given.integer("height"), given.integer("width")]
    found = [(size - 1) // shrink + 1 for size in sizes]
    return [size + (size - 1) * (zoom - 1) for size in found]


@converts("Upsample")
def upsample(layer: Entry, net: Net) -> None:
    """Every number as a block."""
    given, x = layer.settings("upsample_param"), _image(layer, net)
    scale = given.integer("scale", 2)
    if len(layer.bottoms) > 1 or given.has("upsample_h") or given.has("scale_h") or scale < 1:
        net.refuse(layer, expected="one bottom and a scale", got="places of a pooling layer, or sizes of its own")
    node = net.add(layer, lambda: ls.Upsampling2d(scale), x)
    net.give(layer, node, (*x.dims[:2], x.dims[2] * scale, x.dims[3] * scale))
