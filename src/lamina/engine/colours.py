"""Arithmetic of colours; images are ``[batch, channels, height, width]``, red, green and blue first to last."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue seem (ITU-R BT.601); together 1, so that grey stays what it is."""


def unit(x: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Values on a scale from 0 to 1."""
    low, high = value_range
    return (x - low) / (high - low)


def from_unit(x: Tensor, value_range: tuple[float, float]) -> Tensor:
    """The inverse of `unit`."""
    low, high = value_range
    return x * (high - low) + low


def grey(x: Tensor) -> Tensor:
    """How bright each pixel seems, ``[batch, 1, height, width]``."""
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device)
    return (x * weights[:, None, None]).sum(1, keepdim=True)


def blend(x: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """``x`` where the share is 0, ``other`` where it is 1, and on from there beyond."""
    return x + share * (other - x)


def to_hsv(x: Tensor) -> Tensor:
    """Hue, saturation and value of colours from 0 to 1; each of them from 0 to 1, hue 0 for greys."""
    value, where = x.max(1)
    spread = value - x.amin(1)
    coloured = spread > 0
    safe = torch.where(coloured, spread, 1.0)
    red, green, blue = x.unbind(1)
    sector = torch.stack([(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4], 1)
    hue = sector.gather(1, where[:, None])[:, 0] / 6
    hue = torch.where(coloured, hue.remainder(1.0), 0.0)
    bright = value > 0
    saturation = torch.where(bright, spread / torch.where(bright, value, 1.0), 0.0)
    return torch.stack([hue, saturation, value], 1)


def from_hsv(x: Tensor) -> Tensor:
    """The inverse of `to_hsv`; hue counts in full turns, so that 1.2 is 0.2.

    Each channel is ``v - v * s * clamp(min(k, 4 - k), 0, 1)`` with ``k = (n + 6 * hue) mod 6`` and n of 5, 3 and 1.
    """
    hue, saturation, value = x.unbind(1)
    channels = []
    for offset in (5.0, 3.0, 1.0):
        k = (offset + 6 * hue).remainder(6.0)
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


def brightened(x: Tensor, delta: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Lighter by a share of the range, or darker, within the range."""
    low, high = value_range
    return (x + delta * (high - low)).clamp(low, high)


def contrasted(x: Tensor, factor: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Differences from the mean of each channel multiplied, within the range."""
    mean = x.mean((2, 3), keepdim=True)
    return ((x - mean) * factor + mean).clamp(*value_range)


def saturated(x: Tensor, factor: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Saturation multiplied; at most the most there is."""
    hue, saturation, value = to_hsv(unit(x, value_range).clamp(0, 1)).unbind(1)
    found = torch.stack([hue, (saturation * factor[:, 0]).clamp(max=1), value], 1)
    return from_unit(from_hsv(found), value_range)


def hue_turned(x: Tensor, turns: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Colours moved along the circle of hues, by a share of a full turn."""
    hue, saturation, value = to_hsv(unit(x, value_range).clamp(0, 1)).unbind(1)
    return from_unit(from_hsv(torch.stack([hue + turns[:, 0], saturation, value], 1)), value_range)
