"""Operators that work number by number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator

Bits = Callable[..., Tensor]


def _enter(name: str, function: Callable[[Tensor], Tensor]) -> None:
    def run(x: Tensor) -> Tensor:
        return function(x)

    run.__qualname__ = f"run_{name}"
    operator(name)(run)


for _name, _function in {
    **{"Abs": torch.abs, "Acos": torch.acos, "Acosh": torch.acosh, "Asin": torch.asin, "Asinh": torch.asinh, "Atan": torch.atan},
    **{"Atanh": torch.atanh, "Ceil": torch.ceil, "Cos": torch.cos, "Cosh": torch.cosh, "Erf": torch.erf, "Exp": torch.exp},
    **{"Floor": torch.floor, "Log": torch.log, "Neg": torch.neg, "Reciprocal": torch.reciprocal, "Relu": torch.relu},
    **{"Round": torch.round, "Sigmoid": torch.sigmoid, "Sign": torch.sign, "Sin": torch.sin, "Sinh": torch.sinh, "Sqrt": torch.sqrt},
    **{"Tan": torch.tan, "Tanh": torch.tanh, "Softsign": F.softsign, "IsNaN": torch.isnan, "Not": torch.logical_not},
    **{"HardSwish": F.hardswish, "Mish": F.mish, "Softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x))},
}.items():
    _enter(_name, _function)


def wide(run: Callable[..., Tensor], *values: Tensor) -> Tensor:
    """Compute whole numbers of types that torch doesn't compute in as int64, wrapped round afterwards."""
    kind = values[0].dtype
    if kind in (torch.uint16, torch.uint32, torch.uint64):
        return run(*(value.to(torch.int64) for value in values)).to(kind)
    return run(*values)


@operator("BitwiseNot")
def bitwise_not(x: Tensor) -> Tensor:
    """Every bit turned round."""
    return wide(torch.bitwise_not, x)


def _enter_pair(name: str, function: Bits) -> None:
    def run(a: Tensor, b: Tensor) -> Tensor:
        return wide(function, a, b) if a.dtype == b.dtype else function(a, b)

    run.__qualname__ = f"run_{name}"
    operator(name)(run)


