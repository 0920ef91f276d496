"""How images are turned, moved, tilted, enlarged and bent: each new pixel asks where in the old image it lies."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.image import RandomImageModule, chosen, signs, uniform
from lamina.engine.layers.layer import runs
from lamina.engine.tones import gaussian
from lamina.engine.warping import mapped, pixel_grid, sampled
from lamina.network.layers.image import ends
from lamina.network.layers.image_geometry import (
    RandomElastic,
    RandomFlip,
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)


@runs(RandomFlip)
class RandomFlipModule(RandomImageModule):
    """Mirrored or not."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        if layer.mode != "vertical":
            x = torch.where(chosen(x, 0.5), x.flip(3), x)
        if layer.mode != "horizontal":
            x = torch.where(chosen(x, 0.5), x.flip(2), x)
        return x


class WarpedModule(RandomImageModule):
    """Shows images through a map; subclasses write ``matrix``, or `places` for what is no projective map."""

    def matrix(self, x: Tensor) -> Tensor:
        """For each image the map from new pixels ``(column, row, 1)`` to old ones, ``[batch, 3, 3]``."""
        raise NotImplementedError(type(self).__name__)

    def places(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """For each new pixel the column and the row of the place that it shows, ``[batch, height, width]`` each."""
        return mapped(self.matrix(x), *pixel_grid(x))

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return sampled(x, *self.places(x), layer.interpolation, layer.fill, layer.fill_value)


@runs(RandomRotation)
class RandomRotationModule(WarpedModule):
    """A turn about the middle."""

    def matrix(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        angle = 2 * math.pi * uniform(x, ends(layer.factor, mirrored=True), 1)[:, 0]
        cos, sin = angle.cos(), angle.sin()
        middle_x, middle_y = (x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2
        return _affine(
            cos, -sin, middle_x - middle_x * cos + middle_y * sin,
            sin, cos, middle_y - middle_x * sin - middle_y * cos,
        )  # fmt: skip


@runs(RandomTranslation)
class RandomTranslationModule(WarpedModule):
    """What moves to the right shows what was to the left."""

    def matrix(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        down = x.shape[2] * uniform(x, ends(layer.height_factor, mirrored=True), 1)[:, 0]
        right = x.shape[3] * uniform(x, ends(layer.width_factor, mirrored=True), 1)[:, 0]
        one, none = torch.ones_like(down), torch.zeros_like(down)
        return _affine(one, none, -right, none, one, -down)


@runs(RandomShear)
class RandomShearModule(WarpedModule):
    """Columns depend on rows, rows on columns."""

    def matrix(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        sign = signs(x, 1)[:, 0]
        across = sign * uniform(x, ends(layer.x_factor), 1)[:, 0]
        down = sign * uniform(x, ends(layer.y_factor), 1)[:, 0]
        one, none = torch.ones_like(sign), torch.zeros_like(sign)
        return _affine(one, across, none, down, one, none)


@runs(RandomZoom)
class RandomZoomModule(WarpedModule):
    """Distances from the middle, multiplied."""

    def matrix(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        tall = 1 + uniform(x, ends(layer.height_factor, mirrored=True), 1)[:, 0]
        wide = tall if layer.width_factor is None else 1 + uniform(x, ends(layer.width_factor, mirrored=True), 1)[:, 0]
        none = torch.zeros_like(tall)
        middle_x, middle_y = (x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2
        return _affine(wide, none, middle_x * (1 - wide), none, tall, middle_y * (1 - tall))


@runs(RandomPerspective)
class RandomPerspectiveModule(WarpedModule):
    """The projective map that takes the moved corners back to where they were."""

    def matrix(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        right, bottom = x.shape[3] - 1, x.shape[2] - 1
        if min(right, bottom) == 0:
            # A line of pixels has no four corners; it is left as it is.
            return torch.eye(3, dtype=x.dtype, device=x.device).expand(len(x), 3, 3)
        corners = torch.tensor([[0, 0], [right, 0], [0, bottom], [right, bottom]], dtype=torch.float64, device=x.device)
        moves = uniform(x, (-layer.scale / 2, layer.scale / 2), 4, 2) * chosen(x, layer.probability)[:, 0]
        return homography(corners + moves * (corners[3] - corners[0]), corners).to(x.dtype)


@runs(RandomElastic)
class RandomElasticModule(WarpedModule):
    """Noise, smoothed, says how far each pixel looks."""

    def places(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer: Any = self.node.layer
        strength = uniform(x, ends(layer.scale), 1) * chosen(x, layer.probability)[:, :, 0, 0]
        sides = x.shape[2:]
        deviation = 0.05 * min(sides) * strength
        reach = math.ceil(3 * 0.05 * min(sides) * ends(layer.scale)[1])
        noise = torch.randn((len(x), 2, *sides), dtype=x.dtype, device=x.device)
        moves = smoothed(noise, deviation, reach) * (deviation * 0.1 * max(sides) * strength)[:, :, None, None]
        across, down = pixel_grid(x)
        return across + moves[:, 0], down + moves[:, 1]


def smoothed(x: Tensor, deviation: Tensor, reach: int) -> Tensor:
    """Each image blurred by a Gaussian of its own deviation ``[batch, 1]``, as far as ``reach`` pixels; 0 lies around."""
    weights = gaussian(deviation, reach).repeat_interleave(x.shape[1], 0)[:, None]
    flat = x.flatten(0, 1)[None]
    flat = F.conv2d(flat, weights[:, :, :, None], padding=(reach, 0), groups=flat.shape[1])
    return F.conv2d(flat, weights[:, :, None, :], padding=(0, reach), groups=flat.shape[1]).reshape(x.shape)


def homography(start: Tensor, end: Tensor) -> Tensor:
    """The projective maps ``[batch, 3, 3]`` that take four points each, ``[batch, 4, 2]``, to four others."""
    end = end.expand_as(start)
    x, y, u, v = start[..., 0], start[..., 1], end[..., 0], end[..., 1]
    one, none = torch.ones_like(x), torch.zeros_like(x)
    for_columns = torch.stack([x, y, one, none, none, none, -x * u, -y * u], 2)
    for_rows = torch.stack([none, none, none, x, y, one, -x * v, -y * v], 2)
    found = torch.linalg.solve(torch.cat([for_columns, for_rows], 1), torch.cat([u, v], 1))
    return torch.cat([found, torch.ones_like(found[:, :1])], 1).reshape(-1, 3, 3)


def _affine(*cells: Tensor) -> Tensor:
    """Two rows of three numbers an image, and the third row of every map that keeps straight lines parallel."""
    last = torch.tensor([0.0, 0.0, 1.0], dtype=cells[0].dtype, device=cells[0].device).expand(len(cells[0]), 3)
    return torch.cat([torch.stack(cells, 1), last], 1).reshape(-1, 3, 3)
