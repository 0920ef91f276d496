"""Contract suite of layers: what each of them must do, ours and third parties'.

>>> from lamina.network.layers import Dense
>>> from lamina.shapes import Features
>>> check_layer(Dense(3), (Features(4),))
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lamina.engine.build import build
from lamina.network.layers.layer import Layer, ParametricLayer
from lamina.network.layers.pretrainable import Pretrainable
from lamina.network.plan import Plan
from lamina.shapes import Shape
from lamina.testing.duties import check_duties
from lamina.testing.networks import check_network
from lamina.testing.promises import promise
from lamina.testing.sampling import LENGTHS, SEED, plan_of, sample_inputs
from lamina.testing.sequences import check_masks, check_state

BATCHES = (1, 2, 5)


def check_layer(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Run the whole contract on one description with inputs of these shapes.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_description(layer)
    around = layer.surroundings(tuple(shapes))
    if around is not None:
        check_network(around)
        return
    check_shapes(layer, shapes)
    check_parameters(layer, shapes)
    check_cost(layer, shapes)
    check_dtypes(layer, shapes)
    check_independence(layer, shapes)
    check_gradients(layer, shapes)
    check_determinism(layer, shapes)
    check_keeping(layer, shapes)
    check_copies(layer, shapes)
    check_masks(layer, shapes)
    check_state(layer, shapes)
    check_duties(layer, shapes)
    if isinstance(layer, ParametricLayer):
        check_settings(layer, shapes)
    if isinstance(layer, Pretrainable):
        from lamina.testing.pretraining import check_pretraining

        check_pretraining(layer, shapes)


def check_description(layer: Layer) -> None:
    """It reads back from YAML, JSON and plain data as itself, in short and in full."""
    kind = type(layer)
    promise(kind.from_yaml(layer.to_yaml()) == layer, "the description round-trips through YAML")
    promise(kind.from_yaml(layer.to_json()) == layer, "the description round-trips through JSON")
    promise(kind.from_dict(layer.to_dict(full=True)) == layer, "the full description round-trips")
    promise(bool(kind.__doc__), "the description says what it is")


def check_shapes(layer: Layer, shapes: Sequence[Shape]) -> None:
    """The inferred shape is the real one, for several batch sizes and lengths, in training and out of it."""
    plan = plan_of(layer, shapes)
    network = build(plan, SEED)
    inferred = plan.nodes[0].output_shape
    for batch in BATCHES:
        for steps in _lengths(shapes):
            known = tuple(_with_steps(shape, steps) for shape in shapes)
            exact = layer.infer(known)
            for training in (True, False):
                if training and batch == 1:
                    continue  # A single sample has no variance, which normalisation by the batch refuses.
                network.train(training)
                y = network(sample_inputs(plan, batch, steps=steps, dtype=torch.float32))["tested"]
                real = tuple(y.shape)
                promise(real[0] == batch, f"the batch axis stays: {real}")
                promise(inferred.matches(real[1:]), f"inferred {inferred}, really {list(real)}")
                promise(exact.matches(real[1:]), f"inferred {exact} for {known}, really {list(real)}")


def check_parameters(layer: Layer, shapes: Sequence[Shape]) -> None:
    """The table of parameters and buffers is what the module really has, in names, order and sizes, all initialised."""
    plan = plan_of(layer, shapes)
    module = build(plan, SEED).modules_of_nodes[0]
    described = {name: parameter.shape for name, parameter in plan.nodes[0].parameters.items()}
    tensors = module.tensors()
    real = {name: tuple(value.shape) for name, value in tensors.items() if isinstance(value, nn.Parameter)}
    promise(list(real.items()) == list(described.items()), f"parameters are as described: {described}, really {real}")
    promise(sum(value.numel() for value in module.parameters()) == sum(map(math.prod, real.values())), "there are no others")
    buffers = {name: tuple(value.shape) for name, value in tensors.items() if not isinstance(value, nn.Parameter)}
    promise(buffers == dict(plan.nodes[0].buffers), f"buffers are as described: {dict(plan.nodes[0].buffers)}, really {buffers}")
    promise(all(bool(torch.isfinite(value).all()) for value in module.parameters()), "parameters have finite first values")


def check_cost(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Operations are counted as a whole number, at least one for each multiplication by a weight."""
    output = layer.infer(tuple(shapes))
    flops = layer.flops(tuple(shapes), output)
    promise(isinstance(flops, int) and flops >= 0, f"flops is a whole number of at least 0: {flops!r}")


