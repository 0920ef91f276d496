"""Functions of numbers and figures of samples that become operators."""

from __future__ import annotations

import math
from typing import Any

from lamina.interop.caffe.blob import Blob, shape_of
from lamina.interop.caffe.layers.operators import Step, operators
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts
from lamina.interop.caffe.source import Entry
from lamina.interop.protobuf.message import Message
from lamina.network import vertices as vs


def _moved(given: Message) -> tuple[float, float]:
    return given.number("scale", 1.0), given.number("shift", 0.0)


def _each(layer: Entry, net: Net, x: Blob, steps: list[Step], constants: dict[str, Any]) -> None:
    """Operators on single numbers, from ``x`` to ``y``."""
    node = operators(layer, net, steps, {"x": x}, "y", x.shape, constants=constants)
    net.give(layer, node, x.dims, batch=x.batch)


@converts("Power")
def power(layer: Entry, net: Net) -> None:
    """``(shift + scale x) ^ power``."""
    given, x = layer.settings("power_param"), net.take(layer)
    (factor, offset), exponent = _moved(given), given.number("power", 1.0)
    if exponent == 1:
        node = net.add(layer, lambda: vs.Scale(factor, offset=offset), x)
        net.give(layer, node, x.dims, batch=x.batch)
        return
    moved = net.add(layer, lambda: vs.Scale(factor, offset=offset), x, end="moved") if (factor, offset) != (1.0, 0.0) else x.node
    node = operators(layer, net, [("Pow", ["x", "power"], ["y"], {})], {"x": moved}, "y", x.shape, constants={"power": exponent})
    net.give(layer, node, x.dims, batch=x.batch)


@converts("Exp", "Log")
def exponential(layer: Entry, net: Net) -> None:
    """``base ^ (shift + scale x)``, and the logarithm to a base of the same."""
    given, x = layer.settings("exp_param" if layer.type == "Exp" else "log_param"), net.take(layer)
    base, (factor, offset) = given.number("base", -1.0), _moved(given)
    if base != -1 and (base <= 0 or base == 1 or not math.isfinite(base)):
        net.refuse(layer, expected="a base above 0, or -1 for e", got=f"{base:g}")
    natural = 1.0 if base == -1 else math.log(base)
    if layer.type == "Exp":
        steps: list[Step] = [("Mul", ["x", "a"], ["p"], {}), ("Add", ["p", "b"], ["q"], {}), ("Exp", ["q"], ["y"], {})]
        _each(layer, net, x, steps, {"a": factor * natural, "b": offset * natural})
    else:
        steps = [("Mul", ["x", "a"], ["p"], {}), ("Add", ["p", "b"], ["q"], {}), ("Log", ["q"], ["r"], {}), ("Div", ["r", "n"], ["y"], {})]
        _each(layer, net, x, steps, {"a": factor, "b": offset, "n": natural})


@converts("AbsVal")
def absolute(layer: Entry, net: Net) -> None:
    """Without signs."""
    _each(layer, net, net.take(layer), [("Abs", ["x"], ["y"], {})], {})


@converts("Threshold")
def threshold(layer: Entry, net: Net) -> None:
    """1 above a threshold, 0 elsewhere."""
    limit = layer.settings("threshold_param").number("threshold", 0.0)
    steps: list[Step] = [("Greater", ["x", "limit"], ["t"], {}), ("CastLike", ["t", "x"], ["y"], {})]
    _each(layer, net, net.take(layer), steps, {"limit": limit})


@converts("Axpy")
def axpy(layer: Entry, net: Net) -> None:
    """``a x + y`` with a factor for each channel (squeeze and excitation)."""
    a, x, y = (net.take(layer, place) for place in range(3))
    if a.dims[:2] != x.dims[:2] or x.dims != y.dims or a.rank != x.rank or x.batch or math.prod(a.dims[2:]) != 1:
        net.refuse(layer, expected="a factor for each channel, and two equal blobs", got=f"{list(a.dims)}, {list(x.dims)}, {list(y.dims)}")
    steps: list[Step] = [("Mul", ["a", "x"], ["p"], {}), ("Add", ["p", "y"], ["z"], {})]
    net.give(layer, operators(layer, net, steps, {"a": a, "x": x, "y": y}, "z", x.shape), x.dims)


