"""Contract suite of sharpness: what each way of climbing must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.parameters import FlatParameters
from lamina.engine.sharpness import climb_for
from lamina.learning.sharpness import Sharpness
from lamina.testing.promises import check_round_trips, drawn, promise


def check_sharpness(sharpness: Sharpness) -> None:
    """Run the whole contract on one description: up the gradient, and back to the same bits.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Sam
        >>> check_sharpness(Sam())
    """
    check_round_trips(sharpness)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        flat = FlatParameters(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).to(dtype))
        climb, start = climb_for(sharpness, flat), drawn((flat.size,), dtype=dtype)
        flat.vector.copy_(start)
        gradient = drawn((flat.size,), seed=1, dtype=dtype)
        flat.gradient.copy_(gradient)
        climb.up()
        moved = (flat.vector - start).double()
        promise(bool(torch.isfinite(moved).all()) and float(moved.dot(gradient.double())) > 0, "it goes up the gradient")
        promise(torch.equal(flat.gradient, gradient), "the gradient stays")
        climb.back()
        promise(torch.equal(flat.vector, start), "it comes back to the same bits")
        flat.zero_grad()
        climb.up()
        promise(torch.equal(flat.vector, start), "a gradient of 0 leads nowhere")
        climb.back()
