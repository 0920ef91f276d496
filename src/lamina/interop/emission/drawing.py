"""From a runnable network to a draft: each layer by its emitter, everything without one collected."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lamina.interop.emission.activations import activate
from lamina.interop.emission.draft import Draft, Operation, Value, Weight
from lamina.interop.emission.pen import Pen, Refused, problem, refuse

if TYPE_CHECKING:
    from lamina.engine.layers.layer import LayerModule
    from lamina.engine.network import NetworkModule
    from lamina.network.layers.layer import Layer

Emit = Callable[..., Value]
"""``(pen, *inputs) -> value``: what the layer computes before its activation."""
Marked = tuple[Value, "Value | None"]
"""A value and its mask."""
_EMITTERS: dict[type[Any], tuple[Emit, bool]] = {}
F = TypeVar("F", bound=Emit)
_OWN = ("plain", "windows", "norms", "recurrent", "tokens", "attending", "vertices", "blocks", "nested", "more")


def emits(*layers: type[Layer], masks: bool = False) -> Callable[[F], F]:
    """Decorator: the function writes these layers, by exactly these classes: ``(pen, *inputs) -> value``.

    It writes what comes before the layer's activation. With ``masks`` it looks at ``pen.masks`` itself and says the mask of the
    output in ``pen.mask``; otherwise a layer is refused where masks reach it, unless it treats each step by itself.
    """

    def enter(function: F) -> F:
        _EMITTERS.update(dict.fromkeys(layers, (function, masks)))
        return function

    return enter


def emitters() -> Mapping[type[Any], tuple[Emit, bool]]:
    """All emitters by the class of the layer, with whether they know masks."""
    for module in _OWN:
        importlib.import_module(f"lamina.interop.emission.layers.{module}")
    return _EMITTERS


def drawn(
    network: NetworkModule,
    *,
    masks: tuple[str, ...] = (),
    target: str = "another format",
    scales: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Draft:
    """A network as a draft.

    Args:
        network: Not in training.
        masks: Inputs that come with a mask.
        target: What it is for, for messages.
        scales: Offset and factor of inputs that come as raw numbers, ``(x - offset) * factor``.
    """
    draft = Draft(dict(network.input_shapes))
    draft.arrays.update({name: tensor.detach().cpu().numpy() for name, tensor in network.tensors().items()})
    given: dict[str, Marked] = {}
    for name, shape in network.input_shapes.items():
        draft.inputs[name] = Value(draft.unique(name), 1 + len(shape.dims), "int" if shape.dtype == "int" else "float")
        if name in masks:
            draft.masks[name] = Value(draft.unique(f"{name}_mask"), 2, "bool")
        first = draft.inputs[name]
        if scales and name in scales:
            first = _scaled(draft, first, *scales[name])
        given[name] = first, draft.masks.get(name)
    # Names of layers are theirs before anything else gets one.
    draft.names |= {module.node.name for module in network.modules_of_nodes}
    found = draw(draft, network, given, target=target)
    for name in network.outputs:
        value = found[name][0] if name in found else None
        if value is not None:
            draft.outputs[name] = _called(draft, value, name)
    used = {weight.key for op in draft.operations for weight in [*op.weights.values(), *op.inputs] if isinstance(weight, Weight)}
    draft.arrays = {key: array for key, array in draft.arrays.items() if key in used}
    return draft


def _scaled(draft: Draft, x: Value, offset: np.ndarray, factor: np.ndarray) -> Value:
    """Raw numbers of an input as the network takes them."""
    kind = next((array.dtype for array in draft.arrays.values() if array.dtype.kind == "f"), np.dtype("float32"))
    for word, numbers in (("sub", offset), ("mul", factor)):
        weight = Weight(draft.unique(f"{x.name.partition('/')[0]}/{'offset' if word == 'sub' else 'factor'}"), numbers.shape, trained=False)
        draft.arrays[weight.key] = numbers.astype(kind)
        y = Value(draft.unique(f"{x.name.partition('/')[0]}/{word}"), x.rank, "float", "")
        draft.operations.append(Operation(word, (x, weight), {}, {}, (y,), ""))
        x = y
    return x


def draw(
    draft: Draft,
    network: NetworkModule,
    given: Mapping[str, Marked],
    *,
    prefix: str = "",
    home: str | None = None,
    target: str,
    scores: bool = False,
) -> dict[str, Marked]:
    """Write a network, which may be inside another.

    Args:
        draft: Where to.
        network: The network.
        given: Its inputs with their masks.
        prefix: What stands before the names of its layers.
        home: What stands before those of the layers whose weights are used, if that is something else.
        target: For messages.
        scores: Outputs give what their losses take, as inside other layers.

    Returns:
        What every layer gives, by its name in the network; those that were refused, and what follows from them, are missing.
    """
    home = prefix if home is None else home
    found: dict[str, Marked] = dict(given)
    for module in network.modules_of_nodes:
        node = module.node
        inputs = [found[name] for name in node.inputs if name in found]
        borrowed = {name: f"{home}{b.node}/{b.parameter}" for name, b in node.borrowed.items()}
        pen = Pen(draft, module, prefix, home + (node.shares or node.name), borrowed)
        pen.target = target
        draft.kinds[pen.name] = str(node.layer.type_name)
        if len(inputs) < len(node.inputs):
            # What feeds it was refused; whether it could be written is said all the same.
            if type(node.layer) not in emitters():
                draft.problems.append(problem(pen.name, str(node.layer.type_name), Refused(f"{type(node.layer).__name__}"), target))
            continue
        first = len(draft.operations)
        try:
            value, mask = _layer(pen, module, inputs, last=scores and node.name in network.outputs)
        except Refused as refused:
            del draft.operations[first:]
            draft.problems.append(problem(pen.name, str(node.layer.type_name), refused, target))
            continue
        found[node.name] = _named(draft, value, pen.name, first), mask
    return found


def _layer(pen: Pen, module: LayerModule, inputs: list[Marked], *, last: bool) -> Marked:
    node = module.node
    known = emitters().get(type(node.layer))
    if known is None:
        refuse(f"a {type(node.layer).__name__} layer")
    emit, knows_masks = known
    pen.masks = tuple(mask for _, mask in inputs)
    if pen.masked and not knows_masks and not node.layer.stepwise:
        refuse(
            f"a {type(node.layer).__name__} layer that is fed sequences of different lengths",
            "export without masks, or stand an apply_mask layer before it where the masked steps may count",
        )
    value = emit(pen, *(value for value, _ in inputs))
    if getattr(module, "_activation", None) is not None and getattr(module, "activates", False):
        value = activate(pen, value, node.layer.activation if hasattr(node.layer, "activation") else module.settings.activation)  # type: ignore[attr-defined]
    head = module.head()
    if head is not None and not last:
        value = activate(pen, value, node.layer.effective_activation)  # type: ignore[attr-defined]
    if pen.mask is not ...:
        return value, pen.mask
    if not pen.masked or not node.output_shape.has_steps or node.layer.clears_mask:
        return value, None
    return value, combined(pen, pen.masks)


def combined(pen: Pen, masks: tuple[Value | None, ...]) -> Value | None:
    """Steps that are real in all inputs."""
    real = [mask for mask in masks if mask is not None]
    if not real:
        return None
    found = real[0]
    for mask in real[1:]:
        found = found if mask is found else pen.op("and", found, mask, gives="bool")
    return found


def _named(draft: Draft, value: Value, name: str, first: int) -> Value:
    """Give what a layer computes the layer's name, if it computes anything."""
    if value.layer == name and any(value in operation.outputs for operation in draft.operations[first:]):
        draft.names.add(name)
        value.name = name
    return value


def _called(draft: Draft, value: Value, name: str) -> Value:
    """A value of this very name: what an output is called."""
    if value.name == name:
        return value
    copy = Value(name, value.rank, value.kind, name)
    draft.operations.append(Operation("identity", (value,), {}, {}, (copy,), name))
    return copy