def check_dtypes(layer: Layer, shapes: Sequence[Shape]) -> None:
    """It computes in float32 and float64, starts the same in both, and gives the dtype that it was built with; tokens stay whole."""
    plan = plan_of(layer, shapes)
    wide, narrow = build(plan, SEED, dtype=torch.float64), build(plan, SEED, dtype=torch.float32)
    for a, b in zip(wide.parameters(), narrow.parameters(), strict=True):
        promise(torch.equal(a.float(), b), "the first values are the same in float32 and float64, up to rounding")
    wide.eval(), narrow.eval()
    y = wide(sample_inputs(plan, 3))["tested"]
    z = narrow(sample_inputs(plan, 3, dtype=torch.float32))["tested"]
    whole = plan.nodes[0].output_shape.dtype == "int"
    wanted = (torch.int64, torch.int64) if whole else (torch.float64, torch.float32)
    promise((y.dtype, z.dtype) == wanted, f"float64 gives float64, float32 float32, tokens whole numbers: {y.dtype}, {z.dtype}")
    promise(torch.allclose(y.float(), z.float(), rtol=1e-4, atol=1e-5), "float32 and float64 give the same but for rounding")


def check_independence(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Outside training a sample's output doesn't depend on the others in its batch, and nothing is random."""
    plan = plan_of(layer, shapes)
    network = build(plan, SEED, dtype=torch.float64).eval()
    inputs = sample_inputs(plan, 4)
    whole = network(inputs)["tested"]
    parts = [network({name: x[i : i + 1] for name, x in inputs.items()})["tested"] for i in range(4)]
    promise(torch.allclose(whole, torch.cat(parts), rtol=1e-10, atol=1e-12), "at prediction, samples don't see each other")
    promise(torch.equal(whole, network(inputs)["tested"]), "at prediction, nothing is random")


def check_gradients(layer: Layer, shapes: Sequence[Shape], *, full: bool = False) -> None:
    """In float64, the gradients of inputs and parameters are those that small differences give; or there are none, and it says so.

    Args:
        layer: The description.
        shapes: Of its inputs.
        full: Compare number by number; otherwise along random directions, which costs two forward passes for each tensor in
            place of two for each number, and finds the same mistakes unless they are small.
    """
    plan = plan_of(layer, shapes)
    network = build(plan, SEED, dtype=torch.float64)
    # What is a constant in the gradient must not follow the small differences either.
    network.train(not layer.detached)
    given = sample_inputs(plan, 3)
    # Away from the symmetry of first values, such as biases of 0.
    spread = torch.Generator().manual_seed(SEED + 1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=spread, dtype=torch.float64), alpha=0.3)
    names = list(plan.inputs)
    smooth = [given[name].requires_grad_(given[name].is_floating_point()) for name in names]
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    checked = [x for x in (*smooth, *network.parameters()) if x.requires_grad]
    if not checked:
        return
    if not layer.differentiable:
        promise(not network(given)["tested"].requires_grad, "a layer that says no gradient passes lets none pass")
        return

    def run(*values: Tensor) -> Tensor:
        # gradcheck changes the leaves in place, so the network sees each value through itself. Every call draws the same.
        torch.manual_seed(SEED)
        for name, value in network.named_buffers():
            value.data.copy_(buffers[name])  # .data: autograd, which kept the buffer, must not take this for a mistake
        y: Tensor = network(dict(zip(names, smooth, strict=True)))["tested"]
        return y

    with torch.random.fork_rng(devices=[]):
        right = torch.autograd.gradcheck(run, checked, eps=1e-6, atol=1e-5, rtol=1e-4, raise_exception=True, fast_mode=not full)
    promise(bool(right), "analytic gradients equal numerical ones")


def check_determinism(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Two instances of one seed start, compute and learn alike, bit for bit; another seed starts otherwise."""
    plan = plan_of(layer, shapes)
    first, second = _trained_once(plan, SEED), _trained_once(plan, SEED)
    for name, value in first.items():
        promise(torch.equal(value, second[name]), f"the same seed gives the same {name}")
    if layer.random:
        third = _trained_once(plan, SEED, draw=SEED + 1)
        promise(not torch.equal(first["output"], third["output"]), "a layer that says it is random draws in training")


def _trained_once(plan: Plan, seed: int, *, draw: int = SEED) -> dict[str, Tensor]:
    network = build(plan, seed)
    network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw)
        inputs = sample_inputs(plan, 4, dtype=torch.float32)
        y: Tensor = network(inputs)["tested"]
        if y.requires_grad:
            y.square().sum().backward()  # type: ignore[no-untyped-call]
    found = {f"first value of {name}": value.detach() for name, value in network.named_parameters()}
    found |= {f"gradient of {name}": value.grad for name, value in network.named_parameters() if value.grad is not None}
    found |= {f"buffer {name}": value for name, value in network.named_buffers()}
    return {**found, "output": y.detach()}


