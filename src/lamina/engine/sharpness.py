"""How a step is made aware of sharpness: up to where the loss is worst, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from lamina.engine.implementations import Implementations
from lamina.engine.parameters import FlatParameters
from lamina.learning.sharpness import Sam, Sharpness

_LEAST = 1e-12
"""Keeps a gradient of 0 from being divided by 0; it moves nothing."""


class Climb(Protocol):
    """Moves parameters by their gradients, and back."""

    def up(self) -> None:
        """Move the parameters to where the gradient shall be computed again."""

    def back(self) -> None:
        """Give them the values they had, bit for bit."""


_CLIMBS: Implementations[Callable[[Any, FlatParameters], Climb]] = Implementations("sharpness", "climbs")
climbs = _CLIMBS.register
"""Decorator: the function makes a `Climb` from a `lamina.learning.sharpness.Sharpness` of this class and the parameters."""


def climb_for(description: Sharpness, flat: FlatParameters) -> Climb:
    """What climbs as the description says.

    Raises:
        RegistrationError: EN031, if nothing does.
    """
    return _CLIMBS.find(description)(description, flat)


@climbs(Sam)
class _Sam:
    def __init__(self, description: Sam, flat: FlatParameters) -> None:
        self._rho = description.rho
        self._adaptive = description.adaptive
        self._pairs = [(buffer.vector, buffer.gradient) for buffer in flat.buffers]
        self._kept = [torch.empty_like(vector) for vector, _ in self._pairs]

    def up(self) -> None:
        norms = [torch.linalg.vector_norm(vector * gradient if self._adaptive else gradient) for vector, gradient in self._pairs]
        norm = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack([norm.float() for norm in norms]))
        # The factor stays on the device: reading it would wait.
        factor = self._rho / (norm + _LEAST)
        for kept, (vector, gradient) in zip(self._kept, self._pairs, strict=True):
            kept.copy_(vector)
            move = gradient * factor.to(vector.dtype)
            vector.add_(move.mul_(kept).mul_(kept) if self._adaptive else move)

    def back(self) -> None:
        for kept, (vector, _) in zip(self._kept, self._pairs, strict=True):
            vector.copy_(kept)
