"""Contract of layers that do more than compute: find or clear masks, penalise, keep running statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.network.layers.layer import Layer
from lamina.network.layers.pretrainable import Pretrainable
from lamina.network.plan import Plan
from lamina.shapes import Shape
from lamina.testing.promises import promise
from lamina.testing.sampling import SEED, plan_of, sample_inputs


def check_duties(layer: Layer, shapes: Sequence[Shape]) -> None:
    """What a layer's description says it does beside computing, it does.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    plan = plan_of(layer, shapes)
    if layer.makes_mask and plan.nodes[0].has_steps:
        _check_finding(layer, plan)
    if layer.clears_mask and plan.nodes[0].has_steps:
        _check_clearing(plan)
    if layer.penalizes:
        _check_penalty(plan)
    if plan.nodes[0].buffers and not isinstance(layer, Pretrainable):
        _check_statistics(plan)


def _check_finding(layer: Layer, plan: Plan) -> None:
    """There is a mask, and some value of a step is one that it leaves out."""
    network = build(plan, SEED, dtype=torch.float64).eval()
    inputs = sample_inputs(plan, 3)
    name = next(name for name, shape in plan.inputs.items() if shape.has_steps)
    promise(network.run(inputs)[1][0] is not None, "a layer that says it makes a mask gives one")
    for fill in _fills(layer, plan.inputs[name], inputs[name]):
        x = inputs[name].clone()
        x[:, 1:] = fill
        mask = network.run({**inputs, name: x})[1][0]
        if mask is not None and not bool(mask[:, 1:].any()):
            return
    promise(False, "some value of a step is not real to it")  # noqa: FBT003 - nothing was found


def _fills(layer: Layer, shape: Shape, x: Tensor) -> Iterator[float | int]:
    if shape.dtype == "int":
        yield from range(int(x.max()) + 1)
        return
    yield 0.0
    value = getattr(layer, "value", None)
    if isinstance(value, int | float):
        yield float(value)


def _check_clearing(plan: Plan) -> None:
    """Steps that are not real become 0, unless the layer says that they become something else, and nobody behind it hears of them."""
    network = build(plan, SEED, dtype=torch.float64).eval()
    inputs = sample_inputs(plan, 3)
    name = next(name for name, shape in plan.inputs.items() if shape.has_steps)
    mask = torch.ones(inputs[name].shape[:2], dtype=torch.bool)
    mask[1, -1] = mask[2, 1:] = False
    (y,), (left,) = network.run(inputs, {name: mask})
    promise(left is None, "a layer that says it clears the mask gives none")
    if plan.nodes[-1].layer.clears_to_zero:
        promise(not bool(y[~mask].any()), "steps that are not real are 0 behind it")
    promise(torch.equal(y[mask], network.run(inputs)[0][0][mask]), "real steps are as without a mask")


def _check_penalty(plan: Plan) -> None:
    """In training it leaves a penalty above 0 that the loss takes up; at prediction none counts."""
    network = build(plan, SEED, dtype=torch.float64).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network.run(sample_inputs(plan, 4))
    penalty = network.modules_of_nodes[0].penalty
    promise(penalty is not None and bool((penalty > 0).any()), "a layer that says it penalises leaves a penalty in training")
    zero = torch.zeros((), dtype=torch.float64)
    promise(float(network.penalized(zero).detach()) > 0, "the loss takes it up")
    promise(float(network.eval().penalized(zero)) == 0, "at prediction it does not")


def _check_statistics(plan: Plan) -> None:
    """What it keeps beside its weights changes in training, and not at prediction; constants never do."""
    network = build(plan, SEED, dtype=torch.float64).eval()
    if network.heads:
        return  # Centres of classes move when targets are seen.
    before = [value.clone() for value in network.buffers()]
    network.run(sample_inputs(plan, 4))
    promise(all(map(torch.equal, before, network.buffers())), "its running values stay at prediction")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network.train().run(sample_inputs(plan, 4))
    same = all(map(torch.equal, before, network.buffers()))
    promise(same == plan.nodes[0].layer.constant_buffers, "its running values change in training, and constants do not")
