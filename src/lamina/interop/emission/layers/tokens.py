"""Tokens, their vectors and places, and masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lamina.interop.emission.drawing import emits
from lamina.network.layers import (
    ApplyMask,
    ClassToken,
    Embedding,
    FirstStep,
    MaskSteps,
    OneHot,
    PositionEmbedding,
    RepeatVector,
    SinusoidalPositions,
    TokenEmbedding,
)

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Operand, Value
    from lamina.interop.emission.pen import Pen

LONGEST = 4096
"""Steps for which sines are written down."""


@emits(Embedding, masks=True)
def _embedding(pen: Pen, x: Value) -> Value:
    pen.mask = _real(pen, x)
    return _vectors(pen, x)


def _vectors(pen: Pen, x: Value) -> Value:
    y, bias = pen.op("embedding", x, weights=pen.weights("weight"), gives="float", rank=x.rank + 1), pen.weight("bias")
    return y if bias is None else pen.op("add", y, bias)


def _real(pen: Pen, x: Value) -> Value | None:
    token = pen.layer.mask_token
    if token is None:
        return pen.masks[0]
    found = pen.op("not", pen.op("equal", x, int(token), gives="bool"))
    return found if pen.masks[0] is None else pen.op("and", found, pen.masks[0])


@emits(TokenEmbedding, masks=True)
def _token_embedding(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    pen.mask = _real(pen, x)
    y = _vectors(pen, x)
    if layer.scaled:
        y = pen.op("mul", y, math.sqrt(pen.node.output_shape.dims[-1] or 1))
    if layer.positions is None:
        return y
    if layer.positions == "learned":
        return pen.op("add", y, _rows(pen, y, pen.need("position"), pen.mask))
    return pen.op("add", y, _rows(pen, y, _sines(pen, 10000.0), pen.mask))


@emits(PositionEmbedding, masks=True)
def _positions(pen: Pen, x: Value) -> Value:
    pen.mask = pen.masks[0]
    return pen.op("add", x, _rows(pen, x, pen.need("weight"), pen.mask))


@emits(SinusoidalPositions, masks=True)
def _sinusoidal(pen: Pen, x: Value) -> Value:
    pen.mask = pen.masks[0]
    return pen.op("add", x, _rows(pen, x, _sines(pen, float(pen.layer.base)), pen.mask))


def places(pen: Pen, x: Value, mask: Value | None) -> Value:
    """Number of each step among the real ones, ``[1 or batch, steps]``; -1 for those that are not."""
    if mask is None:
        return pen.unsqueeze(pen.op("arange", pen.size(x, 1), gives="int", rank=1), 0)
    count = pen.op("cumsum", pen.op("cast", mask, to="int", gives="int"), axis=1)
    return pen.op("where", mask, pen.op("sub", count, 1), -1, gives="int")


def _rows(pen: Pen, x: Value, table: Operand, mask: Value | None) -> Value:
    """Rows of a table for the steps: the first ones, or those of the real steps."""
    if mask is not None:
        numbers = pen.op("maximum", places(pen, x, mask), 0)
        return pen.op("gather", table, numbers, axis=0, gives="float", rank=3)
    dims = pen.shape.dims
    if dims[0] is not None:
        return pen.slice(table, 0, 0, dims[0])
    return pen.op("head", table, pen.size(x, 1), gives="float", rank=2)


def _sines(pen: Pen, base: float) -> Operand:
    size = pen.node.output_shape.dims[-1] or 1
    length = pen.node.output_shape.dims[0] or getattr(pen.layer, "length", None) or LONGEST
    order = np.arange(size)
    angles = np.arange(length, dtype=np.float64)[:, None] / base ** (2 * (order // 2) / size)
    return pen.constant(np.where(order % 2 == 0, np.sin(angles), np.cos(angles)), "sines")


@emits(ClassToken)
def _class_token(pen: Pen, x: Value) -> Value:
    weight = pen.need("weight")
    features = pen.node.output_shape.dims[-1] or 1
    token = pen.op("expand", pen.reshape(weight, 1, 1, features), pen.size(x, 0), sizes=("value", 1, features), rank=3)
    return pen.op("concat", token, x, axis=1)


@emits(FirstStep)
def _first_step(pen: Pen, x: Value) -> Value:
    return pen.take(x, 1, 0)


@emits(RepeatVector)
def _repeat(pen: Pen, x: Value) -> Value:
    return pen.op("tile", pen.unsqueeze(x, 1), repeats=(1, int(pen.layer.count), *(1,) * (x.rank - 1)))


@emits(OneHot, masks=True)
def _one_hot(pen: Pen, x: Value) -> Value:
    depth, encode = pen.node.output_shape.dims[-1] or 1, pen.layer.encode
    mask, pen.mask = pen.masks[0], pen.masks[0] if encode == "steps" else None
    marks = pen.op("one_hot", x, depth=depth, gives="float", rank=x.rank + 1)
    if mask is not None:
        marks = _zeroed(pen, marks, mask)
    if encode == "steps":
        return marks
    return pen.reduce("amax" if encode == "any" else "sum", marks, 1)


@emits(MaskSteps, masks=True)
def _mask_steps(pen: Pen, x: Value) -> Value:
    other = pen.op("not", pen.op("equal", x, float(pen.layer.value), gives="bool"))
    found = pen.reduce("any", other, *range(2, x.rank))
    pen.mask = found if pen.masks[0] is None else pen.op("and", found, pen.masks[0])
    return _zeroed(pen, x, pen.mask)


@emits(ApplyMask, masks=True)
def _apply_mask(pen: Pen, x: Value) -> Value:
    pen.mask = None
    return x if pen.masks[0] is None else _zeroed(pen, x, pen.masks[0])


def _zeroed(pen: Pen, x: Value, mask: Value) -> Value:
    return pen.op("where", pen.unsqueeze(mask, *range(2, x.rank)), x, 0.0, gives="float")
