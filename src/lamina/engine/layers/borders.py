"""Padding and cropping."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.errors import ShapeError
from lamina.network.layers.borders import (
    Border,
    Cropping1d,
    Cropping2d,
    Cropping3d,
    Padding,
    Padding1d,
    Padding2d,
    Padding3d,
    ZeroPadding1d,
    ZeroPadding2d,
    ZeroPadding3d,
)
from lamina.network.plan import Node
from lamina.shapes import Sequence


class BorderModule(LayerModule):
    """What padding and cropping share: along steps, the axes change places before and after."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: Border = layer
        self._steps = isinstance(node.input_shapes[0], Sequence)

    def forward(self, x: Tensor) -> Tensor:
        return self.change(x.transpose(1, 2)).transpose(1, 2) if self._steps else self.change(x)

    def change(self, x: Tensor) -> Tensor:
        """Change the sides of ``[batch, channels, ...]``."""
        raise NotImplementedError


@runs(ZeroPadding1d, ZeroPadding2d, ZeroPadding3d, Padding1d, Padding2d, Padding3d)
class PaddingModule(BorderModule):
    """What torch pads with; it wants the last axis first."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer = self._layer
        self._amounts = tuple(position for pair in reversed(layer.amounts) for position in pair)
        self._mode, value = (layer.mode, layer.value) if isinstance(layer, Padding) else ("constant", 0.0)
        self._value = value if self._mode == "constant" else None

    def change(self, x: Tensor) -> Tensor:
        if self._steps and x.shape[2] < self._layer.least(self._layer.amounts[0]):
            raise _too_short(self.node, self._layer, x.shape[2])
        return F.pad(x, self._amounts, self._mode, self._value)


@runs(Cropping1d, Cropping2d, Cropping3d)
class CroppingModule(BorderModule):
    """A view of the middle."""

    def change(self, x: Tensor) -> Tensor:
        for axis, (before, after) in enumerate(self._layer.amounts, 2):
            size = x.shape[axis]
            x = x.narrow(axis, min(before, size), max(size - before - after, 0))
        return x


def _too_short(node: Node, layer: Border, steps: int) -> ShapeError:
    least = layer.least(layer.amounts[0])
    return ShapeError(
        "EN050",
        where=f"layer {node.name!r} ({layer.type_name})",
        expected=f"sequences of at least {least} steps",
        got=f"a sequence of {steps} among the batch's sequences of different lengths",
        cause=layer.why,
        fix="leave such short sequences out, set smaller sides, or mode: replicate, which needs a single step",
    )
