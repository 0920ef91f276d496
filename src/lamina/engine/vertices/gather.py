"""Places of an axis in any order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.steps import real_first, take_steps
from lamina.errors import DataError, ShapeError
from lamina.network.plan import Node
from lamina.network.vertices.gather import Gather


@runs(Gather)
class GatherModule(LayerModule):
    """By the description's indices, or by those of the second input."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._indices: tuple[int, ...] | None = layer.indices
        self._axis = 1 + int(layer.place_in(node.input_shapes[0]))

    def forward(self, x: Tensor, places: Tensor | None = None) -> Tensor:
        size = x.shape[self._axis]
        if places is not None:
            outside = (places < 0) | (places >= size)
            # On an accelerator the gather itself refuses; asking first would make everybody wait.
            if places.device.type == "cpu" and bool(outside.any()):
                raise self._missing(places, outside, size)
            return take_steps(x, places)
        indices = self._indices or ()
        beyond = next((index for index in indices if not -size <= index < size), None)
        if beyond is not None:
            raise self._too_short(beyond, size)
        return x.index_select(self._axis, torch.tensor([index % size for index in indices], device=x.device))

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        if self._indices is not None:
            return super().run_masked(inputs, masks)
        (x, places), (mask, wanted) = inputs, masks
        if wanted is not None:
            places = places.masked_fill(~wanted, 0)
        if mask is not None:
            counts = mask.sum(1, keepdim=True)
            outside = (places < 0) | (places >= counts.clamp(min=1))
            if places.device.type == "cpu" and bool(outside.any()):
                raise self._missing(places, outside, int(counts[outside.any(1)].min()))
            x = take_steps(x, real_first(mask))
        y = self.forward(x, places)
        return y, places.new_ones(places.shape, dtype=torch.bool) if wanted is None else wanted

    def _missing(self, places: Tensor, outside: Tensor, size: int) -> DataError:
        sample, step = outside.nonzero()[0].tolist()
        return DataError(
            "EN062",
            where=f"layer {self.node.name!r} (gather), sample {sample} of the batch",
            expected=f"steps from 0 to {size - 1}",
            got=f"{int(places[sample, step])}",
            cause="the second input counts the steps of the first from 0, and only real ones",
            fix="correct the numbers in the data, or make the sequences longer",
        )

    def _too_short(self, index: int, size: int) -> ShapeError:
        return ShapeError(
            "EN061",
            where=f"layer {self.node.name!r} (gather)",
            expected=f"sequences that have a step {index}",
            got=f"{size} step{'' if size == 1 else 's'}",
            cause="the sequence is shorter than the indices reckon with; the first step is number 0",
            fix="leave out sequences that are that short, or choose indices that every sequence has",
        )
