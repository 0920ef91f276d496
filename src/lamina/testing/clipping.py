"""Contract suite of clipping: what each kind must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.optimizers import clipper
from lamina.engine.parameters import FlatParameters
from lamina.learning.clipping import Clip


def check_clip(clip: Clip) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import ClipNorm
        >>> check_clip(ClipNorm(1.0))
    """
    _require(Clip.from_yaml(clip.to_yaml()) == clip, "it round-trips through YAML")
    _require(Clip.from_yaml(clip.to_json(full=True)).to_dict(full=True) == clip.to_dict(full=True), "it round-trips in full")
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        check_gradients(clip, dtype)


def check_gradients(clip: Clip, dtype: torch.dtype) -> None:
    """Values stay; zeros stay zeros; signs stay; large gradients end up bounded however large they were; no NaN appears."""
    flat = FlatParameters(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).to(dtype))
    values, run = flat.vector.clone(), clipper(clip, flat)
    flat.zero_grad()
    run()
    _require(not flat.gradient.any(), "a gradient of 0 stays 0")
    gradient = torch.randn(flat.size, generator=torch.Generator().manual_seed(0)).to(dtype)
    sizes = []
    for scale in (1e-6, 1.0, 1e3, 1e6):
        flat.gradient.copy_(gradient * scale)
        run()
        _require(bool(torch.isfinite(flat.gradient).all()), "what is finite stays finite")
        _require(torch.equal(flat.gradient.sign(), gradient.sign()), "every number keeps its sign")
        sizes.append(float(flat.gradient.double().norm()))
    _require(sizes[3] <= 1.01 * sizes[2], "however large a gradient is, what is left of it is bounded")
    _require(torch.equal(flat.vector, values), "parameters stay as they are")


def _require(holds: bool, promise: str) -> None:  # noqa: FBT001 (an assertion that survives -O)
    if not holds:
        message = f"broken promise: {promise}"
        raise AssertionError(message)
