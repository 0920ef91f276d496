"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.packing import counts_of, only, pack, unpack
from lamina.engine.layers.steps import lengths, real_first, take_steps, undo
from lamina.engine.layers.window import Padding, Windows
from lamina.network.layers.convolution import Conv1d, Conv2d, Conv3d
from lamina.network.layers.window import reach
from lamina.network.plan import Node

CONVOLVE: dict[int, Callable[..., Tensor]] = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


class ConvolutionModule(ParametricModule):
    """What all but transposed convolutions share: zeros are added, then torch convolves."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._convolve = CONVOLVE[layer.spatial]
        self._strides, self._dilations = layer.strides, layer.dilations
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.paddings)
        self._fixed = self._windows.fixed(node)
        self._unpadded = Padding((0,) * layer.spatial)
        self._groups = self.groups(node)

    def groups(self, node: Node) -> int:
        """Into how many groups channels and filters fall."""
        return int(getattr(node.layer, "groups", 1))

    def compute(self, x: Tensor) -> Tensor:
        return self.slide(x, self._fixed if self._fixed is not None else self._windows.padding(x.shape[2:]))

    def slide(self, x: Tensor, padding: Padding) -> Tensor:
        """From ``[batch, channels, ...]`` to the output, before the activation."""
        return self.convolve(x, padding, "weight")

    def convolve(self, x: Tensor, padding: Padding, weight: str, bias: str = "bias") -> Tensor:
        """Pad and convolve ``[batch, channels, ...]``."""
        if padding.before:
            x = F.pad(x, padding.before)
        parameters = self._parameters
        return self._convolve(x, parameters[weight], parameters.get(bias), self._strides, padding.both, self._dilations, self._groups)


@runs(Conv2d, Conv3d)
class SpatialConvolutionModule(ConvolutionModule):
    """Over images and through volumes."""


class StepsConvolutionModule(ConvolutionModule):
    """Along the steps: features are torch's channels, so the axes change places before and after.

    Its memory, if it has one, is the last inputs that later windows still see.
    """

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        # A causal window sees this many steps before its own.
        self._seen = reach(self._windows.window[0], self._dilations[0]) - 1 if node.layer.memory else 0

    def compute(self, x: Tensor) -> Tensor:
        return super().compute(x.transpose(1, 2)).transpose(1, 2)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        if self.node.layer.stepwise:
            return super().run_masked(inputs, masks)
        mask = only(masks)

        def run(x: Tensor) -> Tensor:
            return self._slide_steps(pack(x, mask, self._windows)[0])

        y = self.activated(self.noisily(run, inputs))
        return unpack(y, mask, counts_of(self._windows, mask.shape[1]))

    def start_state(self, batch: int) -> dict[str, Tensor]:
        features = self.node.input_shapes[0].dims[-1] or 1
        return {"seen": next(self.parameters()).new_zeros(batch, self._seen, features)} if self._seen else {}

    def step(
        self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        if not self._seen:
            return super().step(inputs, masks, state)
        mask, seen = masks[0], state["seen"]

        def run(x: Tensor) -> tuple[Tensor, Tensor]:
            both = torch.cat([seen, x], 1)
            if mask is None:
                return self._slide_steps(both), both[:, x.shape[1] :]
            real = torch.cat([mask.new_ones(seen.shape[:2]), mask], 1)
            both = take_steps(both.masked_fill(~real[:, :, None], 0.0), real_first(real))
            places = lengths(mask)[:, None] + torch.arange(self._seen, device=x.device)
            return take_steps(self._slide_steps(both), undo(real_first(mask))), take_steps(both, places)

        y, seen_now = self.noisily(run, inputs)
        return self.activated(y), mask, {"seen": seen_now}

    def _slide_steps(self, x: Tensor) -> Tensor:
        """From ``[batch, steps, n]``, padded already."""
        return self.slide(x.transpose(1, 2), self._unpadded).transpose(1, 2)


@runs(Conv1d)
class Conv1dModule(StepsConvolutionModule):
    """Each filter sees all features of its group."""
