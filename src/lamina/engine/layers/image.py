"""Draws for layers that vary images: one for each image of a batch, from the generator that the step has seeded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule


class RandomImageModule(LayerModule):
    """A layer that acts in training only; subclasses write ``change``."""

    def change(self, x: Tensor) -> Tensor:
        """The images, each changed by draws of its own."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, x: Tensor) -> Tensor:
        return in_full(self.change, x) if self.training else x


def in_full(run: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Prepare data in float32 at least, also where the network computes products in half precision: half has no 256 even levels."""
    with torch.autocast(x.device.type, enabled=False):
        return run(x.float() if x.dtype in (torch.bfloat16, torch.float16) else x)


def uniform(x: Tensor, between: tuple[float, float], *sizes: int) -> Tensor:
    """Numbers for each image, drawn evenly from an interval: ``[batch, *sizes]``, or ``[batch, 1, 1, 1]`` if no sizes are given."""
    low, high = between
    return torch.rand((len(x), *(sizes or (1, 1, 1))), dtype=x.dtype, device=x.device) * (high - low) + low


def signs(x: Tensor, *sizes: int) -> Tensor:
    """-1 or 1 for each image, equally likely; sizes as for `uniform`."""
    return torch.where(uniform(x, (0.0, 1.0), *sizes) < 0.5, -1.0, 1.0).to(x.dtype)


def chosen(x: Tensor, probability: float) -> Tensor:
    """For each image whether it is one of those that are changed, ``[batch, 1, 1, 1]``."""
    return uniform(x, (0.0, 1.0)) < probability


def contrast(x: Tensor, factor: float | tuple[float, float]) -> Tensor:
    """Factors of contrast: a number says how far from 1, an interval by how much below it and above it."""
    below, above = factor if isinstance(factor, tuple) else (factor, factor)
    return uniform(x, (1 - below, 1 + above))
