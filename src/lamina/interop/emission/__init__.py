"""What layers compute, said in a small language of tensors once, and written by each exporter in its own."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "emits": "lamina.interop.emission.drawing",
    "emits_activation": "lamina.interop.emission.activations",
    "Pen": "lamina.interop.emission.pen",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    return getattr(importlib.import_module(_HOME[name]), name)
