"""Windows along sequences of different lengths: each sequence padded by itself, all of them in one tensor.

The real steps are brought to the front, as many positions before each as its own length asks for, so that the windows stand on
every sequence as they stand on it alone, whatever stride and padding are.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from lamina.engine.layers.steps import lengths, real_first, take_steps, undo
from lamina.engine.layers.window import Windows
from lamina.network.layers.window import pads, reach, slid


def only(masks: tuple[Tensor | None, ...]) -> Tensor:
    """The mask of a layer's one input, which is there whenever somebody asks for a masked run."""
    return next(mask for mask in masks if mask is not None)


def pack(x: Tensor, mask: Tensor, windows: Windows, *, fill: float = 0.0) -> tuple[Tensor, Tensor]:
    """Sequences ``x [batch, steps, n]`` padded each by itself, for windows that pad no more.

    Args:
        x: The sequences.
        mask: Their real steps.
        windows: How windows slide along them.
        fill: What stands where no real step is.

    Returns:
        The padded sequences, and which of their positions hold real steps.
    """
    before, counts = _tables(windows, x.shape[1])
    count = lengths(mask)[:, None]
    length = (counts[-1] - 1) * windows.strides[0] + reach(windows.window[0], windows.dilations[0])
    source = torch.arange(length, device=x.device)[None, :] - torch.tensor(before, device=x.device)[count]
    real = (source >= 0) & (source < count)
    places = real_first(mask).gather(1, source.clamp(0, x.shape[1] - 1))
    return take_steps(x, places).masked_fill(~real[:, :, None], fill), real


def unpack(y: Tensor, mask: Tensor, counts: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """What came out of packed sequences, with its mask; 0 where no step is real.

    Where as many steps come out as go in, they stand where they stood; else at the front.

    Args:
        y: The output, ``[batch, steps', n]``.
        mask: The real steps of what went in.
        counts: For each number of real steps how many come out.
    """
    steps = mask.shape[1]
    if counts == tuple(range(steps + 1)):
        y, after = take_steps(y, undo(real_first(mask))), mask
    else:
        after = torch.arange(y.shape[1], device=y.device)[None, :] < torch.tensor(counts, device=y.device)[lengths(mask)][:, None]
    return y.masked_fill(~after[:, :, None], 0.0), after


def counts_of(windows: Windows, steps: int) -> tuple[int, ...]:
    """How many windows stand on sequences of 0, 1, ... ``steps`` steps."""
    return _tables(windows, steps)[1]


@lru_cache(maxsize=256)
def _tables(windows: Windows, steps: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each length up to ``steps``: the positions added before a sequence, and how many windows then stand on it."""
    settings = windows.window[0], windows.strides[0], windows.dilations[0], windows.paddings[0]
    before = tuple(pads(size, *settings)[0] for size in range(steps + 1))
    return before, (0, *(max(slid(size, *settings), 0) for size in range(1, steps + 1)))
