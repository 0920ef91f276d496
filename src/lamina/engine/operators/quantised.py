"""Operators of quantised networks: whole numbers that stand for others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.convolution import convolve
from lamina.engine.operators.numbers import converted, nearest_float4
from lamina.engine.operators.registry import Context, operator

Sizes = list[int]
_RANGES = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767), "uint4": (0, 15), "int4": (-8, 7)}
_RANGES |= {"uint2": (0, 3), "int2": (-2, 1), "int32": (-(2**31), 2**31 - 1)}


def _along(value: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """Scales laid along the numbers that they belong to."""
    if value.dim() == 0 or value.numel() == 1 and not block_size:
        return value.reshape(())
    axis = axis % x.dim()
    if block_size:
        return value.repeat_interleave(block_size, axis).narrow(axis, 0, x.shape[axis])
    return value.reshape([-1 if place == axis else 1 for place in range(x.dim())])


@operator("QuantizeLinear")
def quantize(
    x: Tensor,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: str | None = None,
    precision: str | None = None,
    saturate: int = 1,
    context: Context,
) -> Tensor:
    """Numbers as whole ones of few bits, rounded to the nearest, even ones where two are as near."""
    kind = output_dtype or (str(zero.dtype).removeprefix("torch.") if zero is not None else "uint8")
    wide = torch.promote_types(x.dtype, scale.dtype) if precision is None else context.dtype(precision)
    if not wide.is_floating_point:
        wide = torch.float32
    y = x.to(wide) / _along(scale, x, axis, block_size).to(wide)
    shift = None if zero is None else _along(zero, x, axis, block_size)
    if kind not in _RANGES:
        if kind == "float4_e2m1":
            return nearest_float4(y if shift is None else y + shift)
        found: Tensor = converted(y, kind, saturate=bool(saturate), round_mode="up", context=context)
        return found
    low, high = _RANGES[kind]
    rounded = torch.round(y) if shift is None else torch.round(y) + shift.to(y.dtype)
    return rounded.clamp(low, high).to(torch.int64).to(context.dtype(kind))


@operator("DequantizeLinear")
def dequantize(
    x: Tensor,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: str | None = None,
    context: Context,
) -> Tensor:
    """What whole numbers of few bits stand for."""
    wide = torch.float64 if scale.dtype == torch.float64 else torch.float32
    real = x.to(wide)
    if zero is not None:
        real = real - _along(zero, x, axis, block_size).to(wide)
    y = real * _along(scale, x, axis, block_size).to(wide)
    return y.to(scale.dtype if output_dtype is None else context.dtype(output_dtype))


@operator("DynamicQuantizeLinear")
def dynamic_quantize(x: Tensor, *, context: Context) -> tuple[Tensor, Tensor, Tensor]:
    """The same with a scale that fits the numbers."""
    low, high = torch.clamp(x.min(), max=0), torch.clamp(x.max(), min=0)
    scale = (high - low) / 255
    safe = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero = torch.round((-low / safe).clamp(0, 255)).to(torch.uint8)
    return quantize(x, safe, zero, context=context), scale, zero


def _centred(x: Tensor, zero: Tensor | None, *, rows: bool) -> Tensor:
    """Whole numbers without their zero point, as numbers wide enough for exact sums."""
    wide = x.to(torch.int64)
    if zero is None:
        return wide
    shift = zero.to(torch.int64)
    if shift.dim() == 1 and shift.numel() > 1 and rows:
        shift = shift[:, None]
    return wide - shift


@operator("MatMulInteger")
def matmul_integer(a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None) -> Tensor:
    """A product of whole numbers."""
    return torch.matmul(_centred(a, a_zero, rows=True), _centred(b, b_zero, rows=False)).to(torch.int32)


@operator("QLinearMatMul")
def quantised_matmul(
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
    *,
    context: Context,
) -> Tensor:
    """A product of numbers that whole ones stand for."""
    sums = torch.matmul(_centred(a, a_zero, rows=True), _centred(b, b_zero, rows=False))
    rows = a_scale[:, None] if a_scale.dim() == 1 and a_scale.numel() > 1 else a_scale
    columns = y_scale[:, None] if y_scale.dim() == 1 and y_scale.numel() > 1 else y_scale
    y = sums.to(torch.float64) * rows.double() * b_scale.double() / columns.double()
    zero = y_zero[:, None] if y_zero.dim() == 1 and y_zero.numel() > 1 else y_zero
    low, high = _RANGES[str(y_zero.dtype).removeprefix("torch.")]
    return (torch.round(y) + zero.double()).clamp(low, high).to(torch.int64).to(y_zero.dtype)


def _sums(x: Tensor, weight: Tensor, x_zero: Tensor | None, w_zero: Tensor | None, context: Context, options: dict[str, Any]) -> Tensor:
    """Exact sums: float64 holds them all."""
    real = x.double() if x_zero is None else x.double() - x_zero.double()
    kernel = weight.double()
    if w_zero is not None:
        kernel = kernel - (w_zero.double().reshape(-1, *[1] * (weight.dim() - 1)) if w_zero.numel() > 1 else w_zero.double().reshape(()))
    return convolve(real, kernel, context=context, **options)


@operator("ConvInteger")
def convolve_integer(
    x: Tensor,
    weight: Tensor,
    x_zero: Tensor | None = None,
    w_zero: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
    context: Context,
) -> Tensor:
    """A convolution of whole numbers."""
    options = {"auto_pad": auto_pad, "dilations": dilations, "group": group, "pads": pads, "strides": strides}
    return _sums(x, weight, x_zero, w_zero, context, options).round().to(torch.int32)


@operator("QLinearConv")
def quantised_convolve(
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor,
    weight: Tensor,
    w_scale: Tensor,
    w_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
    context: Context,
) -> Tensor:
    """A convolution of numbers that whole ones stand for."""
    options = {"auto_pad": auto_pad, "dilations": dilations, "group": group, "pads": pads, "strides": strides}
    sums = _sums(x, weight, x_zero, w_zero, context, options)
    shape = [-1, *[1] * (x.dim() - 2)]
    if bias is not None:
        sums = sums + bias.double().reshape(shape)
    factor = x_scale.double() * w_scale.double() / y_scale.double()
    y = sums * (factor.reshape(shape) if factor.numel() > 1 else factor.reshape(()))
    low, high = _RANGES[str(y_zero.dtype).removeprefix("torch.")]
    return (torch.round(y) + y_zero.double()).clamp(low, high).to(torch.int64).to(y_zero.dtype)
