"""Stretches and parts of an axis."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.errors import ShapeError
from lamina.network.plan import Node
from lamina.network.vertices.slice import Slice, Split


@runs(Slice)
class SliceModule(LayerModule):
    """Forward a view; backward a copy, which torch has no view for."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._slice: Slice = layer
        self._axis = 1 + self._slice.place_in(node.input_shapes[0])

    def forward(self, x: Tensor) -> Tensor:
        places = self._slice.places(x.shape[self._axis])
        if len(places) == 0:
            raise self._nothing(x.shape[self._axis])
        if places.step > 0:
            return x[(slice(None),) * self._axis + (slice(places.start, places.stop, places.step),)]
        return x.index_select(self._axis, torch.tensor(places, device=x.device))

    def _nothing(self, steps: int) -> ShapeError:
        layer = self._slice
        return ShapeError(
            "EN060",
            where=f"layer {self.node.name!r} (slice)",
            expected="sequences of which the slice leaves at least one step",
            got=f"{steps} steps, start {layer.start}, stop {layer.stop}, step {layer.step}",
            cause="the sequence is shorter than the slice reckons with",
            fix="leave out sequences that are that short, or choose a start and a stop that every sequence has",
        )


@runs(Split)
class SplitModule(LayerModule):
    """One part."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        (shape,) = node.input_shapes
        place = layer.place_in(shape)
        start, stop = layer.bounds(shape.dims[place] or 0)
        self._axis, self._start, self._size = 1 + place, start, stop - start

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self._axis, self._start, self._size)
