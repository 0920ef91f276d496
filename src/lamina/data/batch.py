"""Some samples, ready to be fed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from lamina.engine.masks import Masks


class Batch:
    """Some samples, ready to be fed.

    Attributes:
        inputs: Tensor of each input by name, on the device.
        targets: Tensor of each target by name, on the device.
        weight: Weight of each sample, or None.
        indices: Which samples of the data set they are (int64, on the CPU).
        size: How many.
        total_weight: Sum of the weights; the size where there are none.
        masks: Which steps of inputs and targets are real; None if all are.
        whole: How many samples the whole batch has, of which these are one process's share; the size where nothing is shared out.
    """

    __slots__ = ("indices", "inputs", "masks", "size", "targets", "total_weight", "weight", "whole")

    def __init__(
        self,
        inputs: dict[str, Tensor],
        targets: dict[str, Tensor],
        weight: Tensor | None,
        indices: Tensor,
        total_weight: float,
        masks: Masks | None = None,
        whole: int | None = None,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.weight = weight
        self.indices = indices
        self.size: int = indices.shape[0]
        self.total_weight = total_weight
        self.masks = masks
        self.whole = self.size if whole is None else whole

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in {**self.inputs, **self.targets}.items())
        return f"Batch({self.size} samples; {shapes})"
