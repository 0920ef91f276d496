"""Exchanges that send less than the gradient: what was not sent is kept, and sent later (error feedback)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lamina.distribute.exchange.codes import (
    decode_bits,
    decode_largest,
    decode_threshold,
    encode_bits,
    encode_largest,
    encode_threshold,
)
from lamina.distribute.exchange.run import D, ExchangeRun, State, exchanges
from lamina.distribute.world import World
from lamina.engine.optimizers import OptimizerRun
from lamina.engine.parameters import FlatParameters
from lamina.learning.exchange import OneBit, Threshold, TopK

_SAMPLED = 1 << 20
"""Values that the first threshold is found from."""


class CompressedRun(ExchangeRun[D]):
    """Adds the gradient to what was kept, sends a message of it, and keeps the rest; every process adds up all messages.

    Attributes:
        kept: What was not sent yet, a vector for each of gradients, on the CPU.
    """

    def __init__(self, description: D, world: World, flat: FlatParameters, optimizer: OptimizerRun[Any], network: nn.Module) -> None:
        super().__init__(description, world, flat, optimizer, network)
        self.kept = [torch.zeros(buffer.gradient.shape, dtype=_exact(buffer.gradient.dtype)) for buffer in flat.buffers]

    def finish(self, weight: float) -> None:
        for place, (buffer, kept) in enumerate(zip(self.flat.buffers, self.kept, strict=True)):
            kept.add_(buffer.gradient.to("cpu", kept.dtype), alpha=1.0 / (weight or 1.0))
            message = torch.from_numpy(self.encode(place, kept.numpy()))
            total = torch.zeros_like(kept)
            for found in self.world.gather_bytes(message):
                self.decode(found.numpy(), total.numpy())
            buffer.gradient.copy_(total)

    def encode(self, place: int, kept: np.ndarray) -> np.ndarray:
        """A message (uint8) of a vector; what it says is taken out of the vector."""
        raise NotImplementedError(type(self).__name__)

    def decode(self, message: np.ndarray, total: np.ndarray) -> None:
        """Add what a message says to a vector."""
        raise NotImplementedError(type(self).__name__)

    def state(self) -> State:
        return {}, {f"kept/{place}": kept for place, kept in enumerate(self.kept)}

    def load_state(self, states: Sequence[State]) -> None:
        # Of processes that are no more, others send what was kept; a new one has kept nothing.
        for place, kept in enumerate(self.kept):
            kept.zero_()
            for _, tensors in states[self.world.rank :: self.world.count]:
                kept.add_(tensors[f"kept/{place}"])


@exchanges(Threshold)
class ThresholdRun(CompressedRun[Threshold]):
    """Sends where values reach a threshold."""

    def __init__(
        self, description: Threshold, world: World, flat: FlatParameters, optimizer: OptimizerRun[Any], network: nn.Module
    ) -> None:
        super().__init__(description, world, flat, optimizer, network)
        self.thresholds = [description.initial or 0.0 for _ in flat.buffers]
        self._steps = 0

    def finish(self, weight: float) -> None:
        super().finish(weight)
        self._steps += 1
        settings = self.description
        if settings.clip_residual is not None and self._steps % settings.clip_every == 0:
            for kept, threshold in zip(self.kept, self.thresholds, strict=True):
                kept.clamp_(-settings.clip_residual * threshold, settings.clip_residual * threshold)

    def encode(self, place: int, kept: np.ndarray) -> np.ndarray:
        settings = self.description
        if not self.thresholds[place]:
            self.thresholds[place] = _reached_by(kept, settings.most)
        message, sent = encode_threshold(kept, self.thresholds[place])
        if settings.adaptive:
            fraction = sent / len(kept)
            if fraction < settings.least:
                self.thresholds[place] *= settings.decay
            elif fraction > settings.most:
                self.thresholds[place] /= settings.decay
        return message

    def decode(self, message: np.ndarray, total: np.ndarray) -> None:
        decode_threshold(message, total)

    def state(self) -> State:
        return {"thresholds": list(self.thresholds), "steps": self._steps}, super().state()[1]

    def load_state(self, states: Sequence[State]) -> None:
        super().load_state(states)
        numbers = states[self.world.rank % len(states)][0]
        self.thresholds, self._steps = [float(value) for value in numbers["thresholds"]], int(numbers["steps"])


@exchanges(OneBit)
class OneBitRun(CompressedRun[OneBit]):
    """Sends signs, and a size for each block."""

    def encode(self, place: int, kept: np.ndarray) -> np.ndarray:
        return encode_bits(kept, self.description.block)

    def decode(self, message: np.ndarray, total: np.ndarray) -> None:
        decode_bits(message, total, self.description.block)


@exchanges(TopK)
class TopKRun(CompressedRun[TopK]):
    """Sends the largest values."""

    def encode(self, place: int, kept: np.ndarray) -> np.ndarray:
        return encode_largest(kept, max(1, int(self.description.fraction * len(kept))))

    def decode(self, message: np.ndarray, total: np.ndarray) -> None:
        decode_largest(message, total)


def _exact(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _reached_by(values: np.ndarray, fraction: float) -> float:
    """The size that about this fraction of values reach; 0 if all are 0."""
    sizes: Tensor = torch.from_numpy(np.abs(values[:: max(1, len(values) // _SAMPLED)]))
    count = max(1, int(fraction * len(sizes)))
    return float(sizes.topk(count).values[-1]) or float(sizes.max())
