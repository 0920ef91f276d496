"""Convolutions over images and volumes, and what undoes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts, initializer, one_or_all, several
from lamina.interop.caffe.source import Entry
from lamina.interop.protobuf.message import Message
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer

if TYPE_CHECKING:
    import numpy as np

_DEPTHWISE = ("ConvolutionDepthwise", "DepthwiseConvolution", "DepthwiseConv")


def windows(given: Message, axes: int, layer: Entry, net: Net) -> dict[str, tuple[int, ...]]:
    """Kernel, stride, padding and dilation along each axis.

    Raises:
        Unknown: If they are not as many as there are axes, or too small.
    """
    found: dict[str, tuple[int, ...]] = {}
    for name, key, default in (("kernel", "kernel_size", 0), ("stride", "stride", 1), ("padding", "pad", 0), ("dilation", "dilation", 1)):
        short = {"kernel": "kernel", "stride": "stride", "padding": "pad"}.get(name, "")
        listed = given.integers(key)
        if short and (given.has(f"{short}_h") or given.has(f"{short}_w")):
            if axes != 2:
                net.refuse(layer, expected=f"{key} for each of {axes} axes", got=f"{short}_h and {short}_w, which are for images")
            values: tuple[int, ...] = (given.integer(f"{short}_h", default), given.integer(f"{short}_w", default))
        elif len(listed) not in (0, 1, axes):
            net.refuse(layer, expected=f"{key} once, or for each of {axes} axes", got=f"{listed}"[:80])
        else:
            values = several(listed, axes, default)
        if min(values) < (0 if name == "padding" else 1) or max(values) > 1 << 24:
            net.refuse(layer, expected=f"{key} of 1 or more", got=list(values), fix="the file is damaged: get it again")
        found[name] = values
    return found


def _spatial(layer: Entry, net: Net, x: Blob, given: Message) -> int:
    """How many axes the window slides along."""
    axis = axis_of(layer, net, x, given.integer("axis", 1))
    if x.batch != 0 or axis != 1:
        net.refuse(layer, expected="samples along axis 0 and channels along axis 1", got=f"channels along axis {axis} of {list(x.dims)}")
    axes = x.rank - 2
    if not 1 <= axes <= 3:
        net.refuse(layer, expected="1 to 3 axes behind the channels", got=f"{list(x.dims)}")
    return axes


@converts("Convolution", "Deconvolution", *_DEPTHWISE)
def convolution(layer: Entry, net: Net) -> None:
    """Of one, two or three axes; one axis is an image of width 1."""
    given = layer.settings("convolution_param")
    x = net.take(layer)
    axes = _spatial(layer, net, x, given)
    settings = windows(given, axes, layer, net)
    channels, filters = x.dims[1], given.integer("num_output")
    groups = max(given.integer("group", 1), 1) if layer.type not in _DEPTHWISE else channels
    if filters < 1 or filters % groups or channels % groups:
        net.refuse(layer, expected=f"channels and filters of {groups} groups", got=f"{channels} channels, {filters} filters")
    bias, back = given.boolean("bias_term", default=True), layer.type == "Deconvolution"
    kind: Any = (ls.ConvTranspose2d, ls.ConvTranspose3d) if back else (ls.Conv2d, ls.Conv3d)
    window = settings["kernel"]
    one = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
    spread = {name: one_or_all(values if axes > 1 else (*values, one[name])) for name, values in settings.items()}

    def made() -> Layer:
        return kind[axes == 3](  # type: ignore[no-any-return]
            filters,
            groups=groups,
            bias=bias,
            initializer=initializer(layer, net, given.message("weight_filler")),
            bias_initializer=initializer(layer, net, given.message("bias_filler")),
            **spread,
            **net.training(layer, bias=1 if bias else None),
        )

    node = net.add(layer, made, x)
    shape = (channels, filters // groups, *window) if back else (filters, channels // groups, *window)
    net.keep(layer, node, 0, "weight", shape, (lambda array: array[..., None]) if axes == 1 else (lambda array: array))
    filler = given.message("weight_filler")
    if f"{node}/weight" in net.fresh and axes == 2 and filler is not None and filler.text("type") == "bilinear":
        net.fresh.discard(f"{node}/weight")
        net.arrays[f"{node}/weight"] = bilinear(shape)
    if bias:
        net.keep(layer, node, 1, "bias", (filters,))
    sizes = [_size(size, *each, back=back) for size, *each in zip(x.dims[2:], *settings.values(), strict=True)]
    net.give(layer, node, (x.dims[0], filters, *sizes))


def bilinear(shape: tuple[int, ...]) -> np.ndarray:
    """Weights with which a transposed convolution enlarges by straight lines, as Caffe's filler has them."""
    import numpy as np

    # Of the width, for both axes; as Caffe 1.0 has it, older versions set odd widths off their middle.
    half = -(-shape[-1] // 2)
    line = [1 - np.abs(np.arange(size) / half - (shape[-1] - 1) / (2 * half)) for size in shape[2:]]
    found: np.ndarray = np.broadcast_to(np.outer(*line), shape).astype(np.float32)
    return found


def _size(size: int, kernel: int, stride: int, pad: int, dilation: int, *, back: bool) -> int:
    reach = dilation * (kernel - 1) + 1
    return stride * (size - 1) + reach - 2 * pad if back else (size + 2 * pad - reach) // stride + 1
