"""What the contract suites of small components share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.spec import Description

SHAPES = ((4, 6), (3, 5, 6), (2, 6, 3, 4), (2, 6, 2, 3, 2))
"""Tensors as they flow between layers: features, sequences, images, volumes, each with 6 features."""


def promise(holds: object, broken: str) -> None:
    """An assertion that survives ``python -O``.

    Raises:
        AssertionError: With the promise that was broken.
    """
    if not holds:
        message = f"broken promise: {broken}"
        raise AssertionError(message)


def check_round_trips(description: Description) -> None:
    """The description reads back from YAML, JSON and plain data, with and without its defaults, and is registered."""
    kind = type(description)
    promise(description.type_name, f"{kind.__name__} is registered under a name")
    for full in (False, True):
        promise(kind.from_yaml(description.to_yaml(full=full)) == description, "it reads back from YAML")
        promise(kind.from_yaml(description.to_json(full=full)) == description, "it reads back from JSON")
        promise(kind.root().from_dict(description.to_dict(full=full)) == description, "its family finds it by type")


def drawn(shape: tuple[int, ...], *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers from a standard normal distribution, always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def check_gradient(function: Callable[..., Tensor], *inputs: Tensor) -> None:
    """The gradient in float64 is the numerical one.

    Raises:
        AssertionError: If it isn't.
    """
    leaves = tuple(x.detach().clone().requires_grad_() for x in inputs)
    right: Any = torch.autograd.gradcheck(function, leaves, raise_exception=False)
    promise(right, "the gradient is the numerical one (float64)")


def close(one: Tensor, other: Tensor, *, tolerance: float = 1e-9) -> bool:
    """Whether two tensors are equal up to rounding, in shape too."""
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=tolerance, atol=tolerance)
