"""The mean loss of an epoch, summed up step by step."""

from __future__ import annotations

import torch


class RunningMean:
    """A weighted mean, summed in float64; its sum and weight are all its state.

    Values on a CPU are summed as numbers: a tensor operation costs ten times as much, which small networks would feel. Those on
    another device are summed there, since reading one would wait for it.

    Args:
        device: Where the values are.

    Attributes:
        weight: Sum of the weights.

    Example:
        >>> mean = RunningMean(torch.device("cpu"))
        >>> mean.add(torch.tensor(1.0), 3.0)
        >>> mean.add(torch.tensor(2.0), 1.0)
        >>> mean.value
        1.25
    """

    def __init__(self, device: torch.device) -> None:
        self.weight = 0.0
        self._number = 0.0
        self._remote = None if device.type == "cpu" else torch.zeros((), dtype=torch.float64, device=device)

    def add(self, value: torch.Tensor, weight: float) -> None:
        """Count a scalar, detached, as often as its weight says."""
        if self._remote is None:
            self._number += value.item() * weight
        else:
            self._remote.add_(value, alpha=weight)
        self.weight += weight

    @property
    def sum(self) -> float:
        """Sum of values times weights; waits for the device."""
        return self._number if self._remote is None else float(self._remote)

    @property
    def value(self) -> float:
        """The mean so far."""
        return self.sum / self.weight

    def set(self, total: float, weight: float) -> None:
        """Start from a sum and a weight, such as 0 and 0."""
        self.weight = weight
        if self._remote is None:
            self._number = total
        else:
            self._remote.fill_(total)
