"""Contract suite of networks: what each kind of container must do, ours and third parties'."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.network import Network
from lamina.network.plan import Plan
from lamina.network.summary import summarize
from lamina.shapes import Features, Shape, Tokens, batch_shape
from lamina.testing.promises import promise

SEED = 7
BATCH, STEPS = 3, 5


def check_network(network: Network) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.network import Sequential
        >>> from lamina.network.layers import Output
        >>> check_network(Sequential(Features(4), [Output(3)]))
    """
    given = None if network.has_inputs else _inputs(network)
    plan = network.resolve(given)
    check_description(network, plan, given)
    check_plan(plan)
    check_runs(plan)


def check_description(network: Network, plan: Plan, given: Mapping[str, Shape] | None = None) -> None:
    """It reads back from YAML and JSON as itself; with every setting written out, it resolves to the same plan."""
    promise(Network.from_yaml(network.to_yaml()) == network, "it reads back from YAML")
    promise(Network.from_yaml(network.to_json()) == network, "it reads back from JSON")
    full = Network.from_dict(network.to_dict(full=True)).resolve(given)
    same = [(a.name, a.inputs, a.output_shape, a.layer.to_dict(full=True)) for a in plan.nodes]
    promise([(b.name, b.inputs, b.output_shape, b.layer.to_dict(full=True)) for b in full.nodes] == same, "in full it is the same network")


def check_plan(plan: Plan) -> None:
    """Names stand once, every node comes after what feeds it, and the summary counts what is there."""
    known = list(plan.inputs)
    for node in plan.nodes:
        promise(node.name not in known, f"the name {node.name!r} stands once")
        promise(set(node.inputs) <= set(known), f"{node.name!r} comes after what feeds it")
        known.append(node.name)
    promise(plan.outputs and set(plan.outputs) <= {node.name for node in plan.nodes}, "outputs are names of nodes")
    promise([row.name for row in summarize(plan).rows] == [node.name for node in plan.nodes], "the summary has a row for each node")


def check_runs(plan: Plan) -> None:
    """Built, it gives what was inferred, learns by right gradients, starts by its seed, and is kept whole by its arrays."""
    network, twin, other = (build(plan, seed, dtype=torch.float64).eval() for seed in (SEED, SEED, SEED + 1))
    inputs = _samples(plan)
    scores = network(inputs)
    for name, shape in plan.output_shapes.items():
        promise(shape.matches(scores[name].shape[1:]), f"the output {name!r} has its inferred shape {shape}")
        promise(torch.equal(scores[name], twin(inputs)[name]), "the same seed gives the same network")
    counted = sum(value.numel() for value in network.parameters())
    promise(summarize(plan).parameters == counted, "the summary counts the parameters that are there")
    other.load_arrays(network.named_arrays())
    promise(all(torch.equal(other(inputs)[name], scores[name]) for name in plan.outputs), "its arrays, loaded elsewhere, give the same")
    leaves = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        found = network(inputs)
        return tuple(found[name] for name in plan.outputs)

    if leaves:
        right = torch.autograd.gradcheck(run, leaves, atol=1e-5, rtol=1e-4, raise_exception=False, fast_mode=True)
        promise(right, "the gradient is the numerical one (float64)")


def _inputs(network: Network) -> dict[str, Shape]:
    """Shapes for the inputs of a network that leaves them to the data."""
    steps = network.steps()
    names = {step.name for step in steps}
    return {name: Features(4) for step in steps for name in step.inputs if name not in names}


def _samples(plan: Plan) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    found: dict[str, Tensor] = {}
    for name, shape in plan.inputs.items():
        sizes = batch_shape(shape, BATCH, unknown=STEPS)
        if isinstance(shape, Tokens):
            found[name] = torch.randint(shape.vocabulary, sizes, generator=generator)
        else:
            found[name] = torch.randn(sizes, generator=generator, dtype=torch.float64)
    return found
