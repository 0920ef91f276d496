"""Layers that treat each step by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.interop.keras.net import Net, Value, item_of
from lamina.interop.keras.piece import CONVERTERS, SourceLayer
from lamina.network import layers as ls
from lamina.network.graph import Graph
from lamina.network.layers.layer import Layer
from lamina.network.layers.nested import TimeDistributed
from lamina.network.network import Network
from lamina.network.sequential import Sequential
from lamina.shapes import Sequence as Steps
from lamina.shapes import Series, with_steps


def inner_network(net: Net, begin: Value, end: Value) -> Network:
    """What was put into a net of its own, as a chain if it is one."""
    nodes = list(net.nodes.items())
    chain = bool(nodes)
    before = begin.node
    for name, layer in nodes:
        chain = chain and layer.inputs == (before,) and not isinstance(layer, ls.Shared)
        before = name
    if chain and end.node == before:
        return Sequential(layers=[layer.replace(name=name, inputs=()) for name, layer in nodes])
    return Graph(nodes=dict(nodes), outputs=[end.node])


def distributed(source: SourceLayer, value: Value, fill: Any, *, name: str = "") -> Value:
    """A network for each step.

    Args:
        source: The layer.
        value: A sequence or series.
        fill: Given a net and a value within it, puts layers in and gives the last value.
        name: Of the layer.
    """
    if not isinstance(value.shape, Steps | Series):
        value = source.net.arranged(value, source.path, kind=Series if value.rank > 2 else Steps)
    if value.order[0] != 1:
        value = source.net.arranged(value, source.path, order=(1, *(axis for axis in value.order if axis != 1)))
    shape, order = item_of(value)
    own = name or source.name
    key = (source.path, "steps")
    # Names within a layer that is used again are those of the first use.
    inner = Net(source.notes, "")
    begin = inner.enter("input", shape, order)
    end = fill(inner, begin)
    if not inner.nodes:
        end = inner.place(source.path, "same", ls.IdentityLayer(), [end])
    layer = TimeDistributed(inner_network(inner, begin, end))
    made = source.net.place(
        source.path,
        own,
        layer,
        [value],
        order=(1, *(axis + 1 for axis in end.order)),
        arrays=inner.arrays or ({} if key in source.net.owners else None),
        slot="steps",
    )
    wanted = with_steps(end.shape, value.shape.dims[0])
    return made if type(wanted) is type(made.shape) else made


def by_step(source: SourceLayer, value: Value) -> Value:
    """This very layer, for each step by itself."""

    def fill(net: Net, begin: Value) -> Value:
        inner = SourceLayer(source.kind, source.config, source.name, source.path, [begin], source.weights, net, source.back, source.call)
        inner.given = source.given
        made = CONVERTERS[source.kind](inner)
        return made if isinstance(made, Value) else made[0]

    return distributed(source, value, fill)


def over_steps(source: SourceLayer, value: Value, layer: Layer, arrays: Mapping[str, Any]) -> Value:
    """A layer that was made, for each step by itself."""

    def fill(net: Net, begin: Value) -> Value:
        return net.place(source.path, source.name, layer, [begin], arrays=arrays)

    return distributed(source, value, fill)


__all__: Sequence[str] = ("by_step", "distributed", "inner_network", "over_steps")
