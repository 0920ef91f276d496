"""In which numbers to compute: float32, float64, or half precision for the costly parts with float32 weights."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from lamina.errors import DescriptionError

PrecisionName = Literal["auto", "float32", "float64", "bfloat16", "float16"]

_FIRST_SCALE = 65536.0
_GROW_AFTER = 2000


class Precision:
    """The numbers that a network computes in on a device.

    With ``bfloat16`` and ``float16``, weights, sums and the loss stay float32, and torch's autocast computes matrix products
    and convolutions in half precision. The gradients of ``float16`` would vanish below 6e-8, so the loss is multiplied by a
    scale and the gradients divided by it (Micikevicius et al. 2018): the scale starts at 65536, halves when a gradient is
    not finite, in a step that is then left out, and doubles after 2000 steps without that. It is state, and so are the steps
    left out.

    Args:
        name: ``float32``, ``float64``, ``bfloat16``, ``float16``, or ``auto``: bfloat16 on CUDA devices that compute it in
            hardware, else float32, also on the CPU.
        device: Where.

    Attributes:
        name: The choice made; never ``auto``.
        dtype: Of parameters and data.
        half: What autocast computes in; None without.
        scale: What the loss is multiplied by; 1 but for float16.
        skipped: Steps left out because a gradient was not finite.

    Raises:
        DescriptionError: EN011, if the device can't.

    Example:
        >>> Precision("auto", torch.device("cpu")).name
        'float32'
    """

    def __init__(self, name: PrecisionName, device: torch.device) -> None:
        kind = device.type
        if name == "auto":
            name = "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
        if (name == "float16" and kind == "cpu") or (name == "float64" and kind == "mps"):
            raise _refused(name, kind)
        self.name: PrecisionName = name
        self.device = device
        self.dtype = torch.float64 if name == "float64" else torch.float32
        self.half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name)
        self.scaled = name == "float16"
        self.scale = _FIRST_SCALE if self.scaled else 1.0
        self.skipped = 0
        self._good_steps = 0

    def autocast(self) -> AbstractContextManager[Any]:
        """The context to compute scores and loss in."""
        if self.half is None:
            return nullcontext()
        # Its cache of converted weights would outlive the update of a flat vector that autocast doesn't see.
        return torch.autocast(self.device.type, self.half, cache_enabled=False)

    def unscale(self, gradient: Tensor) -> bool:
        """Divide gradients by the scale, in place, and set the scale of the next step.

        Returns:
            Whether they are finite, so that the step may be made.
        """
        gradient.div_(self.scale)
        if bool(torch.isfinite(gradient).all()):
            self._good_steps += 1
            if self._good_steps >= _GROW_AFTER:
                self.scale, self._good_steps = self.scale * 2, 0
            return True
        self.scale, self._good_steps, self.skipped = self.scale / 2, 0, self.skipped + 1
        return False

    def state_dict(self) -> dict[str, Any]:
        """What changes in training."""
        return {"scale": self.scale, "good_steps": self._good_steps, "skipped": self.skipped} if self.scaled else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        if self.scaled and state:
            self.scale, self._good_steps, self.skipped = float(state["scale"]), int(state["good_steps"]), int(state["skipped"])


def _refused(name: str, kind: str) -> DescriptionError:
    if name == "float16":
        cause, fix = "CPUs emulate float16: slower than float32, and less exact", "set precision: bfloat16, or float32"
    else:
        cause, fix = "the device computes in at most 32 bits", "set precision: float32, or device: cpu"
    return DescriptionError("EN011", where="precision", expected=f"one that {kind} computes in", got=name, cause=cause, fix=fix)
