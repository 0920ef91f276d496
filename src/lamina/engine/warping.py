"""Images looked at through a map: for each new pixel, the place in the old image that it shows."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.network.layers.image import Fill, Interpolation


def pixel_grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Column and row of each pixel, ``[height, width]`` each, in the type of the images."""
    rows = torch.arange(x.shape[2], dtype=x.dtype, device=x.device)
    columns = torch.arange(x.shape[3], dtype=x.dtype, device=x.device)
    down, across = torch.meshgrid(rows, columns, indexing="ij")
    return across, down


def mapped(matrix: Tensor, across: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """Where each image's projective map takes points: ``[batch, height, width]`` each.

    Args:
        matrix: ``[batch, 3, 3]``, for column vectors ``(column, row, 1)``.
        across: Columns ``[height, width]``.
        down: Rows ``[height, width]``.
    """
    cells = matrix[:, :, :, None, None]
    first, second, third = (cells[:, row, 0] * across + cells[:, row, 1] * down + cells[:, row, 2] for row in range(3))
    return first / third, second / third


def sampled(x: Tensor, across: Tensor, down: Tensor, interpolation: Interpolation, fill: Fill, value: float) -> Tensor:
    """What images show at these places.

    Args:
        x: ``[batch, channels, height, width]``.
        across: Columns, ``[batch, rows, columns]``; whole numbers are the middles of pixels.
        down: Rows, of the same shape.
        interpolation: ``nearest`` pixel, or ``bilinear`` between the four around.
        fill: What lies beyond the edges.
        value: For the fill ``constant``.
    """
    if interpolation == "nearest":
        return _pixels(x, (across + 0.5).floor(), (down + 0.5).floor(), fill, value)
    left, top = across.floor(), down.floor()
    right_share, bottom_share = (across - left)[:, None], (down - top)[:, None]
    upper = torch.lerp(_pixels(x, left, top, fill, value), _pixels(x, left + 1, top, fill, value), right_share)
    lower = torch.lerp(_pixels(x, left, top + 1, fill, value), _pixels(x, left + 1, top + 1, fill, value), right_share)
    return torch.lerp(upper, lower, bottom_share)


def _pixels(x: Tensor, columns: Tensor, rows: Tensor, fill: Fill, value: float) -> Tensor:
    """Pixels at whole places, inside or beyond the edges."""
    height, width = x.shape[2:]
    places = folded(rows, height, fill) * width + folded(columns, width, fill)
    found = x.flatten(2).gather(2, places.flatten(1)[:, None].expand(-1, x.shape[1], -1)).reshape(*x.shape[:2], *columns.shape[1:])
    if fill != "constant":
        return found
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return torch.where(inside[:, None], found, value)


def folded(places: Tensor, size: int, fill: Fill) -> Tensor:
    """Whole places on a line without ends, as places on one of ``size`` pixels.

    Example:
        >>> folded(torch.arange(-3.0, 6.0), 3, "reflect").tolist()
        [2, 1, 0, 0, 1, 2, 2, 1, 0]
    """
    if fill == "wrap":
        return places.remainder(size).long().clamp(0, size - 1)
    if fill == "reflect":
        turned = places.remainder(2 * size)
        places = torch.minimum(turned, 2 * size - 1 - turned)
    return places.clamp(0, size - 1).long()
