"""A recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import runs
from lamina.engine.layers.recurrent import Given, SequenceModule
from lamina.network.layers.bidirectional import Bidirectional
from lamina.network.layers.recurrent import Recurrent
from lamina.network.plan import Node

_MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda forward, backward: torch.cat((forward, backward), -1),
    "sum": torch.add,
    "average": lambda forward, backward: (forward + backward) / 2,
    "multiply": torch.mul,
}


@runs(Bidirectional)
class BidirectionalModule(SequenceModule):
    """In both directions, merged."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._merge = _MERGES[layer.merge]

    @property
    def settings(self) -> Recurrent:
        layer: Any = self.node.layer
        found: Recurrent = layer.recurrent
        return found

    def compute(self, x: Tensor) -> Tensor:
        (forward,), (backward,) = self._weights("forward_"), self._weights("backward_")
        y, z, memory = self._recurrence.both(x, forward, backward)
        if self._gives == "state":
            return self._merge(torch.cat([part[0] for part in memory], -1), torch.cat([part[1] for part in memory], -1))
        # On its way back, the last step that a direction reads is the first.
        return self._merge(y, z) if self._gives == "sequence" else self._merge(y[:, -1], z[:, 0])

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> Given:
        mask = masks[0]
        return self.noisily(lambda x: self._read(x, mask), inputs), mask if self._gives == "sequence" else None

    def _read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        run, start, keep = self._recurrence.read, self._recurrence.start(x), self._gives == "state"
        y, last, memory = run(x, self._weights("forward_"), start, mask, keep=keep)
        z, first, other = run(x, self._weights("backward_"), start, mask, backward=True, keep=keep)
        if self._gives == "sequence":
            return self._merge(y, z)
        if self._gives == "last":
            return self._merge(last, first)
        return self._merge(torch.cat([part[0] for part in memory], -1), torch.cat([part[0] for part in other], -1))
