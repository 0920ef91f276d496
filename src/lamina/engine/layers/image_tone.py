"""How tones are changed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine import colours, tones
from lamina.engine.layers.image import RandomImageModule, chosen, contrast, in_full, uniform
from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.image import ends
from lamina.network.layers.image_tone import (
    AutoContrast,
    Clahe,
    Equalization,
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)


@runs(RandomBrightness)
class RandomBrightnessModule(RandomImageModule):
    """A share of the range, added."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.brightened(x, uniform(x, ends(layer.factor, mirrored=True)), layer.value_range)


@runs(RandomContrast)
class RandomContrastModule(RandomImageModule):
    """Differences from the mean, multiplied."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return colours.contrasted(x, contrast(x, layer.factor), layer.value_range)


@runs(RandomInvert)
class RandomInvertModule(RandomImageModule):
    """Negative or not."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return torch.where(chosen(x, layer.probability), sum(layer.value_range) - x, x)


@runs(RandomPosterization)
class RandomPosterizationModule(RandomImageModule):
    """The first bits."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        low, high = layer.bits if isinstance(layer.bits, tuple) else (layer.bits, layer.bits)
        bits = torch.randint(low, high + 1, (len(x), 1, 1, 1), device=x.device)
        return tones.posterized(x, bits, layer.value_range)


@runs(Solarization)
class SolarizationModule(RandomImageModule):
    """Negative where it is bright."""

    def change(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return tones.solarized(x, uniform(x, ends(layer.addition)), uniform(x, ends(layer.threshold)), layer.value_range)


@runs(AutoContrast)
class AutoContrastModule(LayerModule):
    """From the darkest to the lightest value."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return in_full(lambda own: tones.stretched(own, layer.value_range), x)


@runs(Equalization)
class EqualizationModule(LayerModule):
    """By the histogram of each channel."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return in_full(lambda own: tones.equalized(own, layer.value_range, layer.bins), x.detach())


@runs(Clahe)
class ClaheModule(LayerModule):
    """By the histograms of the tiles around."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        return in_full(lambda own: tones.locally_equalized(own, layer.value_range, layer.clip_limit, layer.counts), x.detach())
