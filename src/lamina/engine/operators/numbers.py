"""Kinds of numbers turned into each other, as ONNX's Cast does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context

_BITS = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2}
_FLOAT4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_LARGEST = {"float8_e4m3fn": 448.0, "float8_e4m3fnuz": 240.0, "float8_e5m2": 57344.0, "float8_e5m2fnuz": 57344.0}


def kind_of(value: Any) -> str:
    """What the numbers of a value are."""
    return str(value.dtype).removeprefix("torch.") if isinstance(value, Tensor) else "string"


def converted(x: Any, to: str, *, saturate: bool, round_mode: str, context: Context) -> Any:
    """A value of another kind.

    Args:
        x: A tensor, or a NumPy array of strings.
        to: The kind.
        saturate: Whether numbers beyond those of a small type become its largest.
        round_mode: How powers of two are chosen: ``up``, ``down`` or ``nearest``.
        context: Of the operator.
    """
    if not isinstance(x, Tensor):
        if to == "string":
            return x
        import numpy as np

        numbers = np.array([float(word) for word in x.reshape(-1).tolist()]).reshape(x.shape)
        x = torch.from_numpy(numbers).to(context.device)
    if to == "string":
        return strings_of(x)
    if to == "bool":
        return x != 0
    if to in _BITS:
        return _few_bits(x, to)
    if to in _LARGEST:
        return _small_float(x, to, saturate)
    if to == "float4_e2m1":
        return nearest_float4(x.to(torch.float32))
    if to == "float8_e8m0":
        return _power_of_two(x.to(torch.float32), saturate, round_mode)
    kind = context.dtype(to)
    if kind in (torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16) and x.dtype.is_floating_point:
        return x.to(torch.int64).to(kind)
    return x.to(kind)


def strings_of(x: Tensor) -> Any:
    """Numbers as words, the shortest that stand for them."""
    import numpy as np

    array = x.detach().cpu().float().numpy() if x.dtype == torch.bfloat16 else x.detach().cpu().numpy()
    found = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        value: Any = array[place]
        found[place] = np.format_float_positional(value, trim="-") if array.dtype.kind == "f" and np.isfinite(value) else str(value)
    return found


def _few_bits(x: Tensor, to: str) -> Tensor:
    bits = _BITS[to]
    codes = x.to(torch.float32 if x.dtype.is_floating_point else torch.int64).to(torch.int64) & ((1 << bits) - 1)
    if to.startswith("u"):
        return codes.to(torch.uint8)
    half = 1 << (bits - 1)
    return ((codes ^ half) - half).to(torch.int8)


def _small_float(x: Tensor, to: str, saturate: bool) -> Tensor:  # noqa: FBT001
    x = x.to(torch.float32)
    most = _LARGEST[to]
    if saturate:
        x = torch.where(torch.isnan(x), x, x.clamp(-most, most))
    elif to == "float8_e4m3fn":
        # Half a step beyond the largest is nearer to what can't be held.
        x = torch.where(x.abs() > most + 16, torch.full_like(x, float("nan")), x)
    return x.to(getattr(torch, to))


def nearest_float4(x: Tensor) -> Tensor:
    """The nearest of the eight numbers of four bits and their negatives; of two as near the one whose last bit is 0."""
    values = torch.tensor(_FLOAT4, dtype=x.dtype, device=x.device)
    size = x.abs().nan_to_num(nan=0.0).clamp(max=6.0)
    upper = torch.bucketize(size, values).clamp(max=7)
    lower = (upper - 1).clamp(min=0)
    up, down = values[upper] - size, size - values[lower]
    chosen = torch.where((up < down) | ((up == down) & (upper % 2 == 0)), upper, lower)
    chosen = torch.where(values[upper] == size, upper, chosen)
    return torch.copysign(values[chosen], x)


def _power_of_two(x: Tensor, saturate: bool, round_mode: str) -> Tensor:  # noqa: FBT001
    fraction, exponent = torch.frexp(x.abs())
    # x = fraction * 2 ** exponent with fraction from a half to 1.
    low = exponent - 1
    if round_mode == "up":
        place = torch.where(fraction > 0.5, exponent, low)
    elif round_mode == "nearest":
        place = torch.where(fraction >= 0.75, exponent, low)
    else:
        place = low
    place = place.clamp(-127, 127 if saturate else 128)
    found = torch.ldexp(torch.ones_like(x), place)
    found = torch.where(place > 127, torch.full_like(x, float("nan")), found)
    return torch.where(torch.isnan(x), x, torch.where(x == 0, torch.full_like(x, 2.0**-127), found))
