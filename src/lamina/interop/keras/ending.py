"""Where a network ends: its losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras import functions
from lamina.interop.keras.convert import Converted
from lamina.interop.notes import Notes
from lamina.network import Graph, Network, Sequential
from lamina.network import layers as ls
from lamina.network import losses as lo
from lamina.network.activations import Identity
from lamina.network.layers.layer import Layer
from lamina.network.losses import Loss

NATURAL = {"softmax": lo.CrossEntropy, "sigmoid": lo.BinaryCrossEntropy}


def with_losses(network: Network, found: Converted, training: Any, notes: Notes) -> tuple[Network, dict[str, Layer]]:
    """The network with a loss at each output that had one, or that ends in a dense layer."""
    said = training if isinstance(training, Mapping) else {}
    losses = _listed(said.get("loss"), [name for name, _ in found.outputs])
    weights = _listed(said.get("loss_weights"), [name for name, _ in found.outputs])
    changes: dict[str, Layer] = {}
    nodes = found.net.nodes
    readers = {name for layer in nodes.values() for name in layer.inputs} | {
        layer.of for layer in nodes.values() if isinstance(layer, ls.Shared)
    }
    for name, value in found.outputs:
        layer = nodes[value.node]
        if value.node in readers:
            if losses.get(name) is not None:
                notes.lose(f"output {name!r}", "its loss, since other layers read it too")
            continue
        loss = functions.loss(losses[name], f"training_config.loss, output {name!r}", notes) if losses.get(name) is not None else None
        made = _ended(layer, loss, name, notes)
        if made is None:
            continue
        weight = functions.number(weights.get(name), 1.0)
        changes[value.node] = made.replace(loss_weight=weight) if weight != 1.0 and weight >= 0 else made
    if not changes:
        return network, {}
    if isinstance(network, Sequential):
        layers = [changes[str(one.name)].replace(name=one.name, inputs=()) if one.name in changes else one for one in network.layers]
        return network.replace(layers=layers), changes
    if isinstance(network, Graph):
        return network.replace(nodes={**network.nodes, **changes}), changes
    return network, {}


def _ended(layer: Layer, loss: Loss | None, name: str, notes: Notes) -> Layer | None:
    """A layer with a loss in place of one without."""
    if isinstance(layer, ls.Dense):
        if loss is None:
            loss = NATURAL.get(str(layer.activation.type_name), lo.MeanSquaredError)()
            notes.assume(f"output {name!r}", f"the loss {loss.type_name}, which fits its activation, since the file names none")
        settings = {key: getattr(layer, key) for key in layer.model_fields_set if key not in ("type", "layer_norm")}
        return ls.Output(**{**settings, "activation": layer.activation, "loss": loss})
    if isinstance(layer, ls.ActivationLayer) and (loss is not None or layer.activation.type_name in NATURAL):
        if loss is None:
            loss = NATURAL[str(layer.activation.type_name)]()
            notes.assume(f"output {name!r}", f"the loss {loss.type_name}, which fits its activation, since the file names none")
        return ls.LossLayer(loss, activation=layer.activation, inputs=layer.inputs)
    if isinstance(layer, ls.IdentityLayer) and loss is not None:
        return ls.LossLayer(loss, activation=Identity(), inputs=layer.inputs)
    if loss is not None:
        notes.lose(f"output {name!r}", f"the loss {loss.type_name}: to train on, put a loss layer behind {layer.type_name}")
    return None


def _listed(value: Any, names: list[str]) -> dict[str, Any]:
    """What is said of each output, by its name: for all, in order, or by name."""
    if value is None:
        return {}
    if isinstance(value, list):
        return dict(zip(names, value, strict=False))
    if isinstance(value, Mapping) and "class_name" not in value:
        return dict(value)
    return dict.fromkeys(names, value)
