"""Transfer functions."""

from __future__ import annotations

from collections.abc import Callable

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Misfit, Value
from lamina.network import activations as a
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.activations import Activation
from lamina.shapes import Features, Image, Volume
from lamina.shapes import Sequence as Steps


def _hard_tanh(module: Module) -> Activation:
    low, high = module.number("min_val", default=-1.0), module.number("max_val", default=1.0)
    return a.HardTanh() if (low, high) == (-1.0, 1.0) else a.Clamp(minimum=low, maximum=high)


def _threshold(module: Module) -> Activation:
    at, value = module.number("threshold", default=1e-6 if module.kind == "Threshold" else 0.0), module.number("val")
    return a.Relu() if (at, value) == (0.0, 0.0) else a.Threshold(threshold=at, value=value)


def _softplus(module: Module) -> Activation:
    if module.number("threshold", default=20.0) < 15:
        raise module.refused("threshold", "20, beyond which numbers are large enough not to be changed")
    return a.Softplus(beta=module.number("beta", default=1.0))


MADE: dict[str, Callable[[Module], Activation]] = {
    "Tanh": lambda _: a.Tanh(),
    "Sigmoid": lambda _: a.Sigmoid(),
    "ReLU": _threshold,
    "Threshold": _threshold,
    "ReLU6": lambda _: a.Relu6(),
    "SoftSign": lambda _: a.Softsign(),
    "LogSigmoid": lambda _: a.LogSigmoid(),
    "TanhShrink": lambda _: a.TanhShrink(),
    "HardTanh": _hard_tanh,
    "Clamp": _hard_tanh,
    "HardShrink": lambda m: a.HardShrink(threshold=m.number("lambda", default=0.5)),
    "SoftShrink": lambda m: a.SoftShrink(threshold=m.number("lambda", default=0.5)),
    "SoftPlus": _softplus,
    "ELU": lambda m: a.Elu(alpha=m.number("alpha", default=1.0)),
    "SELU": lambda _: a.Selu(),
    "LeakyReLU": lambda m: a.LeakyRelu(slope=m.number("negval", default=0.01)),
    "RReLU": lambda m: a.RandomRelu(lower=m.number("lower", default=1 / 8), upper=m.number("upper", default=1 / 3)),
    "ClippedReLU": lambda m: a.Clamp(minimum=0.0, maximum=m.number("ceiling", default=6.0)),
    "Exp": lambda _: a.Exp(),
}


@converts(*MADE)
def activation(module: Module, value: Anything, builder: Builder) -> Anything:
    """Number by number."""
    return builder.enter(module, ls.ActivationLayer(MADE[module.kind](module)), builder.one(module, value))


@converts("SoftMax", "LogSoftMax", "SoftMin", "SpatialSoftMax", "SpatialLogSoftMax")
def softmax(module: Module, value: Anything, builder: Builder) -> Anything:
    """Over classes: features, or channels at each position."""
    made: dict[str, Activation] = {"SoftMax": a.Softmax(), "LogSoftMax": a.LogSoftmax(), "SoftMin": a.Softmin()}
    kind = module.kind.removeprefix("Spatial")
    one = builder.plain(
        module, builder.one(module, value), Features, Image, Volume, *([Steps] if builder.one(module, value).mapped else [])
    )
    if (
        module.full.startswith("cudnn.")
        and kind == module.kind
        and isinstance(one.shape, Image)
        and (one.shape.height, one.shape.width) != (1, 1)
    ):
        raise Misfit(module.where, "vectors, since cuDNN takes whole images together", str(one.shape))
    return builder.enter(module, ls.ActivationLayer(made[kind]), one)


@converts("PReLU")
def prelu(module: Module, value: Anything, builder: Builder) -> Anything:
    """A learnt slope."""
    one, weight = builder.one(module, value), module.weight("weight").reshape(-1)
    if len(weight) > 1:
        one = builder.plain(module, one)
    layer = ls.PReLU(shared="positions" if len(weight) > 1 else "all")
    return builder.enter(module, layer, one, {"weight": weight}, owner=module.keys())


@converts("GatedLinearUnit")
def glu(module: Module, value: Anything, builder: Builder) -> Anything:
    """One half gated by the other."""
    one = builder.plain(module, builder.one(module, value))
    dimension = module.whole("dim", default=len(one.order))
    axis = builder.axis(module, one, dimension)
    if axis != (1 if isinstance(one.shape, Image | Volume) else len(one.shape.dims)):
        raise module.refused("dim", "the features, or the channels")
    return builder.enter(module, ls.GLU(), one)


@converts("Abs")
def absolute(module: Module, value: Anything, builder: Builder) -> Anything:
    """The larger of a number and its opposite."""
    one = builder.one(module, value)
    return builder.enter(module, v.Max(), [one, builder.enter(module, v.Scale(-1.0), one, suffix="_opposite")])


@converts("Square", "Power")
def power(module: Module, value: Anything, builder: Builder) -> Anything:
    """Squares and cubes."""
    one, exponent = builder.one(module, value), 2.0 if module.kind == "Square" else module.number("pow", default=1.0)
    if exponent == 1:
        return one
    if exponent == 2:
        return builder.enter(module, v.Multiply(), [one, one])
    if exponent == 3:
        return builder.enter(module, ls.ActivationLayer(a.Cube()), one)
    raise module.refused("pow", "1, 2 or 3")


@converts("MulConstant", "AddConstant", "SAdd")
def constant(module: Module, value: Anything, builder: Builder) -> Anything:
    """A number multiplied with all, or added to all."""
    one = builder.one(module, value)
    if module.kind == "MulConstant":
        return builder.enter(module, v.Scale(module.number("constant_scalar")), one)
    if module.kind == "SAdd":
        factor = -1.0 if module.flag("negate") else 1.0
        return builder.enter(module, v.Scale(factor, offset=factor * module.number("addend")), one)
    name = "constant_scalar"
    if not isinstance(module.get(name), int | float):
        raise module.refused(name, "a number")
    return builder.enter(module, v.Shift(module.number(name)), one)


def opposite(module: Module, value: Value, builder: Builder, suffix: str) -> Value:
    """Numbers with the other sign."""
    return builder.enter(module, v.Scale(-1.0), value, suffix=suffix)
