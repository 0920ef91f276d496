"""The same numbers with other axes."""

from __future__ import annotations

import math

from lamina.interop.caffe.layers.dense import reshaped
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts
from lamina.interop.caffe.source import Entry, sizes
from lamina.network import layers as ls
from lamina.shapes import Tokens


@converts("Flatten")
def flatten(layer: Entry, net: Net) -> None:
    """Several axes as one."""
    given, x = layer.settings("flatten_param"), net.take(layer)
    first = axis_of(layer, net, x, given.integer("axis", 1))
    last = axis_of(layer, net, x, given.integer("end_axis", -1))
    if first <= x.batch or last < first:
        net.refuse(layer, expected="axes within each sample", got=f"axes {first} to {last} of {list(x.dims)}")
    _shaped(layer, net, (*x.dims[:first], math.prod(x.dims[first : last + 1]), *x.dims[last + 1 :]))


@converts("Reshape")
def reshape(layer: Entry, net: Net) -> None:
    """Sizes anew: 0 copies one, -1 follows from the others."""
    given, x = layer.settings("reshape_param"), net.take(layer)
    start = given.integer("axis", 0)
    start = start + x.rank + 1 if start < 0 else start
    count = given.integer("num_axes", -1)
    end = x.rank if count == -1 else start + count
    if not 0 <= start <= end <= x.rank:
        net.refuse(layer, expected=f"axes of {list(x.dims)}", got=f"axis {start} and {count} more")
    wanted = list(sizes(given.message("shape")))
    if any(size < -1 for size in wanted) or wanted.count(-1) > 1 or (start + len(wanted) > x.rank and 0 in wanted[x.rank - start :]):
        net.refuse(layer, expected="sizes, 0 or one -1", got=str(wanted)[:120])
    copied = [x.dims[start + place] if size == 0 else size for place, size in enumerate(wanted)]
    known = math.prod(x.dims[:start]) * math.prod(size for size in copied if size != -1) * math.prod(x.dims[end:])
    total = math.prod(x.dims)
    if -1 in copied:
        if known == 0 or total % known:
            net.refuse(layer, expected=f"sizes that {total:,} numbers can have", got=str(copied)[:120])
        copied[copied.index(-1)] = total // known
    dims = (*x.dims[:start], *copied, *x.dims[end:])
    if math.prod(dims) != total:
        net.refuse(layer, expected=f"sizes of {total:,} numbers", got=str(list(dims))[:120])
    if dims[:1] != x.dims[:1] and not (start == 0 and wanted[:1] == [-1] and math.prod(dims[1:]) == math.prod(x.dims[1:])):
        net.refuse(layer, expected="samples that stay along axis 0", got=f"{list(x.dims)} as {list(dims)}")
    _shaped(layer, net, dims)


def _shaped(layer: Entry, net: Net, dims: tuple[int, ...]) -> None:
    x = net.take(layer)
    if x.batch and dims != x.dims:
        net.refuse(layer, expected="samples along axis 0", got=f"{list(x.dims)}, whose axis 0 counts steps")
    if isinstance(x.shape, Tokens):
        net.refuse(layer, expected="numbers to compute with", got="whole numbers that stand for something")
    node = reshaped(layer, net, x.node, dims)
    if node == x.node:
        node = net.add(layer, ls.IdentityLayer(), x)
    net.give(layer, node, dims, batch=x.batch)


@converts("Permute")
def permute(layer: Entry, net: Net) -> None:
    """Axes in another order."""
    given, x = layer.settings("permute_param"), net.take(layer)
    order = given.integers("order")
    order += [axis for axis in range(x.rank) if axis not in order]
    if x.batch or sorted(order) != list(range(x.rank)) or order[0] != 0:
        net.refuse(layer, expected="samples that stay along axis 0", got=f"order {order} of {list(x.dims)}"[:120])
    dims = tuple(x.dims[axis] for axis in order)
    if x.rank == 2:
        node = net.add(layer, ls.IdentityLayer(), x)
    else:
        # Three axes are an image of width 1, whose last axis stays.
        node = net.add(layer, lambda: ls.Permute([*order[1:], 3] if x.rank == 3 else order[1:]), x)
    net.give(layer, node, dims)


@converts("ShuffleChannel")
def shuffle(layer: Entry, net: Net) -> None:
    """Channels of different groups mixed."""
    x, groups = net.take(layer), layer.settings("shuffle_channel_param").integer("group", 1)
    node = net.add(layer, lambda: ls.ChannelShuffle(groups), x)
    net.give(layer, node, x.dims)
