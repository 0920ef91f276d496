"""Converters of layers: what they are given, and where they are entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.source import Entry
from lamina.interop.protobuf.message import Message

if TYPE_CHECKING:
    from lamina.network.initializers import Initializer

Converter = Callable[[Entry, Net], None]
"""Adds nodes for a layer and says which of them gives each top."""
CONVERTERS: dict[str, Converter] = {}
F = TypeVar("F", bound=Converter)


def converts(*kinds: str) -> Callable[[F], F]:
    """Decorator: this function converts layers of these types."""

    def enter(function: F) -> F:
        for kind in kinds:
            CONVERTERS[kind] = function
        return function

    return enter


def axis_of(layer: Entry, net: Net, blob: Blob, axis: int) -> int:
    """An axis counted from 0; negative ones count from the end.

    Raises:
        Unknown: If the blob has no such axis.
    """
    found = axis + blob.rank if axis < 0 else axis
    if not 0 <= found < blob.rank:
        net.refuse(layer, expected=f"an axis of the {blob.rank} of {list(blob.dims)}", got=axis, fix="the file is damaged: get it again")
    return found


def initializer(layer: Entry, net: Net, filler: Message | None) -> Initializer:
    """How weights start."""
    from lamina.network import initializers as i

    kind = "constant" if filler is None else filler.text("type", "constant")
    where = f"{layer.path}, filler"
    if filler is None or kind == "constant":
        value = 0.0 if filler is None else filler.number("value", 0.0)
        return i.Zeros() if value == 0 else i.Constant(value)
    if kind == "gaussian":
        if filler.has("sparse") and filler.integer("sparse", -1) >= 0:
            net.notes.lose(where, "weights that start as 0 but for some: all start by chance")
        return i.Normal(filler.number("mean", 0.0), abs(filler.number("std", 1.0)) or 1e-30)
    if kind == "uniform":
        low, high = filler.number("min", 0.0), filler.number("max", 1.0)
        return i.Uniform(low, high) if low < high else i.Constant(low)
    modes = {"FAN_IN": "fan_in", "FAN_OUT": "fan_out", "AVERAGE": "fan_avg"}
    mode: Any = modes.get(filler.word("variance_norm", "FAN_IN"), "fan_in")
    if kind == "xavier":
        return i.VarianceScaling(1.0, mode, "uniform")
    if kind == "msra":
        return i.VarianceScaling(2.0, mode, "normal")
    if kind == "bilinear":
        return i.XavierUniform()  # its numbers follow from the shape: the convolution sets them
    net.notes.lose(where, f"the filler {kind!r}, which has no counterpart: weights that no file holds start with Xavier's")
    return i.XavierUniform()


def several(values: list[int], axes: int, default: int) -> tuple[int, ...]:
    """One number for each axis, of none, one or all."""
    if not values:
        return (default,) * axes
    return tuple(values) if len(values) == axes else (values[0],) * axes


def one_or_all(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where all are alike."""
    return values[0] if len({*values}) == 1 else values
