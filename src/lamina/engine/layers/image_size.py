"""How images get another size."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.image import in_full
from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.image_size import CenterCrop, RandomCrop, Resizing, Sized


@runs(Resizing)
class ResizingModule(LayerModule):
    """Cut or filled up to the proportions, then torch's interpolation, or Lanczos's."""

    def forward(self, x: Tensor) -> Tensor:
        return in_full(self._resized, x)

    def _resized(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        if layer.crop_to_aspect_ratio:
            x = middle(x, *layer.window(self.node.input_shapes[0]))
        elif layer.pad_to_aspect_ratio:
            height, width = layer.frame(self.node.input_shapes[0])
            more_rows, more_columns = height - x.shape[2], width - x.shape[3]
            top, left = more_rows // 2, more_columns // 2
            x = F.pad(x, (left, more_columns - left, top, more_rows - top), value=layer.fill_value)
        size = (layer.height, layer.width)
        if layer.interpolation.startswith("lanczos"):
            return lanczos(x, size, int(layer.interpolation[-1]), antialias=layer.antialias)
        if layer.interpolation == "area":
            return F.adaptive_avg_pool2d(x, size)
        if layer.interpolation == "nearest":
            return F.interpolate(x, size, mode="nearest-exact")
        return F.interpolate(x, size, mode=layer.interpolation, antialias=layer.antialias, align_corners=False)


@runs(CenterCrop)
class CenterCropModule(LayerModule):
    """The middle, or the largest part of the right proportions, enlarged."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return cut_middle(x, layer)


@runs(RandomCrop)
class RandomCropModule(LayerModule):
    """Anywhere in training, the middle otherwise."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        height, width = x.shape[2:]
        if not self.training or layer.height > height or layer.width > width:
            return cut_middle(x, layer)
        top = torch.randint(height - layer.height + 1, (len(x), 1, 1, 1), device=x.device)
        left = torch.randint(width - layer.width + 1, (len(x), 1, 1, 1), device=x.device)
        rows = top + torch.arange(layer.height, device=x.device)[:, None]
        columns = left + torch.arange(layer.width, device=x.device)
        kept = x.gather(2, rows.expand(-1, x.shape[1], -1, width))
        return kept.gather(3, columns.expand(-1, x.shape[1], layer.height, -1))


def cut_middle(x: Tensor, layer: Sized) -> Tensor:
    """The middle of images, of the size that a layer gives."""
    height, width = x.shape[2:]
    if layer.height <= height and layer.width <= width:
        return middle(x, layer.height, layer.width)
    part = middle(x, max(1, min(height, width * layer.height // layer.width)), max(1, min(width, height * layer.width // layer.height)))
    return F.interpolate(part, (layer.height, layer.width), mode="bilinear", align_corners=False)


def middle(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of images; what is left over by an odd number stands below and to the right."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def lanczos(x: Tensor, size: tuple[int, int], lobes: int, *, antialias: bool) -> Tensor:
    """Resized with Lanczos's window of 3 or 5 lobes, first along the rows, then along the columns."""
    across = _lanczos_weights(x.shape[3], size[1], lobes, antialias=antialias).to(x)
    down = _lanczos_weights(x.shape[2], size[0], lobes, antialias=antialias).to(x)
    return down @ (x @ across.T)


def _lanczos_weights(before: int, after: int, lobes: int, *, antialias: bool) -> Tensor:
    """Share of each old pixel in each new one, ``[after, before]``; what lies beyond the edge counts for nothing."""
    scale = before / after
    stretch = max(scale, 1.0) if antialias else 1.0
    centres = (torch.arange(after, dtype=torch.float64) + 0.5) * scale
    distances = (torch.arange(before, dtype=torch.float64) + 0.5 - centres[:, None]) / stretch
    weights = torch.where(distances.abs() < lobes, torch.sinc(distances) * torch.sinc(distances / lobes), 0.0)
    return weights / weights.sum(1, keepdim=True).clamp(min=math.ulp(1.0))
