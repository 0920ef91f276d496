"""Contract suite of constraints: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import torch

from lamina.engine.constraints import constrain
from lamina.network.constraints import Constraint
from lamina.testing.promises import check_round_trips, close, drawn, promise

SHAPES = ((5,), (6, 4), (4, 3, 2, 2))
ROUNDS = 500
"""Enough for a constraint that is approached step by step."""


def check_constraint(constraint: Constraint) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(constraint)
    for shape in SHAPES:
        for dtype in (torch.float32, torch.float64):
            _check_values(constraint, shape, dtype)
        _check_units(constraint, shape)


def _check_values(constraint: Constraint, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    vector = drawn((2 * torch.Size(shape).numel(),), dtype=dtype) * 3
    kept = vector.clone()
    # A view into the flat vector, as parameters are.
    tensor = vector[: torch.Size(shape).numel()].view(shape)
    tensor.requires_grad_()
    for _ in range(ROUNDS):
        constrain(tensor, constraint)
    settled = tensor.detach().clone()
    promise(torch.isfinite(settled).all(), "values stay finite")
    promise(torch.equal(vector.detach()[settled.numel() :], kept[settled.numel() :]), "what lies beside the parameter is left alone")
    promise(torch.equal(vector.detach()[: settled.numel()].view(shape), settled), "the parameter is changed in place")
    constrain(tensor, constraint)
    promise(close(tensor.detach(), settled, tolerance=1e-6), "what holds is left as it is")
    zeros = torch.zeros(shape, dtype=dtype)
    constrain(zeros, constraint)
    promise(torch.isfinite(zeros).all(), "zeros stay finite")


def _check_units(constraint: Constraint, shape: tuple[int, ...]) -> None:
    whole, alone = drawn(shape) * 3, drawn(shape) * 3
    constrain(whole, constraint)
    for unit in range(shape[0]):
        constrain(alone[unit : unit + 1], constraint)
    promise(close(whole, alone), "each output unit is treated by itself")
