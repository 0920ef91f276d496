"""Contract suites of noise on values and on weights."""

from __future__ import annotations

import torch

from lamina.engine.noise import noise_module, weight_noise_function
from lamina.network.layers.layer import Parameter
from lamina.network.noise import Noise, WeightNoise
from lamina.testing.promises import SHAPES, check_round_trips, drawn, promise

WEIGHT = Parameter((300, 200), "weight", 200, 300)


def check_noise(noise: Noise) -> None:
    """Run the whole contract on one description of noise on values.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(noise)
    module = noise_module(noise)
    promise(not list(module.parameters()) and not list(module.buffers()), "noise has nothing to train or to keep")
    with torch.random.fork_rng(devices=[]):
        for shape in SHAPES:
            x = drawn(shape, dtype=torch.float32)
            promise(torch.equal(module.eval()(x), x), "outside training nothing changes")
            kept = x.clone()
            torch.manual_seed(2)
            one = module.train()(x)
            promise(one.shape == x.shape and one.dtype == x.dtype, "shape and dtype stay")
            promise(torch.equal(x, kept), "its input is left alone")
            torch.manual_seed(2)
            promise(torch.equal(module(x), one), "the same seed gives the same noise")
        large = drawn((1000, 300))
        noisy = module.train()(large)
        promise(not torch.equal(noisy, large), "in training something changes")
        promise(not torch.equal(noisy, module(large)), "every step differs")
        promise(abs(float((noisy - large).mean())) < 0.02, "the mean of standard normal values stays")


def check_weight_noise(noise: WeightNoise) -> None:
    """Run the whole contract on one description of noise on weights.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(noise)
    for role, wanted in (("weight", True), ("bias", noise.bias), ("gain", False)):
        parameter = Parameter((300,), role)  # type: ignore[arg-type]
        promise((weight_noise_function(noise, parameter) is not None) == wanted, "weights get noise, biases if wanted, gains never")
    function = weight_noise_function(noise, WEIGHT)
    if function is None:
        return
    weight = drawn(WEIGHT.shape).requires_grad_()
    kept = weight.detach().clone()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        one, other = function(weight), function(weight)
        torch.manual_seed(2)
        promise(torch.equal(function(weight), one), "the same seed gives the same noise")
    promise(torch.equal(weight, kept), "the parameter itself keeps its values")
    promise(not torch.equal(one, other) and not torch.equal(one, weight), "every step differs")
    promise(abs(float((one - weight).detach().mean())) < 0.02, "the mean stays")
    one.sum().backward()  # type: ignore[no-untyped-call]
    promise(weight.grad is not None and bool(torch.isfinite(weight.grad).all()), "gradients reach the parameter")
