"""Pooling, with Caffe's rounding up."""

from __future__ import annotations

from typing import Any

from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import converts, one_or_all
from lamina.interop.caffe.source import Entry
from lamina.interop.protobuf.message import Message
from lamina.network import layers as ls


def _pair(given: Message, name: str, default: int) -> tuple[int, int]:
    key = {"kernel": "kernel_size", "stride": "stride", "pad": "pad"}[name]
    if given.has(f"{name}_h") or given.has(f"{name}_w"):
        return given.integer(f"{name}_h", default), given.integer(f"{name}_w", default)
    return (given.integer(key, default),) * 2


def pooled(size: int, kernel: int, stride: int, pad: int, *, up: bool) -> int:
    """Windows along an axis, by Caffe's rule."""
    found = (-(-(size + 2 * pad - kernel) // stride) if up else (size + 2 * pad - kernel) // stride) + 1
    return found - 1 if pad and (found - 1) * stride >= size + pad else found


@converts("Pooling")
def pooling(layer: Entry, net: Net) -> None:
    """The largest or the average of each window."""
    given, x = layer.settings("pooling_param"), net.take(layer)
    if x.rank != 4 or x.batch:
        net.refuse(layer, expected="samples, channels, height and width", got=f"{list(x.dims)}")
    word = given.word("pool", "MAX")
    if word == "STOCHASTIC":
        net.refuse(layer, expected="MAX or AVE", got="STOCHASTIC, which draws a place of each window by chance", fix="train with AVE")
    if given.boolean("global_pooling"):
        kernel, stride, pad = (x.dims[2], x.dims[3]), (1, 1), (0, 0)
    else:
        kernel, stride, pad = _pair(given, "kernel", 0), _pair(given, "stride", 1), _pair(given, "pad", 0)
    if min(kernel) < 1 or min(stride) < 1 or min(pad) < 0 or max(*kernel, *stride, *pad) > 1 << 24:
        net.refuse(layer, expected="a kernel and a stride of 1 or more", got=f"kernel {kernel}, stride {stride}, pad {pad}")
    node = window(layer, net, x, word, kernel, stride, pad, up=given.word("round_mode", "CEIL") == "CEIL")
    if len(layer.tops) > 1:
        net.notes.miss(layer.path, expected="one top", got="a second one, the place of each largest value", fix="remove the second top")
    sizes = [pooled(*each, up=given.word("round_mode", "CEIL") == "CEIL") for each in zip(x.dims[2:], kernel, stride, pad, strict=True)]
    net.give(layer, node, (*x.dims[:2], *sizes))


def window(layer: Entry, net: Net, x: Blob | str, word: str, kernel: Any, stride: Any, pad: Any, *, up: bool, end: str = "") -> str:
    """A node that pools."""
    common: dict[str, Any] = {"stride": one_or_all(stride), "padding": one_or_all(pad), "rounding": "up" if up else "down"}
    size: Any = one_or_all(kernel)
    if word == "AVE":
        # Caffe counts the padding of a window, as far as it reaches.
        return net.add(layer, lambda: ls.AvgPool2d(size, include_padding=True, **common), x, end=end)
    return net.add(layer, lambda: ls.MaxPool2d(size, **common), x, end=end)
