"""The nodes as a network, and how its data lie in Caffe."""

from __future__ import annotations

from lamina.errors import DescriptionError
from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net
from lamina.interop.imported import Options
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.network import Graph, Network, Sequential
from lamina.network.layers.shared import Shared
from lamina.origin import Layout
from lamina.shapes import Features, Image, Tokens
from lamina.shapes import Sequence as Steps


def network(net: Net, notes: Notes) -> Network | None:
    """The description; None, with a note, if nothing comes out of it.

    Raises:
        InteropError: IO010, if the nodes make no network.
    """
    taken = {name for node in net.nodes.values() for name in node.inputs}
    for name in [name for name in net.inputs if name not in taken]:
        notes.lose(f"input {net.inputs[name].name!r}", "that no layer takes")
        del net.inputs[name]
    if not net.outputs:
        notes.miss(
            "the network", expected="an output", got="none", fix="give a network whose last layers are computed", cause="it is empty"
        )
        return None
    try:
        return _chain(net) or Graph(inputs={name: net.shapes[name] for name in net.inputs}, nodes=net.nodes, outputs=net.outputs)
    except DescriptionError as error:
        problem = error.problems[0]
        got = f"{problem.where}: {problem.got}"
        raise unreadable(where=notes.where, expected=problem.expected, got=got, cause=problem.cause) from error


def _chain(net: Net) -> Sequential | None:
    """The same as a chain, if it is one."""
    before = next(iter(net.inputs), "")
    if len(net.inputs) != 1 or len(net.outputs) != 1:
        return None
    shape = net.shapes[before]
    for name, node in net.nodes.items():
        if node.inputs != (before,) or isinstance(node, Shared):
            return None
        before = name
    if before != net.outputs[0]:
        return None
    return Sequential(shape, [node.replace(name=name, inputs=()) for name, node in net.nodes.items()])


def layouts(net: Net, made: Network | None, options: Options) -> tuple[dict[str, Layout], dict[str, Layout]]:
    """Inputs and nodes as Caffe has them."""
    here = options.layout == "lamina"
    chained = made is not None and made.type_name == "sequential"
    inputs = {"input" if chained else name: _layout(blob.name, blob, here=here, given=True) for name, blob in net.inputs.items()}
    by_node: dict[str, Blob] = {blob.node: blob for blob in net.blobs.values() if not blob.label}
    gives: dict[str, Layout] = {}
    for node in net.nodes:
        blob = by_node.get(node)
        if blob is None:
            name = net.names.get(node, node)
            # Layers that write a blob where it stands are called by it; what it was before has the layer's name, if that is free.
            gives[node] = Layout(name if name not in net.blobs else f"{name} before others")
        else:
            gives[node] = _layout(blob.name, blob, here=here, given=False)
    return inputs, gives


def _layout(name: str, blob: Blob, *, here: bool, given: bool) -> Layout:
    shape = blob.shape
    if blob.batch == 1:
        order = None if here else [1, 0, 2] if blob.rank == 3 else [1, 0]
        return Layout(name, order=order, flat=[-1, 1] if blob.rank == 2 and isinstance(shape, Steps) and given else None)
    if not given:
        return Layout(name)
    if isinstance(shape, Features):
        return Layout(name, flat=[shape.count])
    if isinstance(shape, Image) and blob.rank == 3:
        return Layout(name, flat=list(shape.dims))
    if isinstance(shape, Tokens):
        return Layout(name, flat=[-1])
    return Layout(name)