_PAIRS: dict[str, Bits] = {
    **{"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "BitwiseAnd": torch.bitwise_and, "BitwiseOr": torch.bitwise_or},
    **{"BitwiseXor": torch.bitwise_xor, "And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor},
}
for _name, _pair in _PAIRS.items():
    _enter_pair(_name, _pair)


def _enter_comparison(name: str, function: Bits) -> None:
    def run(a: Tensor, b: Tensor) -> Tensor:
        if isinstance(a, list) or not isinstance(a, Tensor):  # arrays of strings
            import numpy as np

            return torch.from_numpy(np.equal(a, b).astype(bool))
        if a.dtype in (torch.uint16, torch.uint32, torch.uint64):
            # The highest bit turned round, the order is that of numbers with a sign.
            a, b = (v.to(torch.int64) ^ (-(1 << 63) if v.dtype == torch.uint64 else 0) for v in (a, b))
        return function(a, b)

    run.__qualname__ = f"run_{name}"
    operator(name)(run)


for _name, _pair in {
    **{"Equal": torch.eq, "Greater": torch.gt, "GreaterOrEqual": torch.ge, "Less": torch.lt, "LessOrEqual": torch.le},
}.items():
    _enter_comparison(_name, _pair)


@operator("Div")
def divide(a: Tensor, b: Tensor) -> Tensor:
    """Quotient; of whole numbers cut off towards 0."""
    if a.dtype.is_floating_point or a.dtype.is_complex:
        return a / b
    return wide(lambda p, q: torch.div(p, q, rounding_mode="trunc"), a, b)


@operator("Mod")
def modulo(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    """Remainder, with the sign of the divisor, or with ``fmod`` that of the dividend."""
    return wide(torch.fmod if fmod else torch.remainder, a, b)


@operator("Pow")
def power(a: Tensor, b: Tensor) -> Tensor:
    """Power, of the type of the base."""
    if a.dtype.is_floating_point and not b.dtype.is_floating_point:
        b = b.to(torch.float64 if a.dtype == torch.float64 else torch.float32)
    if not a.dtype.is_floating_point and not b.dtype.is_floating_point:
        return torch.pow(a.to(torch.int64), b.to(torch.int64)).to(a.dtype)
    return torch.pow(a if a.dtype.is_floating_point else a.to(torch.float64), b).to(a.dtype)


@operator("BitShift")
def bit_shift(a: Tensor, b: Tensor, *, direction: str) -> Tensor:
    """Bits moved to higher or lower places."""
    kind = a.dtype
    p, q = a.to(torch.int64), b.to(torch.int64)
    if direction == "LEFT":
        return torch.bitwise_left_shift(p, q).to(kind)
    shifted = torch.bitwise_right_shift(p, q)
    # Numbers without a sign fill up with zeros.
    if kind == torch.uint64:
        mask = torch.where(q > 0, (torch.ones_like(p) << (64 - q).clamp(max=63)) - 1, torch.full_like(p, -1))
        shifted = shifted & mask
    return shifted.to(kind)


def _fold(function: Bits, values: tuple[Tensor, ...]) -> Tensor:
    return functools.reduce(lambda a, b: wide(function, a, b), values)


@operator("Max")
def largest(first: Tensor, *others: Tensor) -> Tensor:
    """Largest of all inputs."""
    return _fold(torch.maximum, (first, *others))


@operator("Min")
def smallest(first: Tensor, *others: Tensor) -> Tensor:
    """Smallest of all inputs."""
    return _fold(torch.minimum, (first, *others))


@operator("Sum")
def total(first: Tensor, *others: Tensor) -> Tensor:
    """Sum of all inputs."""
    return _fold(torch.add, (first, *others))


@operator("Mean")
def mean(first: Tensor, *others: Tensor) -> Tensor:
    """Mean of all inputs."""
    return _fold(torch.add, (first, *others)) / (1 + len(others))


@operator("LeakyRelu")
def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    """Slope ``alpha`` below 0."""
    return F.leaky_relu(x, alpha)


@operator("Elu")
def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Exponential below 0."""
    return F.elu(x, alpha)


@operator("Celu")
def celu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Exponential below 0, smooth for any ``alpha``."""
    return F.celu(x, alpha)


@operator("Selu")
def selu(x: Tensor, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875) -> Tensor:
    """Scaled exponential."""
    return gamma * (torch.relu(x) + alpha * torch.expm1(torch.minimum(x, torch.zeros_like(x))))


@operator("Gelu")
def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit."""
    return F.gelu(x, approximate=approximate)


@operator("Swish")
def swish(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """``x sigmoid(alpha x)``."""
    return x * torch.sigmoid(alpha * x)


@operator("SwiGLU")
def swiglu(gate: Tensor, value: Tensor, *, alpha: float = 1.0) -> Tensor:
    """A gate, through a swish, times a value."""
    return swish(gate, alpha=alpha) * value


@operator("HardSigmoid")
def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    """A straight line between 0 and 1."""
    return (alpha * x + beta).clamp(0, 1)


@operator("ThresholdedRelu")
def thresholded_relu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """0 up to ``alpha``."""
    return torch.where(x > alpha, x, torch.zeros_like(x))


@operator("Shrink")
def shrink(x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    """0 between ``-lambd`` and ``lambd``, moved towards 0 by ``bias`` elsewhere."""
    return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, torch.zeros_like(x)))


@operator("Aligned", domain="lamina")
def aligned(x: Tensor, other: Tensor, *, axis: int | None = None) -> Tensor:
    """A tensor with axes of size 1 behind it, so that it begins at an axis of another: how operators were joined before set 7."""
    if axis is None:
        return other
    return other.reshape(*other.shape, *[1] * (x.dim() - axis % x.dim() - other.dim()))


@operator("PRelu")
def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """A slope of its own for each number below 0, or shared ones."""
    return torch.where(x < 0, slope * x, x)


@operator("Clip")
def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Not below ``low``, not above ``high``."""
    x = x if low is None else wide(torch.maximum, x, low)
    return x if high is None else wide(torch.minimum, x, high)


@operator("IsInf")
def is_infinite(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    """Which numbers are infinite."""
    return torch.isinf(x) & (((x > 0) & bool(detect_positive)) | ((x < 0) & bool(detect_negative)))


@operator("Where")
def where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """``a`` where the condition holds, ``b`` elsewhere."""
    return torch.where(condition, a, b)


@operator("Identity")
def identity(x: Any) -> Any:
    """What comes in."""
    return x


@operator("Cast")
def cast(x: Any, *, to: str, saturate: int = 1, round_mode: str = "up", context: Context) -> Any:
    """Another kind of numbers."""
    from lamina.engine.operators.numbers import converted

    return converted(x, to, saturate=bool(saturate), round_mode=round_mode, context=context)


@operator("CastLike")
def cast_like(x: Any, like: Any, *, saturate: int = 1, round_mode: str = "up", context: Context) -> Any:
    """The kind of numbers that another tensor has."""
    from lamina.engine.operators.numbers import converted, kind_of

    return converted(x, kind_of(like), saturate=bool(saturate), round_mode=round_mode, context=context)


@operator("BitCast")
def bit_cast(x: Tensor, *, to: str, context: Context) -> Tensor:
    """The same bits as another kind of numbers."""
    return x.view(context.dtype(to))
