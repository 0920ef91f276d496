"""Pooling by windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.packing import counts_of, only, pack, unpack
from lamina.engine.layers.window import Padding, Windows
from lamina.network.layers.pooling import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from lamina.network.plan import Node

_MAX: dict[int, Callable[..., Tensor]] = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
AVERAGE: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class PoolModule(LayerModule):
    """What windowed pooling shares; subclasses write ``pool`` for ``[batch, channels, ...]``."""

    fill: ClassVar[float] = 0.0
    """What stands where no real step is, without changing anything."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._spatial: int = layer.spatial
        self._window, self._strides, self._dilations = layer.window, layer.strides, layer.dilations
        self._windows = Windows(layer.window, layer.strides, layer.dilations, layer.sides, half=True)
        self._fixed = self._windows.fixed(node)

    def forward(self, x: Tensor) -> Tensor:
        if self._spatial == 1:
            x = x.transpose(1, 2)
        padding = self._fixed if self._fixed is not None else self._windows.padding(x.shape[2:])
        y = self.pool(x, padding, None)
        return y.transpose(1, 2) if self._spatial == 1 else y

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        mask = only(masks)
        x, real = pack(inputs[0], mask, self._windows, fill=self.fill)
        y = self.pool(x.transpose(1, 2), Padding((0,)), real[:, None, :]).transpose(1, 2)
        return unpack(y, mask, counts_of(self._windows, mask.shape[1]))

    def pool(self, x: Tensor, padding: Padding, real: Tensor | None) -> Tensor:
        """Pool ``[batch, channels, ...]``.

        Args:
            x: What to pool.
            padding: What is to be added first.
            real: Which positions hold data, ``[batch, 1, ...]``, if nothing is to be added; None: all.
        """
        raise NotImplementedError


@runs(MaxPool1d, MaxPool2d, MaxPool3d)
class MaxPoolModule(PoolModule):
    """The largest of each window; what is added never wins."""

    fill: ClassVar[float] = -math.inf

    def pool(self, x: Tensor, padding: Padding, real: Tensor | None) -> Tensor:
        if padding.before:
            x = F.pad(x, padding.before, value=-math.inf)
        return _MAX[self._spatial](x, self._window, self._strides, padding.both, self._dilations)


@runs(AvgPool1d, AvgPool2d, AvgPool3d)
class AvgPoolModule(PoolModule):
    """The average of each window, with or without what is added."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._include: bool = layer.include_padding
        # Where windows are rounded up, what counts in the average on each side, last axis first.
        numbers = [0 if pad == "valid" else int(pad) for pad in layer.paddings] if getattr(layer, "rounding", "down") == "up" else []
        self._excess = tuple(number for pad in reversed(numbers) for number in (pad, pad))

    def pool(self, x: Tensor, padding: Padding, real: Tensor | None) -> Tensor:
        average = AVERAGE[self._spatial]
        if not padding.before and real is None:
            return average(x, self._window, self._strides, padding.both, count_include_pad=self._include)
        y = average(F.pad(x, padding.before) if padding.before else x, self._window, self._strides)
        if self._include and not self._excess:
            return y
        if self._include:
            inner = padding.before and tuple(min(pad, most) for pad, most in zip(padding.before, self._excess, strict=True))
            rest = tuple(pad - own for pad, own in zip(padding.before, inner, strict=True))
            held = F.pad(F.pad(x.new_ones((1, 1, *x.shape[2:])), inner, value=1.0), rest)
            return y / average(held, self._window, self._strides)
        # The share of each window that is real data, by which the average over all of it is too small.
        held = F.pad(x.new_ones((1, 1, *x.shape[2:])), padding.before) if real is None else real.to(x.dtype)
        return y / average(held, self._window, self._strides).clamp(min=1 / math.prod(self._window))
