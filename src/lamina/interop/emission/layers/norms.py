"""Normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.emission.drawing import emits
from lamina.network.layers import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, RMSNorm
from lamina.shapes import Image, Sequence, Volume

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


@emits(BatchNorm, masks=True)
def _batch_norm(pen: Pen, x: Value) -> Value:
    """By the running statistics: what masked steps give matters to nobody."""
    weights = pen.weights("weight", "bias", mean="running_mean", var="running_var")
    steps = isinstance(pen.shape, Sequence)
    y = pen.op("batch_norm", pen.transpose(x, 0, 2, 1) if steps else x, weights=weights, epsilon=float(pen.layer.epsilon))
    return pen.transpose(y, 0, 2, 1) if steps else y


@emits(LayerNorm)
def _layer_norm(pen: Pen, x: Value) -> Value:
    layer, shape = pen.layer, pen.shape
    whole = layer.over == "sample"
    weights, epsilon = pen.weights("weight", "bias"), float(layer.epsilon)
    if whole:
        if None in shape.dims:
            pen.refuse("a norm over whole sequences whose length only the data say", "give the input a fixed length")
        return pen.op("layer_norm", x, weights=weights, sizes=tuple(shape.dims), epsilon=epsilon)
    if not isinstance(shape, Image | Volume):
        return pen.op("layer_norm", x, weights=weights, sizes=(shape.dims[-1],), epsilon=epsilon)
    last = pen.op("layer_norm", _last(pen, x), weights=weights, sizes=(shape.dims[0],), epsilon=epsilon)
    return _second(pen, last)


@emits(RMSNorm)
def _rms_norm(pen: Pen, x: Value) -> Value:
    channels = isinstance(pen.shape, Image | Volume)
    weights, epsilon, bias = pen.weights("weight"), float(pen.layer.epsilon), pen.weight("bias")
    size = pen.shape.dims[0] if channels else pen.shape.dims[-1]
    y = pen.op("rms_norm", _last(pen, x) if channels else x, weights=weights, sizes=(size,), epsilon=epsilon)
    y = y if bias is None else pen.op("add", y, bias)
    return _second(pen, y) if channels else y


def _last(pen: Pen, x: Value) -> Value:
    return pen.transpose(x, 0, *range(2, x.rank), 1)


def _second(pen: Pen, x: Value) -> Value:
    return pen.transpose(x, 0, x.rank - 1, *range(1, x.rank - 1))


@emits(GroupNorm)
def _group_norm(pen: Pen, x: Value) -> Value:
    steps = isinstance(pen.shape, Sequence)
    settings: dict[str, Any] = {"groups": int(pen.layer.groups), "epsilon": float(pen.layer.epsilon)}
    given = pen.transpose(x, 0, 2, 1) if steps else x
    y = pen.op("group_norm", given, weights=pen.weights("weight", "bias"), **settings)
    return pen.transpose(y, 0, 2, 1) if steps else y


@emits(InstanceNorm)
def _instance_norm(pen: Pen, x: Value) -> Value:
    steps = isinstance(pen.shape, Sequence)
    given = pen.transpose(x, 0, 2, 1) if steps else x
    epsilon = float(pen.layer.epsilon)
    if pen.layer.running:
        weights = pen.weights("weight", "bias", mean="running_mean", var="running_var")
        y = pen.op("batch_norm", given, weights=weights, epsilon=epsilon)
    else:
        y = pen.op("instance_norm", given, weights=pen.weights("weight", "bias"), epsilon=epsilon)
    return pen.transpose(y, 0, 2, 1) if steps else y


@emits(LocalResponseNorm)
def _local_response(pen: Pen, x: Value) -> Value:
    """What torch computes: ``x / (k + alpha * mean x^2)^beta``."""
    layer = pen.layer
    alpha = float(layer.alpha) * (1 if layer.average else layer.window)
    settings: dict[str, Any] = {"size": int(layer.window), "alpha": alpha, "beta": float(layer.beta), "k": float(layer.k)}
    steps = isinstance(pen.shape, Sequence)
    y = pen.op("local_response_norm", pen.transpose(x, 0, 2, 1) if steps else x, **settings)
    return pen.transpose(y, 0, 2, 1) if steps else y
