"""How torch computes reconstructions: what scores say of the values they stand for.

A third party's reconstruction is made to run by `reconstructs`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.implementations import Implementations
from lamina.engine.losses import loss_function
from lamina.network import reconstructions as R
from lamina.network.activations import Sigmoid

# Deeplearning4j's clipping of probabilities.
_LEAST = 1e-5


class Reconstructor(ABC):
    """A reconstruction of ``width`` values, runnable. Scores are ``[batch, description.size(width)]``, values ``[batch, width]``."""

    def __init__(self, description: Any, width: int) -> None:
        self.description = description
        self.width = width

    @abstractmethod
    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        """``-log p(x)``, or the loss, of each sample: ``[batch]``."""

    @abstractmethod
    def mean(self, scores: Tensor) -> Tensor:
        """The expected values."""

    @abstractmethod
    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        """Values drawn; where there is no distribution, the expected ones."""

    def wrong(self, x: Tensor) -> Tensor | None:
        """Which values have no probability, or no loss; None: all have."""
        return None


_IMPLEMENTATIONS: Implementations[Callable[[Any, int], Reconstructor]] = Implementations("reconstruction", "reconstructs")
reconstructs = _IMPLEMENTATIONS.register
"""Decorator: this `Reconstructor` runs descriptions of this class."""


def reconstructor(description: R.Reconstruction, width: int) -> Reconstructor:
    """What runs a reconstruction of so many values.

    Raises:
        RegistrationError: EN031, if nothing runs it.
    """
    return _IMPLEMENTATIONS.find(description)(description, width)


class _Activated(Reconstructor):
    def __init__(self, description: Any, width: int) -> None:
        super().__init__(description, width)
        self._activate = activation_function(description.activation)


@reconstructs(R.BernoulliReconstruction)
class _Bernoulli(_Activated):
    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        if isinstance(self.description.activation, Sigmoid):
            return F.binary_cross_entropy_with_logits(scores, x, reduction="none").sum(-1)
        y = self._activate(scores).clamp(_LEAST, 1 - _LEAST)
        return -(x * y.log() + (1 - x) * torch.log1p(-y)).sum(-1)

    def mean(self, scores: Tensor) -> Tensor:
        return self._activate(scores)

    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        return torch.bernoulli(self._activate(scores).clamp(0, 1), generator=generator)

    def wrong(self, x: Tensor) -> Tensor | None:
        return (x < 0) | (x > 1)


@reconstructs(R.GaussianReconstruction)
class _Gaussian(_Activated):
    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        mean, log_variance = self._activate(scores).chunk(2, -1)
        return 0.5 * (math.log(2 * math.pi) + log_variance + (x - mean).square() * torch.exp(-log_variance)).sum(-1)

    def mean(self, scores: Tensor) -> Tensor:
        return self._activate(scores).chunk(2, -1)[0]

    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        mean, log_variance = self._activate(scores).chunk(2, -1)
        return mean + torch.exp(0.5 * log_variance) * torch.empty_like(mean).normal_(generator=generator)


@reconstructs(R.ExponentialReconstruction)
class _Exponential(_Activated):
    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        log_rate = self._activate(scores)
        return (x * log_rate.exp() - log_rate).sum(-1)

    def mean(self, scores: Tensor) -> Tensor:
        return torch.exp(-self._activate(scores))

    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        mean = self.mean(scores)
        return mean * torch.empty_like(mean).exponential_(generator=generator)

    def wrong(self, x: Tensor) -> Tensor | None:
        return x < 0


@reconstructs(R.LossReconstruction)
class _Loss(Reconstructor):
    def __init__(self, description: R.LossReconstruction, width: int) -> None:
        super().__init__(description, width)
        activation = description.activation or description.loss.natural()
        self._loss = loss_function(description.loss, activation)
        self._activate = activation_function(activation)

    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        return self._loss.per_sample(scores, x) * float(self.description.weight)

    def mean(self, scores: Tensor) -> Tensor:
        return self._activate(scores)

    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        return self.mean(scores)

    def wrong(self, x: Tensor) -> Tensor | None:
        if self.description.loss.target == "binary":
            return (x < 0) | (x > 1)
        found: Tensor | None = self.description.loss.wrong_targets(x)
        return found


@reconstructs(R.CompositeReconstruction)
class _Composite(Reconstructor):
    def __init__(self, description: R.CompositeReconstruction, width: int) -> None:
        super().__init__(description, width)
        self._parts = [reconstructor(part.distribution, part.size) for part in description.parts]
        self._values = [part.size for part in description.parts]
        self._scores = [part.distribution.size(part.size) for part in description.parts]

    def cost(self, scores: Tensor, x: Tensor) -> Tensor:
        pieces = zip(self._parts, torch.split(scores, self._scores, -1), torch.split(x, self._values, -1), strict=True)
        return torch.stack([part.cost(own, values) for part, own, values in pieces]).sum(0)

    def mean(self, scores: Tensor) -> Tensor:
        return torch.cat([part.mean(own) for part, own in zip(self._parts, torch.split(scores, self._scores, -1), strict=True)], -1)

    def draw(self, scores: Tensor, generator: Generator | None) -> Tensor:
        pieces = zip(self._parts, torch.split(scores, self._scores, -1), strict=True)
        return torch.cat([part.draw(own, generator) for part, own in pieces], -1)

    def wrong(self, x: Tensor) -> Tensor | None:
        found = [part.wrong(values) for part, values in zip(self._parts, torch.split(x, self._values, -1), strict=True)]
        pieces = zip(found, torch.split(x, self._values, -1), strict=True)
        return torch.cat([torch.zeros_like(values, dtype=torch.bool) if w is None else w for w, values in pieces], -1)
