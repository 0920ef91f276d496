"""Upsampling."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.packing import only
from lamina.network.layers.upsampling import Upsampling1d, Upsampling2d, Upsampling3d
from lamina.network.plan import Node


@runs(Upsampling2d, Upsampling3d)
class UpsamplingModule(LayerModule):
    """Torch's interpolation to the sizes that come out."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._factors: tuple[int, ...] = layer.factors
        self._mode: str = layer.mode
        self._align: bool | None = None if layer.mode == "nearest" else layer.align_corners

    def forward(self, x: Tensor) -> Tensor:
        sizes = [size * factor for size, factor in zip(x.shape[2:], self._factors, strict=True)]
        return F.interpolate(x, sizes, mode=self._mode, align_corners=self._align)


@runs(Upsampling1d)
class Upsampling1dModule(UpsamplingModule):
    """Along the steps."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        if self._mode != "nearest":
            return super().run_masked(inputs, masks)
        return self.forward(*inputs), only(masks).repeat_interleave(self._factors[0], 1)
