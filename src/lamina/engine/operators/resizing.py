"""Tensors in other sizes: every way of choosing and weighing neighbours that ONNX has."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator
from lamina.engine.operators.shaping import ints

CUBIC = -0.75


@operator("Resize")
def resize(
    x: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    antialias: int = 0,
    axes: list[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = CUBIC,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    context: Context,
) -> Tensor:
    """Axis by axis: the nearest number, or a weighted sum of those around."""
    places = list(range(x.dim())) if axes is None else [axis % x.dim() for axis in axes]
    given = [float(value) for value in scales.tolist()] if scales is not None and scales.numel() else []
    if sizes is not None and sizes.numel():
        wanted = ints(sizes)
        given = [want / x.shape[axis] if x.shape[axis] else 1.0 for want, axis in zip(wanted, places, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            factor = min(given) if keep_aspect_ratio_policy == "not_larger" else max(given)
            given = [factor] * len(given)
            wanted = [math.floor(factor * x.shape[axis] + 0.5) for axis in places]
    else:
        wanted = [math.floor(x.shape[axis] * scale) for axis, scale in zip(places, given, strict=True)]
    final = list(x.shape)
    for axis, want in zip(places, wanted, strict=True):
        final[axis] = want
    context.allow(final)
    outside: list[tuple[int, Tensor]] = []
    half = 0 if roi is None else roi.numel() // 2
    for number, (axis, want, scale) in enumerate(zip(places, wanted, given, strict=True)):
        span = (float(roi[number]), float(roi[half + number])) if roi is not None and roi.numel() else (0.0, 1.0)
        if want == x.shape[axis] and scale == 1 and coordinate_transformation_mode != "tf_crop_and_resize":
            continue
        where = coordinates(want, x.shape[axis], scale, coordinate_transformation_mode, span, x.device)
        if coordinate_transformation_mode == "tf_crop_and_resize":
            outside.append((axis, (where < 0) | (where > x.shape[axis] - 1)))
        x = _along(x, axis, where, scale, mode, nearest_mode, cubic_coeff_a, bool(antialias), bool(exclude_outside))
    for axis, far in outside:
        shape = [-1 if place == axis else 1 for place in range(x.dim())]
        x = torch.where(far.reshape(shape), torch.full((), extrapolation_value, dtype=x.dtype, device=x.device), x)
    return x


def coordinates(want: int, size: int, scale: float, mode: str, span: tuple[float, float], device: torch.device) -> Tensor:
    """Where each number of the result lies along the source's axis."""
    place = torch.arange(want, dtype=torch.float64, device=device)
    length = scale * size
    if mode == "align_corners":
        return place * 0 if length == 1 else place * (size - 1) / (length - 1)
    if mode == "asymmetric":
        return place / scale
    if mode == "tf_crop_and_resize":
        start, end = span
        if want == 1:
            return place * 0 + 0.5 * (start + end) * (size - 1)
        return start * (size - 1) + place * (end - start) * (size - 1) / (length - 1)
    if mode == "pytorch_half_pixel" and want == 1:
        return place * 0 - 0.5 if length == 1 else (place + 0.5) / scale - 0.5
    found = (place + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return found + size / 2 * (1 - want / length)
    if mode == "tf_half_pixel_for_nn":
        return (place + 0.5) / scale
    return found


def _along(
    x: Tensor,
    axis: int,
    where: Tensor,
    scale: float,
    mode: str,
    nearest_mode: str,
    a: float,
    antialias: bool,
    exclude: bool,  # noqa: FBT001
) -> Tensor:
    size = x.shape[axis]
    if mode == "nearest":
        low = where.floor()
        chosen = {
            "floor": low,
            "ceil": where.ceil(),
            "round_prefer_floor": torch.where(where - low <= 0.5, low, low + 1),
            "round_prefer_ceil": torch.where(where - low < 0.5, low, low + 1),
            "simple": low if scale >= 1 else where.ceil(),
        }[nearest_mode]
        return x.index_select(axis, chosen.long().clamp(0, size - 1))
    first, weights = _linear(where, scale, antialias) if mode == "linear" else _cubic(where, scale, a, antialias)
    taps = first[:, None] + torch.arange(weights.shape[1], device=x.device)
    if exclude:
        weights = torch.where((taps < 0) | (taps >= size), torch.zeros_like(weights), weights)
        weights = weights / weights.sum(1, keepdim=True)
    matrix = torch.zeros(len(where), size, dtype=torch.float64, device=x.device)
    matrix = matrix.scatter_add(1, taps.clamp(0, size - 1), weights)
    real = x if x.dtype.is_floating_point else x.float()
    y: Tensor = torch.tensordot(real.movedim(axis, -1), matrix.to(real.dtype), ([-1], [1])).movedim(-1, axis)
    if x.dtype.is_floating_point:
        return y
    info = torch.iinfo(x.dtype)
    rounded: Tensor = y.round().clamp(info.min, info.max).to(x.dtype)
    return rounded


def _shares(where: Tensor) -> tuple[Tensor, Tensor]:
    """Place before each coordinate and the share beyond it; whole coordinates belong to the place itself."""
    low = where.floor()
    return low.long(), where - low


def _linear(where: Tensor, scale: float, antialias: bool) -> tuple[Tensor, Tensor]:  # noqa: FBT001
    low, share = _shares(where)
    if not antialias or scale >= 1:
        return low, torch.stack([1 - share, share], 1)
    start = math.floor(-1 / scale) + 1
    steps = torch.arange(start, start + 2 - 2 * start, device=where.device)
    weights = (1 - ((steps[None] - share[:, None]) * scale).abs()).clamp(0, 1)
    return low + start, weights / weights.sum(1, keepdim=True)


def _cubic(where: Tensor, scale: float, a: float, antialias: bool) -> tuple[Tensor, Tensor]:  # noqa: FBT001
    low, share = _shares(where)
    narrow = min(scale, 1.0) if antialias else 1.0
    start = math.floor(-2 / narrow) + 1
    steps = torch.arange(start, 2 - start, device=where.device)
    gap = ((steps[None] - share[:, None]) * narrow).abs()
    near = (a + 2) * gap**3 - (a + 3) * gap**2 + 1
    far = a * gap**3 - 5 * a * gap**2 + 8 * a * gap - 4 * a
    weights = torch.where(gap <= 1, near, torch.where(gap < 2, far, torch.zeros_like(gap)))
    return low + start, weights / weights.sum(1, keepdim=True)
