"""What the engine reads of a batch; where batches come from is no concern of its."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from lamina.engine.masks import Masks


class Samples(Protocol):
    """What a step reads of a batch; a `lamina.data.loader.Batch` has it."""

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """Tensors by input name."""

    @property
    def targets(self) -> Mapping[str, Tensor]:
        """Tensors by output name."""

    @property
    def weight(self) -> Tensor | None:
        """Weight of each sample."""

    @property
    def masks(self) -> Masks | None:
        """Which steps of inputs and targets are real."""

    @property
    def size(self) -> int:
        """How many samples."""

    @property
    def total_weight(self) -> float:
        """Sum of the weights; how many samples where there are none."""
