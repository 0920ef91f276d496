"""Vertices: what joins, cuts and compares values."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from lamina.interop.emission.drawing import emits
from lamina.network.vertices import (
    Add,
    Average,
    Bilinear,
    Concat,
    CosineSimilarity,
    Dot,
    DuplicateToSteps,
    Gather,
    L2Distance,
    L2Normalize,
    Max,
    Min,
    Multiply,
    PairwiseDistance,
    PoolHelper,
    ReverseSteps,
    Scale,
    Shift,
    Slice,
    Split,
    Stack,
    Subtract,
    Unstack,
)
from lamina.shapes import Features, Image, Volume

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen

_WORDS = {Add: "add", Subtract: "sub", Multiply: "mul", Max: "maximum", Min: "minimum", Average: "add"}


@emits(*_WORDS)
def _joined(pen: Pen, *inputs: Value) -> Value:
    word = _WORDS[type(pen.layer)]
    y = reduce(lambda one, other: pen.op(word, one, other), inputs)
    return pen.op("div", y, float(len(inputs))) if type(pen.layer) is Average else y


@emits(Scale)
def _scale(pen: Pen, x: Value) -> Value:
    y = pen.op("mul", x, float(pen.layer.factor))
    return pen.op("add", y, float(pen.layer.offset)) if pen.layer.offset else y


@emits(Shift)
def _shift(pen: Pen, x: Value) -> Value:
    return pen.op("add", x, float(pen.layer.offset))


@emits(Concat)
def _concat(pen: Pen, *inputs: Value) -> Value:
    return pen.op("concat", *inputs, axis=1 + int(pen.layer.axis_of(pen.shape)))


@emits(Slice)
def _slice(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    return pen.slice(x, 1 + int(layer.place_in(pen.shape)), layer.start, layer.stop, layer.step)


@emits(Split)
def _split(pen: Pen, x: Value) -> Value:
    place = pen.layer.place_in(pen.shape)
    start, stop = pen.layer.bounds(pen.shape.dims[place] or 0)
    return pen.slice(x, 1 + place, start, stop)


@emits(Gather)
def _gather(pen: Pen, x: Value, places: Value | None = None) -> Value:
    if places is not None:
        return pen.op("take_steps", x, places)
    return pen.op("gather", x, pen.constant(np.asarray(pen.layer.indices), "indices"), axis=1 + int(pen.layer.place_in(pen.shape)))


@emits(Stack)
def _stack(pen: Pen, *inputs: Value) -> Value:
    return pen.op("concat", *(pen.unsqueeze(x, 1) for x in inputs), axis=1)


@emits(Unstack)
def _unstack(pen: Pen, x: Value) -> Value:
    return pen.take(x, 1, int(pen.layer.index))


@emits(DuplicateToSteps)
def _duplicate(pen: Pen, x: Value, steps: Value) -> Value:
    sizes = ("value", "value", *(size or 1 for size in pen.shape.dims))
    return pen.op("expand", pen.unsqueeze(x, 1), pen.size(x, 0), pen.size(steps, 1), sizes=sizes)


@emits(ReverseSteps)
def _reverse(pen: Pen, x: Value) -> Value:
    return pen.op("flip", x, axis=1)


@emits(PoolHelper)
def _pool_helper(pen: Pen, x: Value) -> Value:
    return pen.slice(pen.slice(x, 2, 1), 3, 1)


@emits(Bilinear)
def _bilinear(pen: Pen, x: Value, y: Value) -> Value:
    """``x W y`` for each output."""
    z = pen.op("einsum", x, pen.need("weight"), y, equation="...i,oij,...j->...o")
    bias = pen.weight("bias")
    return z if bias is None else pen.op("add", z, bias)


@emits(Dot)
def _dot(pen: Pen, x: Value, y: Value) -> Value:
    words, axes = [], []
    for axis, shape, rest in zip(pen.layer.pair, pen.node.input_shapes, "xy", strict=True):
        vector = isinstance(shape, Features)
        axes.append(1 if vector or axis == "steps" else 2)
        words.append("z" if vector else f"z{rest}" if axis == "steps" else f"{rest}z")
    if pen.layer.normalize:
        x, y = (_unit(pen, value, axis, 1e-6) for value, axis in zip((x, y), axes, strict=True))
    if pen.layer.each_step:
        return pen.reduce("sum", pen.op("mul", x, y), x.rank - 1, keep=True)
    left = "".join(letter for word in words for letter in word if letter != "z")
    z = pen.op("einsum", x, y, equation=f"b{words[0]},b{words[1]}->b{left}", rank=1 + len(left))
    return z if left else pen.unsqueeze(z, 1)


def _unit(pen: Pen, x: Value, axis: int, epsilon: float) -> Value:
    """Each vector divided by its length, which counts as at least epsilon."""
    return pen.op("div", x, pen.op("clamp", pen.reduce("l2", x, axis, keep=True), minimum=epsilon, maximum=None))


def _vectors(pen: Pen, *inputs: Value) -> tuple[int, list[Value]]:
    whole = pen.layer.over == "sample" and len(pen.shape.dims) > 1
    axis = 1 if whole or isinstance(pen.shape, Image | Volume) else len(pen.shape.dims)
    return axis, [pen.op("flatten", x, rank=2) if whole else x for x in inputs]


@emits(CosineSimilarity)
def _cosine(pen: Pen, *inputs: Value) -> Value:
    axis, (x, y) = _vectors(pen, *inputs)
    epsilon = float(pen.layer.epsilon)
    return pen.reduce("sum", pen.op("mul", _unit(pen, x, axis, epsilon), _unit(pen, y, axis, epsilon)), axis, keep=True)


@emits(L2Distance)
def _distance(pen: Pen, *inputs: Value) -> Value:
    axis, (x, y) = _vectors(pen, *inputs)
    return pen.reduce("l2", pen.op("sub", x, y), axis, keep=True)


@emits(PairwiseDistance)
def _pairwise(pen: Pen, *inputs: Value) -> Value:
    axis, (x, y) = _vectors(pen, *inputs)
    p = float(pen.layer.p)
    between = pen.op("abs", pen.op("add", pen.op("sub", x, y), float(pen.layer.epsilon)))
    if p == float("inf"):
        return pen.reduce("amax", between, axis, keep=True)
    return pen.op("pow", pen.reduce("sum", pen.op("pow", between, p), axis, keep=True), 1 / p)


@emits(L2Normalize)
def normalized(pen: Pen, x: Value) -> Value:
    """Each vector divided by its length."""
    axis, (flat,) = _vectors(pen, x)
    y = _unit(pen, flat, axis, float(pen.layer.epsilon))
    return y if flat is x else pen.reshape(y, pen.size(x, 0), *(-1 if size is None else size for size in pen.shape.dims))
