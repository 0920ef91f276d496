"""Contract suite of initialisers: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.initializers import initialize
from lamina.errors import LaminaError
from lamina.network.initializers import Initializer
from lamina.network.layers.layer import Parameter
from lamina.testing.promises import check_round_trips, promise

MATRIX = Parameter((8, 6), "weight", 6, 8)
KERNEL = Parameter((8, 4, 3, 3), "weight", 36, 72)
GATES = Parameter((12, 3), "weight", 3, 3, blocks=4)
BIAS = Parameter((7,), "bias", 6, 7)


def check_initializer(initializer: Initializer) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(initializer)
    for parameter in (MATRIX, KERNEL, GATES):
        _check_values(initializer, parameter)
    _check_blocks(initializer)
    _check_bias(initializer)


def start(initializer: Initializer, parameter: Parameter, *, seed: int = 5, dtype: torch.dtype = torch.float64) -> Tensor:
    """A parameter's first values."""
    tensor = torch.full(parameter.shape, torch.nan, dtype=dtype)
    initialize(tensor, parameter, initializer, torch.Generator().manual_seed(seed))
    return tensor


def _check_values(initializer: Initializer, parameter: Parameter) -> None:
    state = torch.random.get_rng_state()
    exact = start(initializer, parameter)
    promise(torch.isfinite(exact).all(), "every value is written, and finite")
    promise(torch.equal(exact, start(initializer, parameter)), "the same seed gives the same values")
    promise(torch.equal(exact.float(), start(initializer, parameter, dtype=torch.float32)), "float32 starts as float64 does, rounded")
    promise(torch.equal(state, torch.random.get_rng_state()), "only the given generator is used")
    tensor = torch.zeros(parameter.shape, requires_grad=True)
    initialize(tensor, parameter, initializer, torch.Generator().manual_seed(5))
    promise(tensor.is_leaf and tensor.grad_fn is None, "autograd doesn't see it")


def _check_blocks(initializer: Initializer) -> None:
    alone = Parameter((GATES.shape[0] // GATES.blocks, *GATES.shape[1:]), "weight", GATES.fan_in, GATES.fan_out)
    first = start(initializer, GATES)[: alone.shape[0]]
    promise(torch.equal(first, start(initializer, alone)), "a block starts as if it were a parameter of its own")


def _check_bias(initializer: Initializer) -> None:
    try:
        values = start(initializer, BIAS)
    except LaminaError as error:
        promise(error.code == "EN032", "what it can't start is refused with EN032")
        return
    promise(torch.isfinite(values).all(), "a bias gets finite values")
