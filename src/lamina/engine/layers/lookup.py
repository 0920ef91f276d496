"""How numbers and tokens become other tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.errors import DataError
from lamina.network.layers.lookup import Discretize, HashedCrossing, Hashing, IntegerLookup

_GOLDEN, _FIRST, _SECOND = (value - (1 << 64) for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
"""SplitMix64's constants, as the whole numbers with a sign that torch has."""


@runs(Discretize)
class DiscretizeModule(LayerModule):
    """A search among the boundaries."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        places = torch.bucketize(x.detach().contiguous(), torch.tensor(layer.boundaries, dtype=x.dtype, device=x.device), right=True)
        if layer.output == "one_hot":
            hot = F.one_hot(places, layer.bins).to(x.dtype)
            return hot if x.dim() == 2 else hot.flatten(2)
        return places if x.dim() == 2 else places.squeeze(2)


@runs(IntegerLookup)
class IntegerLookupModule(LayerModule):
    """A search in the sorted list."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        known, places = torch.tensor(layer.vocabulary, device=x.device).sort()
        found = torch.searchsorted(known, x.contiguous()).clamp(max=len(known) - 1)
        missed = known[found] != x
        masked = torch.zeros_like(missed) if layer.mask_value is None else x == layer.mask_value
        if layer.unknown == 0 and bool((missed & ~masked).any()):
            raise self._unknown(x, missed & ~masked)
        first = layer.offset - layer.unknown
        others = first + x.remainder(max(layer.unknown, 1))
        return torch.where(missed, others, layer.offset + places[found]).masked_fill(masked, 0)

    def _unknown(self, x: Tensor, missed: Tensor) -> DataError:
        place: Any = missed.nonzero()[0].tolist()
        layer: Any = self.node.layer
        return DataError(
            "EN012",
            where=f"layer {self.node.name!r} (integer_lookup), sample {place[0]}, step {place[1]} of the batch",
            expected=f"one of the {len(layer.vocabulary)} numbers of its vocabulary",
            got=str(int(x[tuple(place)])),
            cause="the number was not known when the network was written",
            fix="add it to the vocabulary, or write unknown: 1, which gives a place to all that are not known",
        )


@runs(Hashing)
class HashingModule(LayerModule):
    """SplitMix64."""

    def forward(self, x: Tensor) -> Tensor:
        layer: Any = self.node.layer
        start = torch.full_like(x, layer.salt)
        if layer.mask_value is None:
            return scattered(mixed(start, x), layer.bins)
        return (1 + scattered(mixed(start, x), layer.bins - 1)).masked_fill(x == layer.mask_value, 0)


@runs(HashedCrossing)
class HashedCrossingModule(LayerModule):
    """SplitMix64, over and over."""

    def forward(self, *inputs: Tensor) -> Tensor:
        layer: Any = self.node.layer
        found = torch.full_like(inputs[0], layer.salt)
        for x in inputs:
            found = mixed(found, x)
        return scattered(found, layer.bins)


def mixed(base: Tensor, index: Tensor) -> Tensor:
    """SplitMix64: the index-th output of the generator that starts at base, as whole numbers of 64 bits with a sign."""
    z = base + (index + 1) * _GOLDEN  # What is beyond 64 bits is lost, as it shall be.
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return z ^ _shifted(z, 31)


def scattered(mixed: Tensor, bins: int) -> Tensor:
    """The bin of each of these numbers."""
    return _shifted(mixed, 1).remainder(bins)


def _shifted(z: Tensor, bits: int) -> Tensor:
    """Shifted to the right as numbers without a sign."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)