def check_keeping(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Its named arrays, loaded into another instance, give the same outputs; buffers count."""
    plan = plan_of(layer, shapes)
    source, other = build(plan, SEED), build(plan, SEED + 1)
    source.train()
    source(sample_inputs(plan, 4, dtype=torch.float32))
    arrays = source.named_arrays()
    table = plan.nodes[0]
    promise(set(arrays) == {f"tested/{name}" for name in (*table.parameters, *table.buffers)}, "arrays are called node/parameter")
    other.load_arrays(arrays)
    inputs = sample_inputs(plan, 3, dtype=torch.float32)
    promise(torch.equal(source.eval()(inputs)["tested"], other.eval()(inputs)["tested"]), "kept and loaded, it gives the same")


def check_copies(layer: Layer, shapes: Sequence[Shape]) -> None:
    """A deep copy computes the same and shares nothing."""
    plan = plan_of(layer, shapes)
    network = build(plan, SEED).eval()
    twin = copy.deepcopy(network)
    inputs = sample_inputs(plan, 2, dtype=torch.float32)
    before = network(inputs)["tested"]
    promise(torch.equal(before, twin(inputs)["tested"]), "a deep copy computes the same")
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    promise(torch.equal(before, network(inputs)["tested"]), "a deep copy shares no weights")


def check_settings(layer: ParametricLayer, shapes: Sequence[Shape]) -> None:
    """The settings of all layers with weights work here too: noise in training only, an activation that is used."""
    weights = any(p.role == "weight" for p in layer.parameters(tuple(shapes)).values()) and "weight_noise" not in layer.unused_settings
    noisy = [layer.replace(weight_noise=0.5)] if weights else []
    if "dropout" not in layer.unused_settings:
        noisy.append(layer.replace(dropout=0.5))
    for changed in noisy:
        promise(changed.random, "a layer with noise says that it is random")
        plan = plan_of(changed, shapes)
        network = build(plan, SEED)
        inputs = sample_inputs(plan, 4, dtype=torch.float32)
        plain = build(plan_of(layer, shapes), SEED).eval()(inputs)["tested"]
        promise(torch.equal(network.eval()(inputs)["tested"], plain), "outside training, noise changes nothing")
        check_determinism(changed, shapes)


def _lengths(shapes: Sequence[Shape]) -> tuple[int, ...]:
    return LENGTHS if any(None in shape.dims for shape in shapes) else LENGTHS[:1]


def _with_steps(shape: Shape, steps: int) -> Shape:
    return shape.replace(steps=steps) if None in shape.dims else shape
