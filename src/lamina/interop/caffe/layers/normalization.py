"""Normalisation, and factors and shifts for channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.interop.caffe.blob import Blob, axis_name
from lamina.interop.caffe.layers.operators import Step, operators
from lamina.interop.caffe.layers.pooling import window
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts, initializer
from lamina.interop.caffe.source import Entry
from lamina.network import initializers as i
from lamina.network import layers as ls

if TYPE_CHECKING:
    import numpy as np


@converts("BatchNorm")
def batch_norm(layer: Entry, net: Net) -> None:
    """By statistics that the file keeps as sums, with the weight of all batches beside them."""
    given, x = layer.settings("batch_norm_param"), net.take(layer)
    channels = x.dims[1] if x.rank > 1 else 1
    if x.batch or x.rank < 2:
        net.refuse(layer, expected="channels along axis 1", got=f"{list(x.dims)}")
    keep, epsilon = given.number("moving_average_fraction", 0.999), given.number("eps", 1e-5)
    if not 0 <= keep < 1 or epsilon <= 0:
        net.refuse(layer, expected="a moving_average_fraction below 1 and an eps above 0", got=f"{keep:g} and {epsilon:g}")
    fixed = given.has("use_global_stats") and given.boolean("use_global_stats")
    settings: dict[str, Any] = {"frozen": True} if fixed else {}
    made = lambda: ls.BatchNorm(epsilon=epsilon, momentum=1 - keep, statistics="all", scale=False, bias=False, **settings)  # noqa: E731
    node = net.add(layer, made, x)
    blobs = net.given.get(layer.name, [])
    weight = float(blobs[2].reshape(-1)[0]) if len(blobs) > 2 and blobs[2].size else 0.0

    def divided(array: np.ndarray) -> np.ndarray:
        return array / weight if weight else array * 0

    net.keep(layer, node, 0, "running_mean", (channels,), divided, trained=False)
    net.keep(layer, node, 1, "running_var", (channels,), divided, trained=False)
    net.keep(layer, node, 2, "weight_of_batches", (1,), trained=False)
    net.give(layer, node, x.dims)


@converts("Scale", "Bias")
def scale(layer: Entry, net: Net) -> None:
    """Factors and shifts: learnt ones, or those that another blob holds."""
    given = layer.settings("scale_param" if layer.type == "Scale" else "bias_param")
    if len(layer.bottoms) > 1:
        _by_blob(layer, net)
        return
    x = net.take(layer)
    axis = axis_of(layer, net, x, given.integer("axis", 1))
    count = given.integer("num_axes", 1)
    end = x.rank if count == -1 else axis + count
    bias = layer.type == "Bias" or given.boolean("bias_term")
    factors = layer.type == "Scale"
    shape = x.dims[axis:end]
    name = axis_name(x, axis)
    shared = (
        "all"
        if count == 0
        else "positions"
        if end == axis + 1 and name in ("channels", "features")
        else "none"
        if (axis, end) == (1, x.rank)
        else ""
    )
    if x.batch and shared != "positions":
        shared = ""
    if not shared or end > x.rank:
        net.refuse(
            layer,
            expected="a number for each channel, for each number of a sample, or one for all",
            got=f"axes {axis} to {end} of {list(x.dims)}",
        )
    begin = initializer(layer, net, given.message("filler")) if given.has("filler") else i.Constant(1.0 if factors else 0.0)
    start = begin.value if isinstance(begin, i.Constant) else 0.0 if isinstance(begin, i.Zeros) else 1.0
    shift = initializer(layer, net, given.message("bias_filler" if factors else "filler"))
    settings = net.training(layer, weight=0, bias=(1 if factors else 0) if bias else None)
    made = lambda: ls.ElementwiseMultiplication(  # noqa: E731
        start, bias=bias, factors=factors, shared=shared, decayed=True, bias_initializer=shift, **settings
    )
    node = net.add(layer, made, x)
    own = (1,) if shared == "all" else shape if shared == "positions" else tuple(d or 1 for d in net.shapes[node].dims)
    places = {"weight": 0, "bias": 1} if factors else {"bias": 0}
    for key in ("weight", "bias") if bias and factors else ("weight",) if factors else ("bias",):
        net.keep(layer, node, places[key], key, shape if shared != "all" else (1,), lambda array: array.reshape(own))
    net.give(layer, node, x.dims, batch=x.batch)


def _by_blob(layer: Entry, net: Net) -> None:
    """Factors or shifts for the first axes of a blob, or some behind ``axis``, that another one holds."""
    given = layer.settings("scale_param" if layer.type == "Scale" else "bias_param")
    x, other = net.take(layer, 0), net.take(layer, 1)
    axis = axis_of(layer, net, x, given.integer("axis", 1))
    if axis != 0 or x.batch or other.batch or other.dims[1:] != x.dims[1 : other.rank]:
        net.refuse(
            layer, expected="a second blob with samples along axis 0: axis: 0", got=f"axis {axis}, {list(x.dims)} and {list(other.dims)}"
        )
    if layer.type == "Scale" and given.boolean("bias_term"):
        net.refuse(layer, expected="no bias_term beside factors that another blob holds", got="one")
    node = operators(
        layer,
        net,
        [("Mul" if layer.type == "Scale" else "Add", ["x", "y"], ["z"], {})],
        {"x": x, "y": _wide(layer, net, other, x)},
        "z",
        x.shape,
    )
    net.give(layer, node, x.dims)


def _wide(layer: Entry, net: Net, other: Blob, x: Blob) -> str:
    """A blob with as many axes as another, of 1 behind its own."""
    from lamina.interop.caffe.layers.dense import reshaped

    return reshaped(layer, net, other.node, (*other.dims, *(1,) * (x.rank - other.rank)))


@converts("LRN")
def local_response(layer: Entry, net: Net) -> None:
    """Each number divided by what its neighbours hold: in other channels, or around it."""
    given, x = layer.settings("lrn_param"), net.take(layer)
    size, alpha, beta = given.integer("local_size", 5), given.number("alpha", 1.0), given.number("beta", 0.75)
    if size < 1 or size % 2 == 0 or size > 1 << 20 or not math.isfinite(alpha) or not math.isfinite(beta):
        net.refuse(layer, expected="an odd local_size", got=size)
    if given.word("norm_region", "ACROSS_CHANNELS") != "ACROSS_CHANNELS":
        node = _within(layer, net, x, size, alpha, beta)
        net.give(layer, node, x.dims)
        return
    node = net.add(layer, lambda: ls.LocalResponseNorm(size, alpha=alpha / size, beta=beta, k=given.number("k", 1.0)), x)
    net.give(layer, node, x.dims, batch=x.batch)


def _within(layer: Entry, net: Net, x: Blob, size: int, alpha: float, beta: float) -> str:
    """``x (1 + alpha a)^-beta`` with the average ``a`` of the squares around."""
    if x.rank != 4 or x.batch:
        net.refuse(layer, expected="samples, channels, height and width", got=f"{list(x.dims)}")
    squares = operators(layer, net, [("Mul", ["x", "x"], ["y"], {})], {"x": x}, "y", x.shape, end="squares")
    pad = (size - 1) // 2
    around = window(layer, net, squares, "AVE", (size, size), (1, 1), (pad, pad), up=True, end="around")
    steps: list[Step] = [
        ("Mul", ["a", "alpha"], ["p"], {}),
        ("Add", ["p", "one"], ["q"], {}),
        ("Pow", ["q", "beta"], ["r"], {}),
        ("Mul", ["x", "r"], ["y"], {}),
    ]
    return operators(layer, net, steps, {"x": x, "a": around}, "y", x.shape, constants={"alpha": alpha, "one": 1.0, "beta": -beta})


@converts("Normalize")
def normalize(layer: Entry, net: Net) -> None:
    """Vectors of length 1, times factors that are learnt (SSD)."""
    given, x = layer.settings("norm_param"), net.take(layer)
    if x.rank != 4 or x.batch:
        net.refuse(layer, expected="samples, channels, height and width", got=f"{list(x.dims)}")
    axes = [1, 2, 3] if given.boolean("across_spatial", default=True) else [1]
    epsilon = given.number("eps", 1e-10)
    steps: list[Any] = [
        ("Mul", ["x", "x"], ["s"], {}),
        ("ReduceSum", ["s", "axes"], ["t"], {"keepdims": 1}),
        ("Add", ["t", "epsilon"], ["u"], {}),
        ("Sqrt", ["u"], ["n"], {}),
        ("Div", ["x", "n"], ["y"], {}),
    ]
    lengths = operators(layer, net, steps, {"x": x}, "y", x.shape, constants={"axes": axes, "epsilon": epsilon}, end="length")
    shared = given.boolean("channel_shared", default=True)
    begin = initializer(layer, net, given.message("scale_filler")) if given.has("scale_filler") else i.Constant(1.0)
    start = begin.value if isinstance(begin, i.Constant) else 0.0
    settings = net.training(layer, bias=None)
    kind = "all" if shared else "positions"
    node = net.add(layer, lambda: ls.ElementwiseMultiplication(start, bias=False, shared=kind, decayed=True, **settings), lengths)
    net.keep(layer, node, 0, "weight", (1,) if shared else (x.dims[1],))
    net.give(layer, node, x.dims)
