"""How images are made sharper or softer, or lose a piece."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine import tones
from lamina.engine.layers.image import RandomImageModule, chosen, uniform
from lamina.engine.layers.layer import runs
from lamina.engine.warping import pixel_grid
from lamina.network.layers.image import ends
from lamina.network.layers.image_filter import RandomBlur, RandomErasing, RandomSharpness


@runs(RandomSharpness)
class RandomSharpnessModule(RandomImageModule):
    """Between smooth and sharp."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return tones.sharpened(x, 2 * uniform(x, ends(layer.factor)), layer.value_range)


@runs(RandomBlur)
class RandomBlurModule(RandomImageModule):
    """Gaussian, of another deviation for each image."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        soft = tones.blurred(x, uniform(x, ends(layer.deviation), 1), layer.sides).clamp(*layer.value_range)
        return torch.where(chosen(x, layer.probability), soft, x)


@runs(RandomErasing)
class RandomErasingModule(RandomImageModule):
    """A rectangle of noise or of one value."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        across, down = pixel_grid(x)
        inside = chosen(x, layer.probability)
        for places, size in ((down, x.shape[2]), (across, x.shape[3])):
            length = uniform(x, layer.scale).sqrt() * size
            start = uniform(x, (0.0, 1.0)) * (size - length)
            inside = inside & (places >= start) & (places < start + length)
        filling = torch.rand_like(x) if layer.fill_value is None else torch.full_like(x, layer.fill_value)
        low, high = layer.value_range
        return torch.where(inside, filling * (high - low) + low if layer.fill_value is None else filling, x)
