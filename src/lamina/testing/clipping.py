"""Contract suite of clipping: what each kind must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.optimizers import clipper
from lamina.engine.parameters import FlatParameters
from lamina.learning.clipping import Clip
from lamina.testing.promises import promise


def check_clip(clip: Clip) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import ClipNorm
        >>> check_clip(ClipNorm(1.0))
    """
    promise(Clip.from_yaml(clip.to_yaml()) == clip, "it round-trips through YAML")
    promise(Clip.from_yaml(clip.to_json(full=True)).to_dict(full=True) == clip.to_dict(full=True), "it round-trips in full")
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        check_gradients(clip, dtype)


def check_gradients(clip: Clip, dtype: torch.dtype) -> None:
    """Values stay; zeros stay zeros; signs stay; large gradients end up bounded however large they were; no NaN appears."""
    flat = FlatParameters(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).to(dtype))
    values, run = flat.vector.clone(), clipper(clip, flat)
    flat.zero_grad()
    run()
    promise(not flat.gradient.any(), "a gradient of 0 stays 0")
    gradient = torch.randn(flat.size, generator=torch.Generator().manual_seed(0)).to(dtype)
    sizes = []
    for scale in (1e-6, 1.0, 1e3, 1e6):
        flat.gradient.copy_(gradient * scale)
        run()
        promise(bool(torch.isfinite(flat.gradient).all()), "what is finite stays finite")
        promise(torch.equal(flat.gradient.sign(), gradient.sign()), "every number keeps its sign")
        sizes.append(float(flat.gradient.double().norm()))
    promise(sizes[3] <= 1.01 * sizes[2], "however large a gradient is, what is left of it is bounded")
    promise(torch.equal(flat.vector, values), "parameters stay as they are")
