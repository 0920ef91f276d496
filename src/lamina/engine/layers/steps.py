"""Steps of sequences put in order: real ones to the front, or backward, and where they were again.

A mask is a bool tensor ``[batch, steps]``, true where a step is real.
"""

from __future__ import annotations

import torch
from torch import Tensor


def real_first(mask: Tensor) -> Tensor:
    """Positions ``[batch, steps]`` of the real steps in their order, then of the others.

    Example:
        >>> real_first(torch.tensor([[False, True, False, True]])).tolist()
        [[1, 3, 0, 2]]
    """
    return torch.argsort(mask.logical_not().to(torch.uint8), dim=1, stable=True)


def last_first(mask: Tensor) -> Tensor:
    """Positions of the real steps from the last to the first, then of the others.

    Example:
        >>> last_first(torch.tensor([[False, True, False, True]])).tolist()
        [[3, 1, 2, 0]]
    """
    return mask.shape[1] - 1 - real_first(mask.flip(1))


def take_steps(x: Tensor, order: Tensor) -> Tensor:
    """The steps of ``x [batch, steps, ...]`` at these positions, each sequence by itself."""
    places = order.reshape(*order.shape, *(1,) * (x.dim() - 2)).expand(*order.shape, *x.shape[2:])
    return x.gather(1, places)


def undo(order: Tensor) -> Tensor:
    """The positions that put steps back where `take_steps` took them from."""
    return torch.argsort(order, dim=1)


def lengths(mask: Tensor) -> Tensor:
    """How many steps of each sequence are real."""
    return mask.sum(1)


def take_last(y: Tensor, count: Tensor) -> Tensor:
    """Step ``count - 1`` of each sequence in ``y [batch, steps, ...]``; the first where ``count`` is 0."""
    return take_steps(y, (count.clamp(min=1) - 1)[:, None]).squeeze(1)


def filled_front(mask: Tensor) -> bool:
    """Whether the real steps of every sequence are its first ones. On an accelerator nobody waits to know: no."""
    return mask.device.type == "cpu" and not bool((mask[:, 1:] & ~mask[:, :-1]).any())
