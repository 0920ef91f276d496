"""How gradients are clipped and renormalised: in place, on slices of the flat gradient, without waiting for the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.implementations import Implementations
from lamina.engine.parameters import FlatParameters
from lamina.learning import clipping as C

_IMPLEMENTATIONS: Implementations[Callable[[Any, FlatParameters], Callable[[], None]]] = Implementations("clip", "clips")
clips = _IMPLEMENTATIONS.register
"""Decorator: the function makes, from a description of this class and the parameters, what changes the gradients in place."""


def clipper(clip: C.Clip, flat: FlatParameters) -> Callable[[], None]:
    """What clips the gradients of ``flat`` in place when called.

    Raises:
        RegistrationError: EN031, if nothing does this kind of clipping.
    """
    return _IMPLEMENTATIONS.find(clip)(clip, flat)


@clips(C.ClipValue)
def _by_value(clip: C.ClipValue, flat: FlatParameters) -> Callable[[], None]:
    gradients = [buffer.gradient for buffer in flat.buffers]

    def run() -> None:
        for gradient in gradients:
            gradient.clamp_(-clip.limit, clip.limit)

    return run


@clips(C.ClipNorm)
def _by_norm(clip: C.ClipNorm, flat: FlatParameters) -> Callable[[], None]:
    def factor(norm: Tensor) -> Tensor:
        # The factor is applied even where it is 1: to look would be to wait for the device.
        return (clip.limit / (norm + clip.epsilon)).clamp_max_(1.0)

    return _scaling(_scopes(flat, clip.scope), factor)


@clips(C.Renormalize)
def _renormalize(clip: C.Renormalize, flat: FlatParameters) -> Callable[[], None]:
    def factor(norm: Tensor) -> Tensor:
        return torch.where(norm > 0, clip.norm / norm, 1.0)

    return _scaling(_scopes(flat, clip.scope), factor)


def _scopes(flat: FlatParameters, scope: C.Scope) -> list[list[Tensor]]:
    """The slices of gradient over which each norm is taken; neighbours are joined."""
    if scope == "all":
        return [[buffer.gradient for buffer in flat.buffers]]
    found: dict[str, list[tuple[int, int, int]]] = {}
    for index, buffer in enumerate(flat.buffers):
        for slot in buffer.slots:
            runs = found.setdefault(slot.settings.layer if scope == "layer" else slot.name, [])
            if runs and runs[-1][0] == index and runs[-1][2] == slot.start:
                runs[-1] = (index, runs[-1][1], slot.stop)
            else:
                runs.append((index, slot.start, slot.stop))
    return [[flat.buffers[index].gradient[start:stop] for index, start, stop in runs] for runs in found.values()]


def _scaling(scopes: list[list[Tensor]], factor: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    if len(scopes) == 1 and len(scopes[0]) == 1:
        (whole,) = scopes[0]

        def run_whole() -> None:
            whole.mul_(factor(torch.linalg.vector_norm(whole)))

        return run_whole
    slices = [piece for pieces in scopes for piece in pieces]
    single = len(slices) == len(scopes)

    def run() -> None:
        norms: list[Tensor] = list(torch._foreach_norm(slices))
        if not single:
            rest = iter(norms)
            norms = [torch.linalg.vector_norm(torch.stack([next(rest).float() for _ in pieces])) for pieces in scopes]
        factors = factor(torch.stack(norms)).unbind()
        for pieces, scale in zip(scopes, factors, strict=True):
            for piece in pieces:
                piece.mul_(scale)

    return run
