"""Arithmetic of tones: images in whole levels, as pictures in files have them, and what their histograms say."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.colours import from_unit, unit
from lamina.engine.warping import folded

LEVELS = 256
_TOLERANCE = 1e-3
"""Level 7 of 255 as a float may come out as 6.9999998: what is nearer to a level than this counts as the level."""


def levels(x: Tensor, value_range: tuple[float, float], count: int = LEVELS) -> Tensor:
    """The level of each value, rounded down, as whole numbers from 0."""
    return (unit(x, value_range) * (count - 1) + _TOLERANCE).floor().clamp(0, count - 1).long()


def posterized(x: Tensor, bits: Tensor, value_range: tuple[float, float]) -> Tensor:
    """The first ``bits`` of the 8 of each level alone; ``bits`` is ``[batch, 1, 1, 1]``, whole numbers."""
    step = 2 ** (8 - bits)
    return from_unit((levels(x, value_range) // step * step).to(x.dtype) / (LEVELS - 1), value_range)


def solarized(x: Tensor, addition: Tensor, threshold: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Lighter by a share of the range; then what is at or above a share of it is turned into its negative."""
    lighter = (unit(x, value_range) + addition).clamp(0, 1)
    return from_unit(torch.where(lighter < threshold, lighter, 1 - lighter), value_range)


def stretched(x: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Each channel stretched until its darkest pixel is at the lower end of the range and its lightest at the upper."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    varied = high > low
    return torch.where(varied, from_unit((x - low) / torch.where(varied, high - low, 1.0), value_range), x)


def equalized(x: Tensor, value_range: tuple[float, float], count: int = LEVELS) -> Tensor:
    """Each channel with its levels spread so that all are about equally frequent.

    A level becomes the share of pixels at or below it, counted from those of the darkest level on. A channel of one level stays.
    """
    places = levels(x, value_range, count).flatten(2)
    histogram = _histogram(places, count)
    sums = histogram.cumsum(2)
    darkest = histogram.gather(2, places.amin(2, keepdim=True))
    others = sums[:, :, -1:] - darkest
    table = ((sums - darkest) * (LEVELS - 1) / others.clamp(min=1)).round() / (LEVELS - 1)
    found = from_unit(table.clamp(0, 1).to(x.dtype).gather(2, places), value_range).reshape(x.shape)
    return torch.where(others[..., None] > 0, found, x)


def locally_equalized(x: Tensor, value_range: tuple[float, float], limit: float, tiles: tuple[int, int]) -> Tensor:
    """Each pixel spread by the histograms of the four tiles around it, in which no level counts for too much.

    Args:
        x: The images.
        value_range: The range of their values.
        limit: How many times its fair share a level may count; what is above is spread over all levels. 0: no limit.
        tiles: How many there are from top to bottom, and from left to right.
    """
    height, width = x.shape[2:]
    tall, wide = -(-height // tiles[0]), -(-width // tiles[1])
    rows = folded(torch.arange(tall * tiles[0], device=x.device), height, "reflect")
    columns = folded(torch.arange(wide * tiles[1], device=x.device), width, "reflect")
    places = levels(x, value_range)[:, :, rows][:, :, :, columns]
    cut = places.reshape(*x.shape[:2], tiles[0], tall, tiles[1], wide).transpose(3, 4).flatten(4)
    tables = _tables(_histogram(cut, LEVELS), tall * wide, limit)
    down, top, below = _tiles_around(height, tall, tiles[0], x)
    across, left, right = _tiles_around(width, wide, tiles[1], x)
    places = places[:, :, :height, :width]

    def spread(tile_rows: Tensor, tile_columns: Tensor) -> Tensor:
        index = (tile_rows[:, None] * tiles[1] + tile_columns) * LEVELS + places
        return tables.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)

    upper = torch.lerp(spread(top, left), spread(top, right), across)
    lower = torch.lerp(spread(below, left), spread(below, right), across)
    return from_unit(torch.lerp(upper, lower, down[:, None]).to(x.dtype), value_range)


def _histogram(places: Tensor, count: int) -> Tensor:
    """How often each level stands along the last axis; float64."""
    found = torch.zeros((*places.shape[:-1], count), dtype=torch.float64, device=places.device)
    return found.scatter_add_(-1, places, torch.ones_like(places, dtype=torch.float64))


def _tables(histogram: Tensor, pixels: int, limit: float) -> Tensor:
    """What each level becomes in each tile, from 0 to 1."""
    if limit > 0:
        kept = histogram.clamp(max=limit * pixels / LEVELS)
        histogram = kept + (histogram - kept).sum(-1, keepdim=True) / LEVELS
    sums = histogram.cumsum(-1)
    first = sums[..., :1]
    return ((sums - first) / (pixels - first).clamp(min=1e-9)).clamp(0, 1)


def _tiles_around(size: int, tile: int, count: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each place on an axis how far it is from the tile before to the tile after, and the two tiles."""
    place = (torch.arange(size, dtype=torch.float64, device=x.device) - tile / 2) / tile
    before = place.floor()
    return place - before, before.long().clamp(0, count - 1), (before.long() + 1).clamp(0, count - 1)


def sharpened(x: Tensor, share: Tensor, value_range: tuple[float, float]) -> Tensor:
    """A blend of the image and its smoothed self: 0 is smooth, 1 as it was, 2 sharper; the pixels of the edges stay."""
    kernel = torch.ones((3, 3), dtype=x.dtype, device=x.device)
    kernel[1, 1] = 5
    weight = (kernel / 13).expand(x.shape[1], 1, 3, 3)
    if min(x.shape[2:]) < 3:
        return x
    inner = F.conv2d(x, weight, groups=x.shape[1])
    smooth = torch.cat([x[:, :, 1:-1, :1], inner, x[:, :, 1:-1, -1:]], 3)
    smooth = torch.cat([x[:, :, :1], smooth, x[:, :, -1:]], 2)
    return (x + (1 - share) * (smooth - x)).clamp(*value_range)


def blurred(x: Tensor, deviation: Tensor, size: tuple[int, int]) -> Tensor:
    """Each image under a Gaussian of its own deviation, cut to a kernel; mirrored at the edges.

    Args:
        x: The images.
        deviation: ``[batch, 1]``; 0 leaves an image as it was.
        size: Odd height and width of the kernel.
    """
    reach = (size[0] // 2, size[1] // 2)
    rows = folded(torch.arange(-reach[0], x.shape[2] + reach[0], device=x.device), x.shape[2], "reflect")
    columns = folded(torch.arange(-reach[1], x.shape[3] + reach[1], device=x.device), x.shape[3], "reflect")
    wide = x.index_select(2, rows).index_select(3, columns).flatten(0, 1)[None]
    down, across = (gaussian(deviation, side).repeat_interleave(x.shape[1], 0)[:, None] for side in reach)
    tall = F.conv2d(wide, down[:, :, :, None], groups=wide.shape[1])
    return F.conv2d(tall, across[:, :, None, :], groups=wide.shape[1]).reshape(x.shape)


def gaussian(deviation: Tensor, reach: int) -> Tensor:
    """Weights of places up to ``reach`` on both sides, for each deviation of ``[batch, 1]``; each row adds up to 1."""
    places = torch.arange(-reach, reach + 1, dtype=deviation.dtype, device=deviation.device)
    return torch.softmax(-0.5 * (places / deviation.clamp(min=1e-3)).square(), 1)
