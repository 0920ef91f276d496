"""An average of a network's weights and buffers, kept beside it; the two can change places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from lamina.engine.parameters import FlatParameters
from lamina.learning.averaging import Averaging


class Average:
    """Averages as a description says.

    Args:
        description: How, with all lengths known (`Averaging.bind`).
        network: Whose weights.
        flat: Its trainable parameters; others don't change, and need no average.

    Attributes:
        taken: How many values are in it.
        presented: Whether the network has the averaged values now, and this object those that are trained.
    """

    def __init__(self, description: Averaging, network: nn.Module, flat: FlatParameters) -> None:
        self.description = description
        self.taken = 0
        self.presented = False
        self._vectors = [buffer.vector for buffer in flat.buffers]
        self._buffers = dict(network.named_buffers())
        self._live = [*self._vectors, *self._buffers.values()]
        # In the order of `_live`; the averaged values, or, while those are presented, the trained ones.
        self._other = [torch.empty_like(tensor) for tensor in self._live]
        self._estimated = False

    def after(self, count: int, unit: Literal["steps", "epochs"]) -> None:
        """Take the network's values into the average, if that is due after so many steps or epochs."""
        if self.description.due(count, unit):
            self.take()

    def take(self) -> None:
        """Take the network's values into the average."""
        share, parameters = self.description.share(self.taken), len(self._vectors)
        for place, (kept, live) in enumerate(zip(self._other, self._live, strict=True)):
            averaged = live.is_floating_point() and (place < parameters or not self.description.estimates)
            if self.taken and averaged:
                kept.lerp_(live, share)
            else:
                kept.copy_(live)
        self.taken += 1
        self._estimated = False

    def present(self, estimate: Callable[[], None]) -> None:
        """Give the network the averaged values, if there are any yet.

        Args:
            estimate: Sets running statistics for the values that the network has when it is called.
        """
        if not self.taken or self.presented:
            return
        self._swap()
        if self.description.estimates and not self._estimated:
            estimate()
            self._estimated = True

    def withdraw(self) -> None:
        """Give the network the trained values back, bit for bit."""
        if self.presented:
            self._swap()

    def _swap(self) -> None:
        for kept, live in zip(self._other, self._live, strict=True):
            before = live.clone()
            live.copy_(kept)
            kept.copy_(before)
        self.presented = not self.presented

    # -- state ------------------------------------------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, int | bool], dict[str, Tensor]]:
        """Numbers, and both the averaged and the trained values by name, whichever of them the network has."""
        if not self.taken:
            return {"taken": 0, "estimated": False}, {}
        trained, averaged = (self._other, self._live) if self.presented else (self._live, self._other)
        names = [*(f"vector/{index}" for index in range(len(self._vectors))), *(f"buffer/{name}" for name in self._buffers)]
        tensors = {f"averaged/{name}": tensor for name, tensor in zip(names, averaged, strict=True)}
        tensors |= {f"trained/{name}": tensor for name, tensor in zip(names, trained, strict=True)}
        return {"taken": self.taken, "estimated": self._estimated}, tensors

    def load_state_dict(self, numbers: Mapping[str, int | bool], tensors: Mapping[str, Tensor]) -> None:
        """Go on from `state_dict`: the network gets the trained values."""
        self.taken, self._estimated, self.presented = int(numbers["taken"]), bool(numbers["estimated"]), False
        if not self.taken:
            return
        names = [*(f"vector/{index}" for index in range(len(self._vectors))), *(f"buffer/{name}" for name in self._buffers)]
        for name, kept, live in zip(names, self._other, self._live, strict=True):
            kept.copy_(tensors[f"averaged/{name}"])
            live.copy_(tensors[f"trained/{name}"])
