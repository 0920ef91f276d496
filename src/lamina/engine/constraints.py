"""How constraints are enforced, in place, after an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.implementations import Implementations
from lamina.network import constraints as C

_IMPLEMENTATIONS: Implementations[Callable[[Any, Tensor], None]] = Implementations("constraint", "enforces")
enforces = _IMPLEMENTATIONS.register
"""Decorator: the function changes a tensor in place so that constraints of this class hold."""

# Keeps a unit whose weights are all 0 from being divided by 0; it stays 0.
_LEAST = 1e-12


def constrain(tensor: Tensor, constraint: C.Constraint) -> None:
    """Change a parameter in place so that the constraint holds.

    Args:
        tensor: The parameter; its first axis counts output units.
        constraint: What must hold.

    Raises:
        RegistrationError: EN031, if nothing enforces it.
    """
    with torch.no_grad():
        _IMPLEMENTATIONS.find(constraint)(constraint, tensor)


def _norms(tensor: Tensor) -> Tensor:
    """L2 norm of what flows into each unit, shaped to be multiplied with the tensor."""
    if tensor.dim() < 2:
        return tensor.abs()
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.dim())), keepdim=True)
    return norms


@enforces(C.MaxNorm)
def _max_norm(constraint: C.MaxNorm, tensor: Tensor) -> None:
    norms = _norms(tensor)
    # A factor of exactly 1 leaves what is short enough bit for bit as it was.
    tensor.mul_(torch.where(norms > constraint.maximum, constraint.maximum / norms.clamp_min(_LEAST), 1.0))


@enforces(C.MinMaxNorm)
def _min_max_norm(constraint: C.MinMaxNorm, tensor: Tensor) -> None:
    norms = _norms(tensor)
    wanted = norms.clamp(constraint.minimum, constraint.maximum)
    factor = constraint.rate * wanted / norms.clamp_min(_LEAST) + (1 - constraint.rate)
    tensor.mul_(torch.where(wanted == norms, 1.0, factor))


@enforces(C.NonNegativeConstraint)
def _non_negative(constraint: C.NonNegativeConstraint, tensor: Tensor) -> None:
    tensor.clamp_min_(0)


@enforces(C.UnitNorm)
def _unit_norm(constraint: C.UnitNorm, tensor: Tensor) -> None:
    tensor.div_(_norms(tensor).clamp_min(_LEAST))


@enforces(C.ValueRange)
def _value_range(constraint: C.ValueRange, tensor: Tensor) -> None:
    tensor.clamp_(constraint.minimum, constraint.maximum)
