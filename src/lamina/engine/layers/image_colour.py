"""How colours are computed and varied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine import colours
from lamina.engine.layers.image import RandomImageModule, chosen, contrast, signs, uniform
from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.image import ends
from lamina.network.layers.image_colour import (
    Grayscale,
    ImageStandardize,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)


@runs(Grayscale)
class GrayscaleModule(LayerModule):
    """A weighted sum of the channels."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.grey(x).repeat(1, layer.channels, 1, 1)


@runs(ImageStandardize)
class ImageStandardizeModule(LayerModule):
    """Fixed numbers."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        mean, std = (torch.tensor(numbers, dtype=x.dtype, device=x.device)[:, None, None] for numbers in layer.numbers)
        return (x - mean) / std


@runs(RandomGrayscale)
class RandomGrayscaleModule(RandomImageModule):
    """Grey or not."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return torch.where(chosen(x, layer.probability), colours.grey(x), x)


@runs(RandomColorDegeneration)
class RandomColorDegenerationModule(RandomImageModule):
    """Towards grey."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.blend(x, colours.grey(x), uniform(x, ends(layer.factor))).clamp(*layer.value_range)


@runs(RandomSaturation)
class RandomSaturationModule(RandomImageModule):
    """Saturation multiplied."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.saturated(x, strength(x, layer.factor), layer.value_range)


@runs(RandomHue)
class RandomHueModule(RandomImageModule):
    """Hue moved."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.hue_turned(x, turns(x, layer.factor), layer.value_range)


@runs(RandomColorJitter)
class RandomColorJitterModule(RandomImageModule):
    """All that is set, one after the other."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        if layer.brightness is not None:
            x = colours.brightened(x, uniform(x, ends(layer.brightness, mirrored=True)), layer.value_range)
        if layer.contrast is not None:
            x = colours.contrasted(x, contrast(x, layer.contrast), layer.value_range)
        if layer.saturation is not None:
            x = colours.saturated(x, strength(x, layer.saturation), layer.value_range)
        if layer.hue is not None:
            x = colours.hue_turned(x, turns(x, layer.hue), layer.value_range)
        return x


def strength(x: Tensor, factor: float | tuple[float, float]) -> Tensor:
    """Factors of saturation."""
    share = uniform(x, ends(factor))
    return share / (1 - share).clamp(min=1e-7)


def turns(x: Tensor, factor: float | tuple[float, float]) -> Tensor:
    """Shares of the circle of hues."""
    return 0.5 * signs(x) * uniform(x, ends(factor))
