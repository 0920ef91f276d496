"""Averaging of weights every so many steps: local SGD, and DiLoCo with an outer optimiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lamina.distribute.exchange.run import ExchangeRun, State, exchanges
from lamina.distribute.world import World
from lamina.engine.optimizers import OptimizerRun, optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.learning.exchange import ParameterAveraging

_OUTER = "outer/"


@exchanges(ParameterAveraging)
class AveragingRun(ExchangeRun[ParameterAveraging]):
    """Lets every process train by itself, and averages what they have moved since the last time.

    Attributes:
        rounds: Averages taken.
    """

    def __init__(
        self, description: ParameterAveraging, world: World, flat: FlatParameters, optimizer: OptimizerRun[Any], network: nn.Module
    ) -> None:
        super().__init__(description, world, flat, optimizer, network)
        self.rounds = 0
        self._steps, self._samples = 0, 0
        self._vectors = [buffer.vector for buffer in flat.buffers]
        self._kept = [vector.clone() for vector in self._vectors]
        self._kept_buffers = [buffer.clone() for buffer in self.buffers]
        self._outers = [_outer(description, kept) for kept in self._kept] if description.outer is not None else []

    def gradients(self, total: Tensor | None, weight: float, samples: int) -> tuple[Tensor, float]:
        self._samples += samples
        if total is None:
            return torch.zeros((), dtype=torch.float64), 0.0
        if weight:
            for buffer in self.flat.buffers:
                buffer.gradient.div_(weight)
            total = total / weight
        return total, weight

    def after_step(self) -> None:
        self._steps += 1
        if self._steps >= self.description.every:
            self.settle()

    def settle(self) -> None:
        if self._steps == 0:
            return
        with self.world.timed():
            head = self._numbers([float(self._samples), float(self.asking())])
            self.world.sum(head)
            total, asks = head.tolist()
            self.asked = asks > 0
            share = self._samples / total
            self._average_weights(share)
            if self.description.optimizer_state:
                self._average_state(share)
            self._count_updates()
            self._average_buffers(share)
        self.rounds += 1
        self._steps, self._samples = 0, 0

    def _average_weights(self, share: float) -> None:
        """Move the common weights by the mean of how far each process has gone, or as the outer optimiser says."""
        for vector, kept in zip(self._vectors, self._kept, strict=True):
            vector.sub_(kept).mul_(share)
        self.world.sum(*self._vectors)
        for place, (vector, kept) in enumerate(zip(self._vectors, self._kept, strict=True)):
            if self._outers:
                outer, run = self._outers[place]
                outer.vector.copy_(kept)
                torch.neg(vector, out=outer.gradient)
                run.step(self.rounds, float(self.rounds))
                kept.copy_(outer.vector)
            else:
                kept.add_(vector)
            vector.copy_(kept)

    def _average_state(self, share: float) -> None:
        vectors = list(self._optimizer_vectors().values())
        for vector in vectors:
            vector.mul_(share)
        self.world.sum(*vectors)

    def _count_updates(self) -> None:
        """A process without samples in a step has made no update; from now on all have made as many as the one with the most."""
        updates = self._numbers([float(self.optimizer.updates)])
        self.world.maximum(updates)
        self.optimizer.updates = int(updates.item())

    def _average_buffers(self, share: float) -> None:
        if not self.buffers:
            return
        pairs = list(zip(self._kept_buffers, self.buffers, strict=True))
        moved = torch.cat([(buffer.double() - kept.double()).flatten() for kept, buffer in pairs]).mul_(share)
        self.world.sum(moved)
        start = 0
        for kept, buffer in pairs:
            value = kept.double() + moved[start : start + buffer.numel()].view(buffer.shape)
            start += buffer.numel()
            kept.copy_(value if buffer.is_floating_point() else value.round())
            buffer.copy_(kept)

    def _optimizer_vectors(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.optimizer.state_dict().items() if tensor.dim() == 1 and name != "begun"}

    # -- state ------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        numbers = {"rounds": self.rounds, "steps": self._steps, "samples": self._samples, "updates": self.optimizer.updates}
        tensors: dict[str, Tensor] = {}
        if self._steps:
            tensors |= {f"own/{place}": vector for place, vector in enumerate(self._vectors)}
            tensors |= {f"buffer/{place}": buffer for place, buffer in enumerate(self.buffers)}
            if self.world.leads:
                tensors |= {f"kept/{place}": vector for place, vector in enumerate(self._kept)}
                tensors |= {f"kept_buffer/{place}": buffer for place, buffer in enumerate(self._kept_buffers)}
        if self._steps or not self.description.optimizer_state:
            tensors |= {f"state/{name}": vector for name, vector in self._optimizer_vectors().items()}
        for place, (_, run) in enumerate(self._outers if self.world.leads else ()):
            tensors |= {f"{_OUTER}{place}/{name}": tensor for name, tensor in run.state_dict().items()}
        return numbers, tensors

    def load_state(self, states: Sequence[State]) -> None:
        common = states[0][1]
        self.rounds = int(states[0][0]["rounds"])
        within = int(states[0][0]["steps"])
        for place, (_, run) in enumerate(self._outers):
            run.load_state_dict(_under(f"{_OUTER}{place}/", common))
        for place, kept in enumerate(self._kept):
            kept.copy_(common[f"kept/{place}"] if within else self._vectors[place])
        for place, kept in enumerate(self._kept_buffers):
            kept.copy_(common[f"kept_buffer/{place}"] if within else self.buffers[place])
        if len(states) == self.world.count:
            self._load_own(*states[self.world.rank])
        else:
            self._load_mean(states)

    def _load_own(self, numbers: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        self._steps, self._samples = int(numbers["steps"]), int(numbers["samples"])
        self.optimizer.updates = int(numbers["updates"])
        for place, vector in enumerate(self._vectors if self._steps else ()):
            vector.copy_(tensors[f"own/{place}"])
        for place, buffer in enumerate(self.buffers if self._steps else ()):
            buffer.copy_(tensors[f"buffer/{place}"])
        own = self._optimizer_vectors()
        for name, vector in _under("state/", tensors).items():
            own[name].copy_(vector)

    def _load_mean(self, states: Sequence[State]) -> None:
        """There were more processes, or fewer: what each had of its own is averaged, and all begin alike."""
        shares = [float(numbers["samples"]) for numbers, _ in states]
        shares = [share / sum(shares) for share in shares] if sum(shares) else [1 / len(states)] * len(states)
        self.optimizer.updates = max(int(numbers["updates"]) for numbers, _ in states)

        def mean(name: str) -> Tensor:
            return torch.stack([tensors[name].double() * share for (_, tensors), share in zip(states, shares, strict=True)]).sum(0)

        if states[0][0]["steps"]:
            for place, (vector, kept) in enumerate(zip(self._vectors, self._kept, strict=True)):
                vector.copy_(mean(f"own/{place}"))
                kept.copy_(vector)
            for place, (buffer, kept) in enumerate(zip(self.buffers, self._kept_buffers, strict=True)):
                buffer.copy_(mean(f"buffer/{place}"))
                kept.copy_(buffer)
        for name, vector in self._optimizer_vectors().items():
            if f"state/{name}" in states[0][1]:
                vector.copy_(mean(f"state/{name}"))


def _outer(description: ParameterAveraging, kept: Tensor) -> tuple[FlatParameters, OptimizerRun[Any]]:
    """The common weights as the only parameter of a network, and what moves them: no layer's penalties or decay apply twice."""
    holder = nn.Module()
    holder.register_parameter("weights", nn.Parameter(kept.clone()))
    flat = FlatParameters(holder)
    optimizer = description.outer
    if optimizer is None:
        message = "there is no outer optimiser"
        raise ValueError(message)
    return flat, optimizer_for(optimizer, flat)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
