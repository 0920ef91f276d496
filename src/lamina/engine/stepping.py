"""Running a network piece by piece: what was given as a whole is computed once, the rest goes on from its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from lamina.engine.inputs import check_input, check_names
from lamina.engine.masks import check_mask, stray_mask
from lamina.engine.state import Memory, State
from lamina.errors import ShapeError, TrainingError
from lamina.network.plan import Node

if TYPE_CHECKING:
    from lamina.engine.layers.layer import LayerModule
    from lamina.engine.network import NetworkModule
    from lamina.engine.runnable import Inputs


def start(network: NetworkModule, batch: int, given: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> State:
    """The memory before the first step; see `NetworkModule.start_state`."""
    if any(name not in network.input_shapes for name in given):
        check_names(given, network.input_shapes, "input")
    _check_pieces(network, given, masks, batch)
    fixed = fixed_nodes(network.plan.nodes, given)
    values: dict[str, Tensor] = dict(given)
    known: dict[str, Tensor | None] = dict(masks)
    memories: dict[str, Memory] = {}
    for module in network.modules_of_nodes:
        node = module.node
        if node.name in fixed:
            feeds, own = _feeds(network, module, values), tuple(known.get(name) for name in node.inputs)
            masked = node.layer.makes_mask or any(mask is not None for mask in own)
            values[node.name], known[node.name] = module.run_masked(feeds, own) if masked else (module.forward(*feeds), None)
        else:
            memory = module.start_state(batch)
            if memory:
                memories[node.name] = memory
    # What only fixed nodes read is of no use any more.
    needed = {name for node in network.plan.nodes if node.name not in fixed for name in node.inputs} | set(network.outputs)
    kept = {name: value for name, value in values.items() if name in needed}
    return State(batch, tuple(given), memories, kept, {name: mask for name, mask in known.items() if mask is not None and name in kept})


def advance(
    network: NetworkModule, inputs: Inputs, state: State, masks: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor | None], State]:
    """Go on for some steps; see `NetworkModule.advance`."""
    wanted = [name for name in network.input_shapes if name not in state.given]
    given = {wanted[0] if len(wanted) == 1 else "": inputs} if isinstance(inputs, Tensor) else dict(inputs)
    check_names(given, wanted, "input")
    if len(masks) == len(wanted) == 1:
        masks = dict(zip(wanted, masks.values(), strict=True))
    batch = len(next(iter(given.values()))) if given else state.batch
    _check_pieces(network, given, masks, batch)
    fixed = fixed_nodes(network.plan.nodes, state.given)
    moving = [module for module in network.modules_of_nodes if module.node.name not in fixed]
    state.check(batch, {module.node.name: memory for module in moving if (memory := module.start_state(batch))})
    values: dict[str, Tensor] = {**state.values, **given}
    known: dict[str, Tensor | None] = {**state.masks, **masks}
    memories = dict(state.memories)
    for module in moving:
        name = module.node.name
        _check_whole(module.node, fixed | set(state.given))
        feeds, own = _feeds(network, module, values), tuple(known.get(source) for source in module.node.inputs)
        values[name], known[name], memory = module.step(feeds, own, dict(memories.get(name, {})))
        if memory:
            memories[name] = memory
    scores = {name: values[name] for name in network.outputs}
    found = {name: known.get(name) for name in network.outputs}
    return scores, found, State(batch, state.given, memories, state.values, state.masks)


def fixed_nodes(nodes: Iterable[Node], given: Iterable[str]) -> set[str]:
    """Names of the nodes that follow from the given inputs alone.

    Example:
        >>> import lamina as lm
        >>> plan = lm.Sequential(lm.features(3), [lm.Dense(2)]).resolve()
        >>> fixed_nodes(plan.nodes, ["input"]), fixed_nodes(plan.nodes, [])
        ({'dense_1'}, set())
    """
    known, found = set(given), set()
    for node in nodes:
        if all(name in known for name in node.inputs):
            known.add(node.name)
            found.add(node.name)
    return found


def _check_pieces(network: NetworkModule, given: Mapping[str, Tensor], masks: Mapping[str, Tensor], batch: int) -> None:
    """See that inputs, of any number of steps, and their masks fit the network and each other.

    Raises:
        ShapeError: EN003, EN004, EN040 or EN042, naming the input.
    """
    dtype = next((p.dtype for p in network.parameters() if p.dtype.is_floating_point), None)
    for name, x in given.items():
        shape = network.input_shapes[name]
        check_input(name, x, shape.replace(steps=None) if shape.has_steps else shape, dtype)
        if len(x) != batch:
            raise ShapeError(
                "EN042",
                where=f"input {name!r}",
                expected=f"{batch} samples, as the state or the first input has",
                got=str(len(x)),
                cause="all inputs and the state belong to the same samples",
                fix="give each input a row for each sample",
            )
    for name, mask in masks.items():
        if name not in given:
            raise stray_mask(name, list(given))
        check_mask(name, mask, given[name], network.input_shapes[name])


def _check_whole(node: Node, known: set[str]) -> None:
    """See that inputs are known that a layer can't take piece by piece.

    Raises:
        TrainingError: EN041, if one is not.
    """
    for place in node.layer.whole_inputs(len(node.inputs)):
        source = node.inputs[place]
        if source not in known:
            raise TrainingError(
                "EN041",
                where=f"layer {node.name!r} ({node.layer.type_name or type(node.layer).__name__})",
                expected=f"its input {source!r} as a whole before the first step",
                got="one that comes piece by piece",
                cause="every step attends to all of it, so what is still to come would be missing",
                fix="give the network's input that it comes from to start_state (given=...), or set causal: true",
            )


def _feeds(network: NetworkModule, module: LayerModule, values: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Inputs of a layer; outputs with a loss in the middle of a graph pass on their predictions."""
    return tuple(network.heads[name].activate(values[name]) if name in network.heads else values[name] for name in module.node.inputs)
