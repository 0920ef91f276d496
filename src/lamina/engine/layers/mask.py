"""Masks that begin and end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.layers.mask import ApplyMask, HoldSteps, MaskSteps
from lamina.network.plan import Node


@runs(MaskSteps)
class MaskStepsModule(LayerModule):
    """A step is real if any of its numbers differs from the value."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._value = float(layer.value)

    def forward(self, x: Tensor) -> Tensor:
        return _zeroed(x, self._real(x))

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), (mask,) = inputs, masks
        found = self._real(x) if mask is None else self._real(x) & mask
        return _zeroed(x, found), found

    def _real(self, x: Tensor) -> Tensor:
        return (x != self._value).flatten(2).any(2)


@runs(ApplyMask)
class ApplyMaskModule(LayerModule):
    """Zeros in place of what isn't real, and no mask."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), (mask,) = inputs, masks
        return x if mask is None else _zeroed(x, mask), None


@runs(HoldSteps)
class HoldStepsModule(LayerModule):
    """The nearest real step before, or after, in place of what isn't real; no mask."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._reverse = bool(layer.reverse)

    def forward(self, x: Tensor) -> Tensor:
        return x

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), (mask,) = inputs, masks
        if mask is None:
            return x, None
        real = mask.flip(1) if self._reverse else mask
        places = torch.arange(real.shape[1], device=x.device).expand_as(real)
        nearest = torch.where(real, places, torch.full_like(places, -1)).cummax(1).values
        if self._reverse:
            nearest = torch.where(nearest < 0, nearest, real.shape[1] - 1 - nearest).flip(1)
        rows = torch.arange(x.shape[0], device=x.device)[:, None]
        return _zeroed(x[rows, nearest.clamp(min=0)], nearest >= 0), None


def _zeroed(x: Tensor, mask: Tensor) -> Tensor:
    return x.masked_fill(~mask.reshape(*mask.shape, *(1,) * (x.dim() - 2)), 0)
