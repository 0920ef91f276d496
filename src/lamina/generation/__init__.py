"""Sequences that a network makes, one token after another; and networks run piece by piece.

`lamina.Model.generate` goes on with a prompt, or decodes what an encoder has read; `lamina.Model.step` gives outputs for the next
piece of a sequence, with a state that can be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.generation.methods import Beam, Greedy, Method, Sampling

if TYPE_CHECKING:
    from lamina.engine.state import State

__all__ = ["Beam", "Greedy", "Method", "Sampling", "State"]


def __getattr__(name: str) -> Any:
    if name != "State":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    # A state holds tensors; the methods are described without torch.
    from lamina.engine.state import State

    return State
