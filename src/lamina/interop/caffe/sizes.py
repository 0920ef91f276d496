"""Inputs whose sizes the file doesn't say: found by the weights behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.interop.caffe.convert import convert
from lamina.interop.caffe.inputs import Fed, batch_of, readers_size
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.source import Entry
from lamina.interop.notes import Notes

if TYPE_CHECKING:
    import numpy as np

MOST_SIDE = 1024
Blobs = Mapping[str, Sequence["np.ndarray"]]


def sized(fed: list[Fed], entries: Sequence[Entry], labels: set[str], steps: set[str], stored: Blobs, notes: Notes) -> list[Fed]:
    """All inputs with sizes, as far as they can be found; the others are noted."""
    found = []
    for one in fed:
        if one.dims is not None or one.name in labels:
            found.append(one)
            continue
        dims = _by_weights(one, fed, entries, labels, steps, stored)
        if dims is None:
            notes.miss(
                one.path,
                expected="the sizes of a sample",
                got="none",
                cause="the data that it reads say them, and the weights don't tell",
                fix=f"say them: --input {one.name}=3,224,224, or inputs={{{one.name!r}: lm.image(3, 224, 224)}}",
            )
        else:
            notes.assume(one.path, f"samples of {' x '.join(map(str, dims[1:]))}, which fit the weights")
        found.append(replace(one, dims=dims))
    return found


def _by_weights(
    one: Fed, fed: Sequence[Fed], entries: Sequence[Entry], labels: set[str], steps: set[str], stored: Blobs
) -> tuple[int, ...] | None:
    batch = 1 if one.layer is None else batch_of(one.layer)
    first = _first(one.name, entries)
    blob = stored[first.name][0] if first is not None and stored.get(first.name) else None
    if first is not None and blob is not None and first.type == "InnerProduct":
        turned = first.settings("inner_product_param").boolean("transpose")
        size = blob.shape[-2] if turned and blob.ndim >= 2 else blob.shape[-1] if blob.ndim else 0
        return (batch, size) if size else None
    if first is None or first.type != "Convolution":
        return None
    if blob is not None and blob.ndim >= 3:
        channels = blob.shape[1] * max(first.settings("convolution_param").integer("group", 1), 1)
    else:
        means = len(one.layer.settings("transform_param").numbers("mean_value")) if one.layer is not None else 0
        channels = 3 if means == 3 or (one.layer is not None and one.layer.type == "ImageData") else 0
    size = readers_size(one.layer) if one.layer is not None else None
    if size is not None and channels:
        return batch, channels, *size
    return _square(one, batch, channels, fed, entries, labels, steps, stored) if channels else None


def _first(name: str, entries: Sequence[Entry]) -> Entry | None:
    """The first layer with weights that takes a blob, through such as treat each number by itself."""
    names = {name}
    for entry in entries:
        if entry.bottoms and entry.bottoms[0] in names:
            if entry.type in ("Convolution", "InnerProduct"):
                return entry
            if entry.type in ("ReLU", "Dropout", "Power", "BatchNorm", "Scale", "LRN", "Split", "AbsVal"):
                names.update(entry.tops)
    return None


def _square(
    one: Fed, batch: int, channels: int, fed: Sequence[Fed], entries: Sequence[Entry], labels: set[str], steps: set[str], stored: Blobs
) -> tuple[int, ...] | None:
    """The side of square images for which the weights behind fit; the one that can be halved most often, of several."""
    products = {entry.name for entry in entries if entry.type == "InnerProduct" and stored.get(entry.name)}
    if not products:
        return None

    def fits(side: int) -> int:
        net = Net(Notes(""), {})
        trial = [replace(other, dims=(batch, channels, side, side)) if other.name == one.name else other for other in fed]
        convert(net, entries, trial, labels, steps)
        if net.notes.missing:
            return -1
        gaps = [math.prod(k.shape) - stored[k.layer][0].size for k in net.kept if k.layer in products and k.index == 0]
        return next((gap for gap in gaps if gap), 0)

    low, high = 1, MOST_SIDE
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(middle) < 0 else (low, middle)
    found: list[int] = []
    while low <= MOST_SIDE and len(found) < 64 and fits(low) == 0:
        found.append(low)
        low += 1
    if not found:
        return None
    side = max(found, key=lambda size: size & -size)
    return batch, channels, side, side
