"""Contract suite of activations: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import nn

from lamina.engine.activations import activation_function, feature_axis
from lamina.network.activations import Activation
from lamina.testing.promises import SHAPES, check_gradient, check_round_trips, close, drawn, promise


def check_activation(activation: Activation) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(activation)
    _check_shapes(activation)
    _check_reach(activation)
    _check_bounds(activation)
    _check_randomness(activation)
    function = _calm(activation)
    for shape in SHAPES[:3]:
        check_gradient(function, drawn(shape, seed=1))


def _calm(activation: Activation) -> nn.Module:
    """The function as it is outside training."""
    function = activation_function(activation)
    return function.eval() if isinstance(function, nn.Module) else _Wrapped(function)


class _Wrapped(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.forward = function  # type: ignore[assignment]


def _check_shapes(activation: Activation) -> None:
    function = _calm(activation)
    for shape in SHAPES:
        x = drawn(shape)
        kept = x.clone()
        exact = function(x)
        promise(exact.shape == x.shape, "the shape stays")
        promise(exact.dtype == torch.float64, "float64 stays float64")
        promise(torch.equal(x, kept), "its input is left alone")
        single = function(x.float())
        promise(single.dtype == torch.float32, "float32 stays float32")
        promise(close(single, exact, tolerance=1e-5), "float32 is float64 rounded")
        promise(torch.equal(function(x), exact), "outside training the same input gives the same output")


def _check_reach(activation: Activation) -> None:
    """Elementwise, or over the features of each position and nothing else."""
    function = _calm(activation)
    for shape in SHAPES:
        x = drawn(shape)
        axis = feature_axis(x.dim())
        rows = x.movedim(axis, -1).reshape(-1, shape[axis])
        if not activation.over_features:
            rows = rows.reshape(-1, 1)
        alone = torch.cat([function(row.unsqueeze(0)) for row in rows])
        whole = function(x).movedim(axis, -1).reshape(alone.shape)
        reach = "the features of one position" if activation.over_features else "its own value"
        promise(close(whole, alone, tolerance=1e-12), f"an output depends on {reach} alone")


def _check_bounds(activation: Activation) -> None:
    function = _calm(activation)
    x = torch.cat([torch.linspace(-30, 30, 2402, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)]).reshape(-1, 3)
    y = function(x)
    promise(torch.isfinite(y).all(), "outputs from -30 to 30 are finite")
    promise(y.min() >= activation.low - 1e-12, f"no output is below low = {activation.low}")
    promise(y.max() <= activation.high + 1e-12, f"no output is above high = {activation.high}")


def _check_randomness(activation: Activation) -> None:
    function = activation_function(activation)
    x = drawn((40, 6))
    if isinstance(function, nn.Module):
        promise(not list(function.parameters()), "an activation has no parameters; what has is a layer")
        function.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        one = function(x)
        torch.manual_seed(3)
        same = function(x)
        other = function(x)
    promise(torch.equal(one, same), "the same seed gives the same output")
    promise(torch.equal(one, other) != activation.random, "it draws random numbers in training exactly if it says so")
