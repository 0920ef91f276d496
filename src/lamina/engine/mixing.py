"""How the samples of a batch are mixed; all draws are functions of a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.engine.implementations import Implementations
from lamina.engine.runnable import Network
from lamina.engine.samples import Samples
from lamina.learning.mixing import CutMix, Mix, Mixup

Inputs = dict[str, Tensor]
Blend = Callable[[Inputs, Tensor, float, np.random.Generator], tuple[Inputs, float]]
"""From inputs, the partner of each sample, the share that was drawn and a generator to mixed inputs and the share that they have."""

_MIXES: Implementations[Callable[[Any], Blend]] = Implementations("mix", "mixes")
mixes = _MIXES.register
"""Decorator: the function makes a `Blend` from a `lamina.learning.mixing.Mix` of this class."""


class Mixer:
    """Mixes batches.

    Args:
        description: How.

    Raises:
        RegistrationError: EN031, if nothing mixes so.
    """

    def __init__(self, description: Mix) -> None:
        self.description = description
        self._blend = _MIXES.find(description)(description)

    def mixed(self, inputs: Mapping[str, Tensor], seed: int) -> tuple[Inputs, Tensor, float]:
        """Mixed inputs, the partner of each sample, and the share of the own sample.

        Args:
            inputs: By name, on one device.
            seed: All draws are a function of it.
        """
        first = next(iter(inputs.values()))
        generator = np.random.Generator(np.random.Philox(key=seed))
        share = float(generator.beta(self.description.alpha, self.description.alpha))
        partner = torch.from_numpy(generator.permutation(len(first))).to(first.device, non_blocking=True)
        found, share = self._blend(dict(inputs), partner, share, generator)
        return found, partner, share

    def loss(self, network: Network, batch: Samples, seed: int) -> Tensor:
        """The training loss of a batch, mixed."""
        inputs, partner, share = self.mixed(batch.inputs, seed)
        scores, reached = network.run(inputs)
        named = dict(zip(network.outputs, scores, strict=True))
        judged = network.judged_steps(dict(zip(network.outputs, reached, strict=True)), None)
        own, weight = batch.targets, batch.weight
        others = {name: target.index_select(0, partner) for name, target in own.items()}
        others_weight = None if weight is None else weight.index_select(0, partner)
        if self.description.blend:
            mixable = [name for name, target in own.items() if target.is_floating_point()]
            blended = {name: torch.lerp(others[name], own[name], share) for name in mixable}
            own, others = {**own, **blended}, {**others, **blended}
            if len(mixable) == len(own):
                weight = weight if weight is None or others_weight is None else torch.lerp(others_weight, weight, share)
                return network.penalized(network.loss_of(named, own, weight, judged), weight)
        loss = share * network.loss_of(named, own, weight, judged) + (1 - share) * network.loss_of(named, others, others_weight, judged)
        return network.penalized(loss, weight)


@mixes(Mixup)
def _mixup(description: Mixup) -> Blend:
    def blend(inputs: Inputs, partner: Tensor, share: float, generator: np.random.Generator) -> tuple[Inputs, float]:
        return {name: torch.lerp(x.index_select(0, partner), x, share) for name, x in inputs.items()}, share

    return blend


@mixes(CutMix)
def _cutmix(description: CutMix) -> Blend:
    def blend(inputs: Inputs, partner: Tensor, share: float, generator: np.random.Generator) -> tuple[Inputs, float]:
        ((name, x),) = inputs.items()
        # Sequences [batch, steps, features]; images and volumes have their channels before the axes of space.
        first, sizes = (1, x.shape[1:2]) if x.dim() == 3 else (2, x.shape[2:])
        side = (1.0 - share) ** (1.0 / len(sizes))
        box = [_stretch(size, side, generator) for size in sizes]
        place = (slice(None),) * first + tuple(box)
        mixed = x.clone()
        mixed[place] = x.index_select(0, partner)[place]
        cut = np.prod([part.stop - part.start for part in box]) / np.prod(sizes)
        return {name: mixed}, 1.0 - float(cut)

    return blend


def _stretch(size: int, side: float, generator: np.random.Generator) -> slice:
    """A random stretch of about ``side`` of an axis, cut off at its ends."""
    half, centre = int(size * side) // 2, int(generator.integers(size))
    odd = int(size * side) % 2
    return slice(max(centre - half, 0), min(centre + half + odd, size))
