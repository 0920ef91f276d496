"""Activations in the language: a word of their own where exporters have one, else what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lamina.network import activations as A
from lamina.network.losses.detection import YoloBoxes

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen

Emit = Callable[["Pen", "Value", Any], "Value"]
_KNOWN: dict[type[A.Activation], Emit] = {}
F = TypeVar("F", bound=Emit)

WORDS: dict[type[A.Activation], str] = {
    A.Sigmoid: "sigmoid",
    A.LogSigmoid: "logsigmoid",
    A.Tanh: "tanh",
    A.Softsign: "softsign",
    A.Relu: "relu",
    A.Selu: "selu",
    A.Silu: "silu",
    A.Swish: "silu",
    A.HardSwish: "hardswish",
    A.Mish: "mish",
    A.Exp: "exp",
}
"""Those that are a word without settings."""


def emits_activation(*kinds: type[A.Activation]) -> Callable[[F], F]:
    """Decorator: the function writes these activations: ``(pen, x, activation) -> value``."""

    def enter(function: F) -> F:
        _KNOWN.update(dict.fromkeys(kinds, function))
        return function

    return enter


def activate(pen: Pen, x: Value, activation: A.Activation | None) -> Value:
    """The activation of a value; itself for none."""
    if activation is None or type(activation) is A.Identity:
        return x
    kind = type(activation)
    if kind in WORDS:
        return pen.op(WORDS[kind], x)
    if kind not in _KNOWN:
        pen.refuse(f"the activation {activation.type_name or kind.__name__}", "say it with @lamina.interop.emission.emits_activation")
    return _KNOWN[kind](pen, x, activation)


def known_activations() -> frozenset[type[A.Activation]]:
    """Those that can be written."""
    return frozenset({*WORDS, *_KNOWN, A.Identity})


def feature_axis(x: Value) -> int:
    """Axis of the features: 1 of images and volumes, otherwise the last."""
    return 1 if x.rank >= 4 else x.rank - 1


@emits_activation(A.Softmax)
def _softmax(pen: Pen, x: Value, activation: A.Softmax) -> Value:  # noqa: ARG001 (as all take it)
    return pen.op("softmax", x, axis=feature_axis(x))


@emits_activation(A.LogSoftmax)
def _log_softmax(pen: Pen, x: Value, activation: A.LogSoftmax) -> Value:  # noqa: ARG001
    return pen.op("log_softmax", x, axis=feature_axis(x))


@emits_activation(A.Softmin)
def _softmin(pen: Pen, x: Value, activation: A.Softmin) -> Value:  # noqa: ARG001
    return pen.op("softmax", pen.op("neg", x), axis=feature_axis(x))


@emits_activation(A.Relu6)
def _relu6(pen: Pen, x: Value, activation: A.Relu6) -> Value:  # noqa: ARG001
    return pen.op("clamp", x, minimum=0.0, maximum=6.0)


@emits_activation(A.HardTanh)
def _hard_tanh(pen: Pen, x: Value, activation: A.HardTanh) -> Value:  # noqa: ARG001
    return pen.op("clamp", x, minimum=-1.0, maximum=1.0)


@emits_activation(A.Clamp)
def _clamp(pen: Pen, x: Value, activation: A.Clamp) -> Value:
    return pen.op("clamp", x, minimum=activation.minimum, maximum=activation.maximum)


@emits_activation(A.HardSigmoid)
def _hard_sigmoid(pen: Pen, x: Value, activation: A.HardSigmoid) -> Value:
    return pen.op("hardsigmoid", x, slope=activation.slope)


@emits_activation(A.LeakyRelu)
def _leaky_relu(pen: Pen, x: Value, activation: A.LeakyRelu) -> Value:
    return pen.op("leaky_relu", x, slope=activation.slope)


@emits_activation(A.RandomRelu)
def _random_relu(pen: Pen, x: Value, activation: A.RandomRelu) -> Value:
    return pen.op("leaky_relu", x, slope=(activation.lower + activation.upper) / 2)


@emits_activation(A.ThresholdedRelu)
def _thresholded(pen: Pen, x: Value, activation: A.ThresholdedRelu) -> Value:
    return pen.op("threshold", x, threshold=activation.threshold, value=0.0)


@emits_activation(A.Threshold)
def _threshold(pen: Pen, x: Value, activation: A.Threshold) -> Value:
    if activation.slope:
        low = pen.op("add", pen.op("mul", x, activation.slope), activation.value - activation.slope * activation.threshold)
        return pen.op("where", pen.op("less", x, activation.threshold, gives="bool"), low, x, gives="float")
    return pen.op("threshold", x, threshold=activation.threshold, value=activation.value)


@emits_activation(A.Softplus)
def _softplus(pen: Pen, x: Value, activation: A.Softplus) -> Value:
    return pen.op("softplus", x, beta=float(activation.beta))


@emits_activation(A.Elu)
def _elu(pen: Pen, x: Value, activation: A.Elu) -> Value:
    return pen.op("elu", x, alpha=activation.alpha)


@emits_activation(A.Celu)
def _celu(pen: Pen, x: Value, activation: A.Celu) -> Value:
    return pen.op("celu", x, alpha=activation.alpha)


@emits_activation(A.Gelu)
def _gelu(pen: Pen, x: Value, activation: A.Gelu) -> Value:
    return pen.op("gelu", x, approximate=bool(activation.approximate))


@emits_activation(A.SoftShrink)
def _soft_shrink(pen: Pen, x: Value, activation: A.SoftShrink) -> Value:
    return pen.op("softshrink", x, threshold=activation.threshold)


@emits_activation(A.HardShrink)
def _hard_shrink(pen: Pen, x: Value, activation: A.HardShrink) -> Value:
    return pen.op("hardshrink", x, threshold=activation.threshold)


@emits_activation(A.TanhShrink)
def _tanh_shrink(pen: Pen, x: Value, activation: A.TanhShrink) -> Value:  # noqa: ARG001
    return pen.op("sub", x, pen.op("tanh", x))


@emits_activation(A.RectifiedTanh)
def _rectified_tanh(pen: Pen, x: Value, activation: A.RectifiedTanh) -> Value:  # noqa: ARG001
    return pen.op("relu", pen.op("tanh", x))


@emits_activation(A.SquaredRelu)
def _squared_relu(pen: Pen, x: Value, activation: A.SquaredRelu) -> Value:  # noqa: ARG001
    positive = pen.op("relu", x)
    return pen.op("mul", positive, positive)


@emits_activation(A.Cube)
def _cube(pen: Pen, x: Value, activation: A.Cube) -> Value:  # noqa: ARG001
    return pen.op("mul", pen.op("mul", x, x), x)


@emits_activation(A.Sparsemax)
def _sparsemax(pen: Pen, x: Value, activation: A.Sparsemax) -> Value:  # noqa: ARG001
    """The largest numbers less what makes the rest of them add up to 1."""
    axis = feature_axis(x)
    size = (pen.node.output_shape.dims[0] if axis == 1 and x.rank > 2 else pen.node.output_shape.dims[-1]) or 1
    x = pen.op("sub", x, pen.reduce("amax", x, axis, keep=True))
    ordered = pen.op("sort", x, axis=axis)
    count = pen.constant(np.arange(1, size + 1).reshape(-1, *(1,) * (x.rank - 1 - axis)).astype(float), "count")
    rest = pen.op("sub", pen.op("cumsum", ordered, axis=axis), 1.0)
    kept = pen.op("less", rest, pen.op("mul", ordered, count), gives="bool")
    share = pen.reduce("sum", pen.op("cast", kept, to="float", gives="float"), axis, keep=True)
    total = pen.reduce("sum", pen.op("where", kept, ordered, 0.0, gives="float"), axis, keep=True)
    return pen.op("relu", pen.op("sub", x, pen.op("div", pen.op("sub", total, 1.0), share)))


@emits_activation(A.SparseSigmoid)
def _sparse_sigmoid(pen: Pen, x: Value, activation: A.SparseSigmoid) -> Value:  # noqa: ARG001
    return pen.op("clamp", pen.op("div", pen.op("add", x, 1.0), 2.0), minimum=0.0, maximum=1.0)


@emits_activation(A.SparsePlus)
def _sparse_plus(pen: Pen, x: Value, activation: A.SparsePlus) -> Value:  # noqa: ARG001
    half = pen.op("clamp", pen.op("div", pen.op("add", x, 1.0), 2.0), minimum=0.0, maximum=1.0)
    return pen.op("where", pen.op("less", x, 1.0, gives="bool"), pen.op("mul", half, half), x, gives="float")


@emits_activation(A.Squareplus)
def _squareplus(pen: Pen, x: Value, activation: A.Squareplus) -> Value:
    b = float(activation.b)
    root = pen.op("sqrt", pen.op("add", pen.op("mul", x, x), b))
    above = pen.op("div", pen.op("add", x, root), 2.0)
    below = pen.op("div", b, pen.op("mul", pen.op("sub", root, pen.op("clamp", x, minimum=None, maximum=0.0)), 2.0))
    return pen.op("where", pen.op("less", x, 0.0, gives="bool"), below, above, gives="float")


@emits_activation(A.RationalTanh)
def _rational_tanh(pen: Pen, x: Value, activation: A.RationalTanh) -> Value:  # noqa: ARG001
    y = pen.op("mul", x, 2 / 3)
    a = pen.op("abs", y)
    square = pen.op("mul", a, a)
    c = 1.41645
    above = pen.op("add", pen.op("add", a, 1.0), pen.op("mul", pen.op("mul", square, a), c))
    below = pen.op("add", pen.op("add", pen.op("add", a, 1.0), square), pen.op("mul", pen.op("mul", square, square), c))
    return pen.op("div", pen.op("mul", pen.op("mul", y, 1.7159), above), below)


@emits_activation(YoloBoxes)
def _boxes(pen: Pen, x: Value, activation: YoloBoxes) -> Value:
    """For each prior: sigmoid for the centre and certainty, ``prior * exp`` for the size, softmax over classes."""
    axis = feature_axis(x)
    count = len(activation.priors)
    each = pen.node.output_shape.dims[0 if axis == 1 else -1] or 1
    width, found = each // count, []
    for number, prior in enumerate(activation.priors):
        first = number * width
        sizes = np.asarray(prior).reshape(2, *(1,) * (x.rank - 2)) if axis == 1 else np.asarray(prior)
        ends = (first, first + 2, first + 4, first + 5, first + width)
        centre, extent, certain, classes = (pen.slice(x, axis, *pair) for pair in pairwise(ends))
        size = pen.op("mul", pen.op("exp", extent), pen.constant(sizes, "prior"))
        found += [pen.op("sigmoid", centre), size, pen.op("sigmoid", certain), pen.op("softmax", classes, axis=axis)]
    return pen.op("concat", *found, axis=axis)
