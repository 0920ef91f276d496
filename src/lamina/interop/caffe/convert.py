"""One layer after another is converted, in the order of the file, as Caffe sets its networks up."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.interop.caffe import layers as _converters  # noqa: F401 - enters them
from lamina.interop.caffe.blob import Blob, shape_of
from lamina.interop.caffe.inputs import READERS, Fed, batch_of
from lamina.interop.caffe.net import Net, Unknown, allowed
from lamina.interop.caffe.piece import CONVERTERS
from lamina.interop.caffe.source import Entry
from lamina.interop.converters import own_converter
from lamina.network import layers as ls
from lamina.network.activations import Softmax
from lamina.network.layers.layer import Layer
from lamina.network.layers.output import OutputMixin
from lamina.network.losses import CrossEntropy
from lamina.shapes import Image
from lamina.shapes import Sequence as Steps


def convert(net: Net, entries: Sequence[Entry], given: Sequence[Fed], labels: set[str], steps: set[str]) -> None:
    """Fill a net; what has no counterpart is noted, all of it."""
    for one in given:
        _enter(net, one, labels, steps)
    for entry in entries:
        if entry.type in READERS and not entry.bottoms:
            net.batch_size = max(net.batch_size, batch_of(entry))
            continue
        before = len(net.kept), {*net.nodes}
        try:
            _one(net, entry)
            _share(net, entry, before)
        except Unknown:
            # What it would give is missed by others, and not said again.
            for name in entry.tops:
                net.blobs.pop(name, None)
                net.used.add(name)
    _finish(net)


def _one(net: Net, entry: Entry) -> None:
    own = own_converter("caffe", entry.type)
    if own is not None:
        own(entry, net)
        return
    found = CONVERTERS.get(entry.type)
    if found is not None:
        found(entry, net)
        return
    if entry.type == "Python":
        given = entry.settings("python_param")
        got = f"a layer written in Python, {given.text('module')}.{given.text('layer')}, whose code is never run"
    else:
        got = f"a layer of type {entry.type!r}"
    net.refuse(entry, expected="a layer that is known here", got=got, cause="it is a layer of somebody's own, or of a branch of Caffe")


def _enter(net: Net, one: Fed, labels: set[str], steps: set[str]) -> None:
    """An input."""
    batch = 1 if one.name in steps else 0
    dims = one.dims or ()
    shape = shape_of(dims, batch) if dims and min(dims) >= 1 else None
    node = allowed(one.name)
    if one.name in labels:
        net.blobs[one.name] = Blob(one.name, node, dims, shape or Image(1, 1, 1), batch, label=True)
        return
    if shape is None:
        net.used.add(one.name)
        if one.dims is not None:
            net.notes.miss(
                one.path, expected="1 to 5 axes of 1 or more", got=f"{list(dims)}", fix=f"say another: --input {one.name}=3,224,224"
            )
        return
    node = net.free(node)
    net.shapes[node] = shape
    net.batch_size = max(net.batch_size, dims[batch])
    net.blobs[one.name] = Blob(one.name, node, dims, shape, batch)
    net.inputs[node] = net.blobs[one.name]


def _share(net: Net, entry: Entry, before: tuple[int, set[str]]) -> None:
    """Weights that have a name are those of the first layer that names them."""
    fresh = net.kept[before[0] :]
    names = {kept.index: entry.spec(kept.index).name for kept in fresh if entry.spec(kept.index).name}
    known = {index: net.shares[name] for index, name in names.items() if name in net.shares}
    for kept in fresh:
        if kept.index in names and kept.index not in known:
            net.shares[names[kept.index]] = (kept.name, kept.shape)
    if not known:
        return
    owners = {name.rpartition("/")[0] for name, _ in known.values()}
    mine = {kept.name.rpartition("/")[0] for kept in fresh}
    same = len(owners) == len(mine) == 1 and len(known) == len(fresh)
    if same:
        owner, node = owners.pop(), mine.pop()
        same = all(known[kept.index][0].rpartition("/")[2] == kept.name.rpartition("/")[2] for kept in fresh)
        same = same and _alike(net.nodes[owner], net.nodes[node])
    if not same:
        net.refuse(
            entry,
            expected="the same layer once more, all of whose weights are shared",
            got=f"single weights of another: {', '.join(sorted(names.values()))}"[:160],
        )
    net.nodes[node] = ls.Shared(owner, inputs=net.nodes[node].inputs)
    for kept in fresh:
        net.arrays.pop(kept.name, None)
        net.fresh.discard(kept.name)
    del net.kept[before[0] :]
    net.counts.pop(entry.path, None)


def _alike(one: Layer, other: Layer) -> bool:
    plain = {"inputs": (), "name": None}
    started = {name: None for name in ("initializer", "bias_initializer") if name in type(one).model_fields}
    data = [
        {key: value for key, value in layer.replace(**plain).to_dict(full=True).items() if key not in started} for layer in (one, other)
    ]
    return type(one) is type(other) and data[0] == data[1]


def _finish(net: Net) -> None:
    """What nobody takes are the outputs, in the order of the file."""
    taken = {name for node in net.nodes.values() for name in node.inputs}
    ends = {blob.node: blob for blob in net.blobs.values() if not blob.label}
    judged = [node for node in net.outputs if node in net.nodes]
    net.outputs = [node for node in net.nodes if node in judged or (node not in taken and node in ends and ends[node].name not in net.used)]
    _prune(net)
    for node in list(net.outputs):
        blob = ends.get(node)
        if blob is not None and node not in judged:
            _end(net, node, blob, alone=not judged)


def _prune(net: Net) -> None:
    """Leave out what leads to no output: what only figures and silent layers take."""
    live, waiting = set(), list(net.outputs)
    while waiting:
        name = waiting.pop()
        if name in net.nodes and name not in live:
            live.add(name)
            node = net.nodes[name]
            waiting += [*node.inputs, *([node.of] if isinstance(node, ls.Shared) else [])]
    dead = {name for name in net.nodes if name not in live}
    for name in dead:
        del net.nodes[name]
    net.arrays = {full: array for full, array in net.arrays.items() if full.rpartition("/")[0] not in dead}
    net.fresh = {full for full in net.fresh if full.rpartition("/")[0] not in dead}


def _end(net: Net, node: str, blob: Blob, *, alone: bool) -> None:
    layer = net.nodes[node]
    if alone and isinstance(layer, ls.ActivationLayer) and isinstance(layer.activation, Softmax):
        net.nodes[node] = ls.LossLayer(CrossEntropy(), inputs=layer.inputs)
        net.notes.assume(f"output {blob.name!r}", "cross entropy as the loss, should it be trained")
    if blob.rank == 3 and blob.batch == 0 and not isinstance(net.nodes[node], OutputMixin):
        # Three axes were an image of width 1.
        shape = Steps(steps=blob.dims[1], features=blob.dims[2])
        end = net.free(f"{node}_rows")
        net.nodes[end] = ls.Reshape(shape, inputs=(node,))
        net.shapes[end] = shape
        net.outputs[net.outputs.index(node)] = end
        net.blobs[blob.name] = Blob(blob.name, end, blob.dims, shape)
        net.names[end] = net.names.get(node, node)
