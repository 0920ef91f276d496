"""Convolutions and pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.operators.registry import Context, operator

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
TRANSPOSED: dict[int, Callable[..., Tensor]] = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}
_MAX: dict[int, Callable[..., Any]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
Sizes = list[int]


def sides(
    x: Tensor, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int] | None, auto_pad: str
) -> tuple[Sizes, Sizes]:
    """What is added before and behind each axis."""
    rank = len(window)
    if auto_pad in ("NOTSET", "VALID"):
        given = list(pads) if pads and auto_pad == "NOTSET" else [0] * 2 * rank
        return given[:rank], given[rank:]
    before, behind = [], []
    for axis in range(rank):
        size, reach = x.shape[2 + axis], dilations[axis] * (window[axis] - 1) + 1
        more = max((-(-size // strides[axis]) - 1) * strides[axis] + reach - size, 0)
        first = more // 2 if auto_pad == "SAME_UPPER" else more - more // 2
        before.append(first)
        behind.append(more - first)
    return before, behind


def padded(x: Tensor, before: Sequence[int], behind: Sequence[int], value: float = 0) -> Tensor:
    """With a number around."""
    if not any(before) and not any(behind):
        return x
    given = [side for pair in zip(reversed(before), reversed(behind), strict=True) for side in pair]
    return F.pad(x, given, value=value)


@operator("Conv")
def convolve(
    x: Tensor,
    weight: Tensor,
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
    """Convolution."""
    rank = weight.dim() - 2
    if rank not in CONVOLVE:
        raise context.refused(expected="1 to 3 axes that windows slide along", got=str(rank), fix="use reshape around it")
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    before, behind = sides(x, weight.shape[2:], strides, dilations, pads, auto_pad)
    if before == behind and min(before) >= 0:
        return CONVOLVE[rank](x, weight, bias, strides, before, dilations, group)
    return CONVOLVE[rank](padded(x, before, behind), weight, bias, strides, [0] * rank, dilations, group)


@operator("ConvTranspose")
def convolve_transposed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    output_padding: Sizes | None = None,
    output_shape: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
    context: Context,
) -> Tensor:
    """The transpose of a convolution."""
    rank = weight.dim() - 2
    strides, dilations, more = strides or [1] * rank, dilations or [1] * rank, output_padding or [0] * rank
    reach = [dilations[i] * (weight.shape[2 + i] - 1) + 1 for i in range(rank)]
    whole = [strides[i] * (x.shape[2 + i] - 1) + more[i] + reach[i] for i in range(rank)]
    context.allow([x.shape[0], weight.shape[1] * group, *whole])
    before, behind = (list(pads[:rank]), list(pads[rank:])) if pads and auto_pad == "NOTSET" else ([0] * rank, [0] * rank)
    if output_shape is not None or auto_pad.startswith("SAME"):
        wanted = output_shape[-rank:] if output_shape is not None else [x.shape[2 + i] * strides[i] for i in range(rank)]
        for i in range(rank):
            cut = whole[i] - wanted[i]
            before[i] = int(cut / 2) if auto_pad == "SAME_UPPER" or cut < 0 else cut - cut // 2
            behind[i] = cut - before[i]
    y = TRANSPOSED[rank](x, weight, None, strides, [0] * rank, [0] * rank, group, dilations)
    y = padded(y, [-side for side in before], [size - side for size, side in zip(more, behind, strict=True)])
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


class Windows:
    """Where windows of a pooling lie.

    Args:
        x: The input.
        window: Sizes of a window.
        strides: Steps between windows.
        dilations: Distances within a window.
        pads: What is added around.
        auto_pad: Or how that is chosen.
        ceil_mode: Whether windows may reach beyond the end.

    Attributes:
        before: What is added before.
        behind: What is added behind, with what windows reach beyond.
        extra: Of this, what windows reach beyond.
    """

    def __init__(
        self,
        x: Tensor,
        window: Sizes,
        strides: Sizes | None,
        dilations: Sizes | None,
        pads: Sizes | None,
        auto_pad: str,
        *,
        ceil_mode: int,
    ) -> None:
        rank = len(window)
        self.window, self.strides, self.dilations = list(window), list(strides or [1] * rank), list(dilations or [1] * rank)
        self.before, given = sides(x, self.window, self.strides, self.dilations, pads, auto_pad)
        self.extra = [0] * rank
        for i in range(rank):
            size = x.shape[2 + i]
            whole = size + self.before[i] + given[i] - self.dilations[i] * (self.window[i] - 1) - 1
            if ceil_mode:
                count = -(-whole // self.strides[i]) + 1
                if (count - 1) * self.strides[i] >= size + self.before[i]:
                    count -= 1
                self.extra[i] = max((count - 1) * self.strides[i] - whole, 0)
        self.behind = [side + more for side, more in zip(given, self.extra, strict=True)]

    def sums(self, x: Tensor) -> Tensor:
        """Sum of each window of a padded tensor."""
        rank = len(self.window)
        flat = x.reshape(-1, 1, *x.shape[2:])
        ones = x.new_ones(1, 1, *self.window)
        y = CONVOLVE[rank](flat, ones, None, self.strides, [0] * rank, self.dilations)
        return y.reshape(*x.shape[:2], *y.shape[2:])


@operator("AveragePool")
def average_pool(
    x: Tensor,
    *,
    kernel_shape: Sizes,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Tensor:
    """Mean of windows."""
    windows = Windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode=ceil_mode)
    y = windows.sums(padded(x, windows.before, windows.behind))
    if not any(windows.before) and not any(windows.behind):
        return y / math.prod(kernel_shape)
    ones = x.new_ones(1, 1, *x.shape[2:])
    if count_include_pad:
        inside = [behind - extra for behind, extra in zip(windows.behind, windows.extra, strict=True)]
        ones = padded(padded(ones, windows.before, inside, 1), [0] * len(kernel_shape), windows.extra)
    else:
        ones = padded(ones, windows.before, windows.behind)
    return y / windows.sums(ones)


@operator("LpPool")
def lp_pool(
    x: Tensor,
    *,
    kernel_shape: Sizes,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sizes | None = None,
    p: int = 2,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Tensor:
    """A norm of windows."""
    windows = Windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode=ceil_mode)
    return windows.sums(padded(x.abs() ** p, windows.before, windows.behind)) ** (1 / p)


@operator("MaxPool")
def max_pool(
    x: Tensor,
    *,
    kernel_shape: Sizes,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sizes | None = None,
    pads: Sizes | None = None,
    storage_order: int = 0,
    strides: Sizes | None = None,
    wanted: int = 1,
) -> Any:
    """Largest number of windows, and where it is."""
    windows = Windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode=ceil_mode)
    rank, kind = len(kernel_shape), x.dtype
    real = x if kind.is_floating_point else x.to(torch.float32)
    lowest = float("-inf")
    whole = padded(real, windows.before, windows.behind, lowest)
    y = _MAX[rank](whole, windows.window, windows.strides, 0, windows.dilations, return_indices=wanted > 1)
    if wanted == 1:
        return y.to(kind)
    values, places = y
    coordinates: list[Tensor] = []
    for axis in reversed(range(rank)):
        coordinates.insert(0, places % whole.shape[2 + axis] - windows.before[axis])
        places = torch.div(places, whole.shape[2 + axis], rounding_mode="floor")
    axes = list(range(rank)) if not storage_order else list(reversed(range(rank)))
    flat = torch.zeros_like(coordinates[0])
    for axis in axes:
        flat = flat * x.shape[2 + axis] + coordinates[axis]
    plane = torch.arange(x.shape[0] * x.shape[1], device=x.device).reshape(x.shape[0], x.shape[1], *[1] * rank)
    return values.to(kind), flat + plane * math.prod(x.shape[2:])


@operator("MaxUnpool")
def max_unpool(
    x: Tensor,
    places: Tensor,
    sizes: Tensor | None = None,
    *,
    kernel_shape: Sizes,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
    context: Context,
) -> Tensor:
    """Numbers put back where the largest ones were."""
    rank = len(kernel_shape)
    steps, around = strides or [1] * rank, pads or [0] * 2 * rank
    own = [(x.shape[2 + i] - 1) * steps[i] - around[i] - around[rank + i] + kernel_shape[i] for i in range(rank)]
    wanted = [*x.shape[:2], *own] if sizes is None else [int(size) for size in sizes.tolist()]
    context.allow(wanted)
    flat = x.new_zeros(math.prod(wanted))
    if sizes is not None and wanted[2:] != own:
        # Places are those of the smaller image.
        plane, inside = torch.div(places, math.prod(own), rounding_mode="floor"), places % math.prod(own)
        moved = torch.zeros_like(inside)
        scale = 1
        for i in reversed(range(rank)):
            moved = moved + inside % own[i] * scale
            inside = torch.div(inside, own[i], rounding_mode="floor")
            scale *= wanted[2 + i]
        places = plane * math.prod(wanted[2:]) + moved
    return flat.scatter(0, places.reshape(-1), x.reshape(-1)).reshape(wanted)


@operator("GlobalAveragePool")
def global_average_pool(x: Tensor) -> Tensor:
    """Mean of each channel."""
    return x.mean(list(range(2, x.dim())), keepdim=True)


@operator("GlobalMaxPool")
def global_max_pool(x: Tensor) -> Tensor:
    """Largest number of each channel."""
    return x.amax(list(range(2, x.dim())), keepdim=True)


@operator("GlobalLpPool")
def global_lp_pool(x: Tensor, *, p: int = 2) -> Tensor:
    """A norm of each channel."""
    return (x.abs() ** p).sum(list(range(2, x.dim())), keepdim=True) ** (1 / p)


@operator("DeformConv")
def convolve_deformed(
    x: Tensor,
    weight: Tensor,
    offset: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    offset_group: int = 1,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Tensor:
    """A convolution whose window is bent by the data."""
    strides, dilations, pads = strides or [1, 1], dilations or [1, 1], pads or [0] * 4
    n, c, height, width = x.shape
    kh, kw = weight.shape[2:]
    oh, ow = offset.shape[2:]
    moves = offset.reshape(n, offset_group, kh * kw, 2, oh, ow)

    def places(axis: int, count: int, kernel: int) -> Tensor:
        begin = torch.arange(count, device=x.device, dtype=x.dtype) * strides[axis] - pads[axis]
        within = torch.arange(kernel, device=x.device, dtype=x.dtype) * dilations[axis]
        return within[:, None] + begin[None]

    rows = places(0, oh, kh)[:, None, :, None].expand(kh, kw, oh, ow).reshape(1, 1, kh * kw, oh, ow) + moves[:, :, :, 0]
    columns = places(1, ow, kw)[None, :, None, :].expand(kh, kw, oh, ow).reshape(1, 1, kh * kw, oh, ow) + moves[:, :, :, 1]
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1)
    groups = x.reshape(n * offset_group, c // offset_group, height, width)
    taken = F.grid_sample(groups, grid.reshape(n * offset_group, kh * kw * oh, ow, 2), align_corners=False, padding_mode="zeros")
    taken = taken.reshape(n, offset_group, c // offset_group, kh * kw, oh, ow)
    if mask is not None:
        taken = taken * mask.reshape(n, offset_group, 1, kh * kw, oh, ow)
    parts = taken.reshape(n, group, c // group, kh * kw, oh, ow)
    kernel = weight.reshape(group, weight.shape[0] // group, c // group, kh * kw)
    y = torch.einsum("ngckhw,gfck->ngfhw", parts, kernel).reshape(n, weight.shape[0], oh, ow)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


@operator("CausalConvWithState")
def causal_convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, past: Tensor | None = None, *, activation: str = "none"
) -> tuple[Tensor, Tensor]:
    """A convolution of each channel by itself that sees no later step, and what of the end it must remember."""
    reach = weight.shape[-1] - 1
    before = x.new_zeros(*x.shape[:2], reach) if past is None else past
    whole = torch.cat([before, x], 2)
    y = torch.conv1d(whole, weight, bias, groups=x.shape[1])
    if activation in ("silu", "swish"):
        y = F.silu(y)
    return y, whole[..., whole.shape[-1] - reach :]