@converts("ArgMax")
def argmax(layer: Entry, net: Net) -> None:
    """Places of the largest numbers, or these themselves."""
    given, x = layer.settings("argmax_param"), net.take(layer)
    count, values = given.integer("top_k", 1), given.boolean("out_max_val")
    if x.batch or x.rank < 2:
        net.refuse(layer, expected="samples along axis 0", got=f"{list(x.dims)}")
    if given.has("axis"):
        axis = axis_of(layer, net, x, given.integer("axis"))
        if axis == 0 or not 1 <= count <= x.dims[axis]:
            net.refuse(layer, expected="an axis within each sample with top_k places", got=f"axis {axis} of {list(x.dims)}, top_k {count}")
        dims = tuple(count if place == axis else size for place, size in enumerate(x.dims))
        steps: list[Step] = [("TopK", ["x", "k"], ["v", "i"], {"axis": axis})]
    else:
        if not 1 <= count <= math.prod(x.dims[1:]):
            net.refuse(layer, expected=f"a top_k up to {math.prod(x.dims[1:]):,}", got=count)
        dims = (x.dims[0], 2 if values else 1, count)
        steps = [("Flatten", ["x"], ["f"], {"axis": 1}), ("TopK", ["f", "k"], ["v", "i"], {"axis": 1})]
    shape = shape_of(dims)
    if shape is None:
        net.refuse(layer, expected="1 to 5 axes", got=f"{list(dims)}")
    steps.append(("CastLike", ["i", "x"], ["places"], {}))
    constants: dict[str, Any] = {"k": [count], "first": [1], "last": [3]}
    if given.has("axis"):
        node = operators(layer, net, steps, {"x": x}, "v" if values else "places", shape, constants=constants)
    else:
        steps.append(("Unsqueeze", ["places", "first"], ["p"], {}))
        steps.append(("Unsqueeze", ["v", "first"], ["w"], {}))
        steps.append(("Concat", ["p", "w"] if values else ["p"], ["both"], {"axis": 1}))
        steps.append(("Unsqueeze", ["both", "last"], ["y"], {}))
        node = operators(layer, net, steps, {"x": x}, "y", shape, constants=constants)
    net.give(layer, node, dims)


@converts("Reduction")
def reduction(layer: Entry, net: Net) -> None:
    """Sum, sum of absolute values, of squares, or mean, of all axes from one on."""
    given, x = layer.settings("reduction_param"), net.take(layer)
    axis = axis_of(layer, net, x, given.integer("axis", 0))
    if axis == 0 or x.batch:
        net.refuse(layer, expected="axes within each sample", got=f"axis {axis} of {list(x.dims)}, which takes samples together")
    word = given.word("operation", "SUM")
    first = {"SUM": "Identity", "MEAN": "Identity", "ASUM": "Abs", "SUMSQ": "Mul"}.get(word)
    if first is None:
        net.refuse(layer, expected="SUM, ASUM, SUMSQ or MEAN", got=word)
    dims = x.dims[:axis]
    shape = shape_of(dims)
    if shape is None:
        net.refuse(layer, expected="1 to 5 axes", got=f"{list(dims)}")
    last = len(x.shape.dims) + 1
    more = len(shape.dims) + 1 - axis
    steps: list[Step] = [
        (first, ["x", "x"] if first == "Mul" else ["x"], ["a"], {}),
        ("ReduceMean" if word == "MEAN" else "ReduceSum", ["a", "axes"], ["b"], {"keepdims": 0}),
        ("Mul", ["b", "coeff"], ["c"], {}),
        ("Unsqueeze", ["c", "behind"], ["y"], {}) if more else ("Identity", ["c"], ["y"], {}),
    ]
    constants: dict[str, Any] = {
        "axes": list(range(axis, last)),
        "coeff": given.number("coeff", 1.0),
        "behind": list(range(axis, axis + more)) or [0],
    }
    net.give(layer, operators(layer, net, steps, {"x": x}, "y", shape, constants=constants), dims)


@converts("MVN")
def mean_variance(layer: Entry, net: Net) -> None:
    """Mean 0, and variance 1 if asked, of each channel's positions, or of all numbers of a sample."""
    given, x = layer.settings("mvn_param"), net.take(layer)
    if x.rank != 4 or x.batch:
        net.refuse(layer, expected="samples, channels, height and width", got=f"{list(x.dims)}")
    axes = [1, 2, 3] if given.boolean("across_channels") else [2, 3]
    steps: list[Step] = [("ReduceMean", ["x", "axes"], ["m"], {"keepdims": 1}), ("Sub", ["x", "m"], ["d"], {})]
    if given.boolean("normalize_variance", default=True):
        steps += [
            ("Mul", ["d", "d"], ["s"], {}),
            ("ReduceMean", ["s", "axes"], ["v"], {"keepdims": 1}),
            ("Sqrt", ["v"], ["r"], {}),
            ("Add", ["r", "eps"], ["n"], {}),
            ("Div", ["d", "n"], ["y"], {}),
        ]
    else:
        steps.append(("Identity", ["d"], ["y"], {}))
    _each(layer, net, x, steps, {"axes": axes, "eps": given.number("eps", 1e-9)})


@converts("Tile")
def tile(layer: Entry, net: Net) -> None:
    """An axis several times over."""
    given, x = layer.settings("tile_param"), net.take(layer)
    axis, count = axis_of(layer, net, x, given.integer("axis", 1)), given.integer("tiles")
    if axis <= x.batch or not 1 <= count <= 1 << 20:
        net.refuse(layer, expected="an axis within each sample, and 1 or more tiles", got=f"axis {axis} of {list(x.dims)}, {count} tiles")
    dims = tuple(size * count if place == axis else size for place, size in enumerate(x.dims))
    shape = shape_of(dims, x.batch)
    if shape is None or x.batch:
        net.refuse(layer, expected="1 to 5 axes, samples first", got=f"{list(dims)}")
    times = [count if place == axis else 1 for place in range(len(x.shape.dims) + 1)]
    node = operators(layer, net, [("Tile", ["x", "times"], ["y"], {})], {"x": x}, "y", shape, constants={"times": times})
    net.give(layer, node, dims)
