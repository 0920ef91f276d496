"""Layers of numbers by themselves: products, activations, shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.emission.activations import activate
from lamina.interop.emission.drawing import emits
from lamina.network.layers import (
    ActivationLayer,
    Dense,
    Dropout,
    Flatten,
    IdentityLayer,
    LossLayer,
    Output,
    Permute,
    PReLU,
    Reshape,
    TiedOutput,
)
from lamina.network.layers.gain import ElementwiseMultiplication
from lamina.network.layers.yolo import YoloOutput
from lamina.shapes import Image, Sequence, Volume

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Operand, Value, Weight
    from lamina.interop.emission.pen import Pen


@emits(Dense)
def _dense(pen: Pen, x: Value) -> Value:
    if not pen.layer.layer_norm:
        return pen.op("linear", x, weights=pen.weights("weight", "bias"))
    y = pen.op("linear", x, weights=pen.weights("weight"))
    sizes = (pen.need("weight").shape[0],)
    return pen.op("layer_norm", y, weights=pen.weights("bias", weight="gain"), sizes=sizes, epsilon=1e-5, part="norm")


@emits(Output, TiedOutput)
def _output(pen: Pen, x: Value) -> Value:
    return pen.op("linear", x, weights=pen.weights("weight", "bias"))


@emits(YoloOutput)
def _yolo(pen: Pen, x: Value) -> Value:
    return pen.op("conv", x, weights=pen.weights("weight", "bias"), strides=(1, 1), pads=((0, 0), (0, 0)), dilations=(1, 1), groups=1)


@emits(IdentityLayer, Dropout, LossLayer)
def _same(pen: Pen, x: Value) -> Value:  # noqa: ARG001 (nothing is written)
    return x


@emits(ActivationLayer)
def _activation(pen: Pen, x: Value) -> Value:
    return activate(pen, x, pen.layer.activation)


@emits(PReLU)
def _prelu(pen: Pen, x: Value) -> Value:
    """``max(x, 0) + weight * min(x, 0)``, by torch's rule that features are axis 1."""
    weight = pen.need("weight")
    if pen.layer.shared == "none":
        flat = pen.reshape(x, ("same", 0), -1)
        y = pen.op("prelu", flat, weights={"weight": weight})
        return pen.reshape(y, pen.size(x, 0), *(-1 if size is None else size for size in pen.shape.dims))
    if pen.layer.shared == "positions" and isinstance(pen.shape, Sequence):
        y = pen.op("prelu", pen.transpose(x, 0, 2, 1), weights={"weight": weight})
        return pen.transpose(y, 0, 2, 1)
    return pen.op("prelu", x, weights={"weight": weight})


@emits(Flatten)
def _flatten(pen: Pen, x: Value) -> Value:
    return x if x.rank == 2 else pen.op("flatten", x, rank=2)


@emits(Reshape)
def _reshape(pen: Pen, x: Value) -> Value:
    return pen.reshape(x, ("same", 0), *(-1 if size is None else size for size in pen.node.output_shape.dims))


@emits(Permute)
def _permute(pen: Pen, x: Value) -> Value:
    return pen.transpose(x, 0, *pen.layer.order)


@emits(ElementwiseMultiplication)
def _gain(pen: Pen, x: Value) -> Value:
    weight, bias = pen.weight("weight"), pen.weight("bias")
    y = x if weight is None else pen.op("mul", x, spread(pen, weight))
    return y if bias is None else pen.op("add", y, spread(pen, bias))


def spread(pen: Pen, weight: Weight) -> Operand:
    """Numbers for features, where channels of images and volumes stand in front."""
    own = pen.layer.shared == "none"
    behind = len(pen.shape.dims) - 1 if isinstance(pen.shape, Image | Volume) and not own else 0
    return pen.reshape(weight, -1, *(1,) * behind) if behind else weight
