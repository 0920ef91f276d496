"""Where branches meet and part."""

from __future__ import annotations

from lamina.interop.caffe.blob import axis_name
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts
from lamina.interop.caffe.source import Entry
from lamina.network import layers as ls
from lamina.network import vertices as vs


@converts("Eltwise")
def eltwise(layer: Entry, net: Net) -> None:
    """Equal blobs, number by number."""
    given = layer.settings("eltwise_param")
    inputs = [net.take(layer, place) for place in range(len(layer.bottoms))]
    word, factors = given.word("operation", "SUM"), given.numbers("coeff").tolist()
    if len(inputs) < 2 or len({(x.dims[x.batch + 1 :], x.batch, x.rank) for x in inputs}) > 1:
        net.refuse(layer, expected="two or more blobs of one shape", got=", ".join(str(list(x.dims)) for x in inputs))
    if factors and (word != "SUM" or len(factors) != len(inputs)):
        net.refuse(layer, expected=f"SUM, with a coeff for each of {len(inputs)} bottoms", got=f"{word} with {len(factors)}")
    x = inputs[0]
    if word == "SUM" and factors == [1.0, -1.0]:
        node = net.add(layer, vs.Subtract(), *inputs)
    else:
        nodes = [one.node for one in inputs]
        for place, factor in enumerate(factors):
            if factor != 1:
                nodes[place] = net.add(layer, vs.Scale(factor), nodes[place], end=f"times_{place}")
        kind = {"PROD": vs.Multiply, "SUM": vs.Add, "MAX": vs.Max}[word] if word in ("PROD", "SUM", "MAX") else None
        if kind is None:
            net.refuse(layer, expected="PROD, SUM or MAX", got=word)
        node = net.add(layer, kind(), *nodes)
    net.give(layer, node, x.dims, batch=x.batch)


@converts("Concat")
def concat(layer: Entry, net: Net) -> None:
    """Blobs side by side."""
    given = layer.settings("concat_param")
    inputs = [net.take(layer, place) for place in range(len(layer.bottoms))]
    if not inputs:
        net.take(layer)
    x = inputs[0]
    wanted = given.integer("concat_dim", 1) if given.has("concat_dim") else given.integer("axis", 1)
    axis = axis_of(layer, net, x, wanted)
    name = axis_name(x, axis)
    if not name or any(one.batch != x.batch or one.rank != x.rank for one in inputs):
        net.refuse(layer, expected="blobs with the same axes, joined along one within each sample", got=f"axis {axis} of {list(x.dims)}")
    node = net.add(layer, lambda: vs.Concat(name), *inputs) if len(inputs) > 1 else net.add(layer, ls.IdentityLayer(), x)
    dims = list(x.dims)
    dims[axis] = sum(one.dims[axis] for one in inputs)
    net.give(layer, node, tuple(dims), batch=x.batch)


@converts("Slice")
def slice_(layer: Entry, net: Net) -> None:
    """A blob cut along an axis."""
    given, x = layer.settings("slice_param"), net.take(layer)
    wanted = given.integer("slice_dim", 1) if given.has("slice_dim") else given.integer("axis", 1)
    axis = axis_of(layer, net, x, wanted)
    name, size, count = axis_name(x, axis), x.dims[axis], len(layer.tops)
    points = given.integers("slice_point")
    if not points and count and size % count == 0:
        points = [size // count * place for place in range(1, count)]
    edges = [0, *points, size]
    if not name or name == "steps" or len(points) != count - 1 or any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
        net.refuse(
            layer, expected=f"{count} parts of an axis within each sample", got=f"axis {axis} of {list(x.dims)} cut at {points}"[:160]
        )
    for place, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        node = net.add(layer, lambda start=start, stop=stop: vs.Slice(start, stop, axis=name), x, end=str(place))  # type: ignore[misc]
        net.give(layer, node, tuple(stop - start if n == axis else d for n, d in enumerate(x.dims)), batch=x.batch, place=place)


@converts("Split")
def split(layer: Entry, net: Net) -> None:
    """The same blob under several names."""
    x = net.take(layer)
    for place in range(len(layer.tops)):
        net.give(layer, x.node, x.dims, batch=x.batch, place=place, shape=x.shape)


@converts("Silence", "HDF5Output")
def silence(layer: Entry, net: Net) -> None:
    """Something that is not to be an output."""
    net.used.update(layer.bottoms)
    if layer.type == "HDF5Output":
        net.notes.lose(layer.path, "a file that outputs were written to: model.predict gives them")
