"""Blocks into channels and back, channels in another order, squeeze and excitation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.emission.activations import activate
from lamina.interop.emission.drawing import emits
from lamina.network.layers import ChannelShuffle, DepthToSpace, PixelShuffle, PixelUnshuffle, SpaceToDepth, SqueezeExcite
from lamina.shapes import Sequence

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


@emits(SpaceToDepth, PixelUnshuffle)
def _to_depth(pen: Pen, x: Value) -> Value:
    rows, columns = pen.layer.sizes
    channels, height, width = pen.shape.dims
    y = pen.reshape(x, ("same", 0), channels, height // rows, rows, width // columns, columns)
    order = (0, 3, 5, 1, 2, 4) if type(pen.layer) is SpaceToDepth else (0, 1, 3, 5, 2, 4)
    return pen.reshape(pen.transpose(y, *order), ("same", 0), *pen.node.output_shape.dims)


@emits(DepthToSpace, PixelShuffle)
def _to_space(pen: Pen, x: Value) -> Value:
    rows, columns = pen.layer.sizes
    _, height, width = pen.shape.dims
    position_first = type(pen.layer) is DepthToSpace
    parts = (rows, columns, -1) if position_first else (-1, rows, columns)
    y = pen.reshape(x, ("same", 0), *parts, height, width)
    order = (0, 3, 4, 1, 5, 2) if position_first else (0, 1, 4, 2, 5, 3)
    return pen.reshape(pen.transpose(y, *order), ("same", 0), *pen.node.output_shape.dims)


@emits(ChannelShuffle)
def _shuffle(pen: Pen, x: Value) -> Value:
    groups, shape = int(pen.layer.groups), pen.shape
    if isinstance(shape, Sequence):
        y = pen.reshape(x, ("same", 0), ("same", 1), groups, (shape.features) // groups)
        return pen.reshape(pen.transpose(y, 0, 1, 3, 2), ("same", 0), ("same", 1), shape.features)
    if len(shape.dims) == 1:
        y = pen.reshape(x, ("same", 0), groups, -1)
        return pen.reshape(pen.transpose(y, 0, 2, 1), ("same", 0), *shape.dims)
    y = pen.reshape(x, ("same", 0), groups, (shape.dims[0] or 1) // groups, *shape.dims[1:])
    return pen.reshape(pen.transpose(y, 0, 2, 1, *range(3, y.rank)), ("same", 0), *shape.dims)


@emits(SqueezeExcite)
def _squeeze(pen: Pen, x: Value) -> Value:
    axes = (1,) if isinstance(pen.shape, Sequence) else tuple(range(2, x.rank))
    small = activate(pen, pen.linear(pen.reduce("mean", x, *axes), "reduce", "reduce_weight", "reduce_bias"), pen.layer.activation)
    factors = activate(pen, pen.linear(small, "expand", "expand_weight", "expand_bias"), pen.layer.gate)
    return pen.op("mul", x, pen.unsqueeze(factors, *axes))
