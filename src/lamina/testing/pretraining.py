"""Contract suite of what layers do that learn without targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.errors import DataError
from lamina.network.layers.pretrainable import Pretrainable
from lamina.shapes import Shape
from lamina.testing.promises import promise
from lamina.testing.sampling import SEED, plan_of

SAMPLES = 6
STEPS = 60
RATE = 0.05


def check_pretraining(layer: Pretrainable, shapes: Sequence[Shape]) -> None:
    """Run the whole contract on one description with inputs of these shapes.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    module = _module(layer, shapes)
    x = possible_inputs(module)
    with torch.random.fork_rng(devices=[]):
        _check_loss(module, x)
        _check_parameters(module, x)
        _check_gradient(module, x)
        _check_learning(_module(layer, shapes), x)
    _check_refusal(module, x)


def possible_inputs(module: PretrainableModule, samples: int = SAMPLES) -> Tensor:
    """Inputs that the layer can give back: numbers between 0 and 1, or shares of so many equal groups.

    Raises:
        AssertionError: If it refuses all of them.
    """
    count = module.node.input_shapes[0].size or 1
    x = torch.rand((samples, count), generator=torch.Generator().manual_seed(SEED), dtype=torch.float64)
    for groups in (0, *(n for n in range(1, count) if count % n == 0)):
        parts = x.reshape(samples, max(groups, 1), -1)
        found = x if groups == 0 else (parts / parts.sum(-1, keepdim=True)).reshape(samples, count)
        wrong = module.wrong_inputs(found)
        if wrong is None or not bool(wrong.any()):
            return found
    message = "broken promise: some numbers between 0 and 1, or shares, can be given back"
    raise AssertionError(message)


def _module(layer: Pretrainable, shapes: Sequence[Shape]) -> PretrainableModule:
    module = build(plan_of(layer, shapes), SEED, dtype=torch.float64).layers[0]
    if not isinstance(module, PretrainableModule):
        message = f"broken promise: {type(module).__name__} is a PretrainableModule"
        raise TypeError(message)
    # Away from the symmetry of first values.
    spread = torch.Generator().manual_seed(SEED + 1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=spread, dtype=torch.float64), alpha=0.3)
    return module


def _seeded(module: PretrainableModule, x: Tensor, seed: int = SEED) -> Tensor:
    torch.manual_seed(seed)
    return module.pretrain_loss(x)


def _check_loss(module: PretrainableModule, x: Tensor) -> None:
    kept = x.clone()
    buffers = [buffer.clone() for buffer in module.buffers()]
    first = _seeded(module, x)
    promise(first.shape == (len(x),) and bool(first.isfinite().all()), "pretrain_loss gives one finite number for each sample")
    promise(torch.equal(x, kept), "its input is left alone")
    for buffer, before in zip(module.buffers(), buffers, strict=True):
        buffer.copy_(before)
    promise(torch.equal(_seeded(module, x), first), "the same seed gives the same loss")


def _check_parameters(module: PretrainableModule, x: Tensor) -> None:
    """All parameters learn in pretraining; those that are said to be for it alone have no part in the layer's output."""
    described = module.node.parameters
    module.zero_grad()
    _seeded(module, x).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in module.named_parameters():
        promise(parameter.grad is not None and bool(parameter.grad.any()), f"{name} learns in pretraining")
    module.zero_grad()
    module(x).square().sum().backward()
    for name, parameter in module.named_parameters():
        used = parameter.grad is not None and bool(parameter.grad.any())
        promise(used != described[name].pretraining, f"{name} is {'not ' if used else ''}for pretraining alone")


def _check_gradient(module: PretrainableModule, x: Tensor) -> None:
    layer = module.node.layer
    if not isinstance(layer, Pretrainable) or not layer.has_loss:
        return
    buffers = [buffer.clone() for buffer in module.buffers()]

    def run(*_: Tensor) -> Tensor:
        for buffer, before in zip(module.buffers(), buffers, strict=True):
            buffer.data.copy_(before)
        return _seeded(module, x)

    right = torch.autograd.gradcheck(run, tuple(module.parameters()), eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True)
    promise(bool(right), "analytic gradients of pretraining equal numerical ones")


def _check_learning(module: PretrainableModule, x: Tensor) -> None:
    """What is shown as loss gets smaller, whatever is followed."""

    def shown() -> float:
        with torch.no_grad():
            return float(torch.stack([_seeded(module, x, seed).mean() for seed in range(20)]).mean())

    before = shown()
    for step in range(STEPS):
        module.zero_grad()
        _seeded(module, x, 1000 + step).mean().backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=RATE)
    after = shown()
    promise(after < before, f"pretraining makes what is shown as its loss smaller: {before:.6g}, then {after:.6g}")


def _check_refusal(module: PretrainableModule, x: Tensor) -> None:
    module.check_inputs(x)
    # Whatever is not any number at all begins at 0: probabilities, shares, counts, times.
    for value in (float("nan"), *([] if "finite numbers" in module.input_rule else [-1.0])):
        broken = x.clone()
        broken[2, 0] = value
        try:
            module.check_inputs(broken)
        except DataError as error:
            promise("sample 2" in str(error) and module.node.name in str(error), "the error names layer and sample")
        else:
            promise(None, f"{value} is refused where it must be {module.input_rule}")
