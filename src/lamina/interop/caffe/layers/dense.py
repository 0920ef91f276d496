"""Products with a matrix, and vectors for whole numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net, same
from lamina.interop.caffe.piece import axis_of, converts, initializer
from lamina.interop.caffe.source import Entry
from lamina.network import layers as ls
from lamina.shapes import Features, Tokens
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np


def transposed(array: np.ndarray) -> np.ndarray:
    """Rows as columns."""
    return array.T


@converts("InnerProduct")
def inner_product(layer: Entry, net: Net) -> None:
    """All axes from ``axis`` on are one row."""
    given = layer.settings("inner_product_param")
    x, units, bias = net.take(layer), given.integer("num_output"), given.boolean("bias_term", default=True)
    axis = axis_of(layer, net, x, given.integer("axis", 1))
    if axis <= x.batch:
        net.refuse(layer, expected="a row within each sample", got=f"axis {axis} of {list(x.dims)}, which takes samples together")
    count = math.prod(x.dims[axis:])
    before = x.node
    if axis > 1 and x.batch == 0:
        before = net.add(layer, ls.Reshape(Steps(steps=math.prod(x.dims[1:axis]), features=count)), x, end="rows")
    node = net.add(
        layer,
        lambda: ls.Dense(
            units,
            bias=bias,
            initializer=initializer(layer, net, given.message("weight_filler")),
            bias_initializer=initializer(layer, net, given.message("bias_filler")),
            **net.training(layer, bias=1 if bias else None),
        ),
        before,
    )
    turned = given.boolean("transpose")
    net.keep(layer, node, 0, "weight", (count, units) if turned else (units, count), transposed if turned else same)
    if bias:
        net.keep(layer, node, 1, "bias", (units,))
    dims = (*x.dims[:axis], units)
    if axis > 1 and x.batch == 0:
        node = reshaped(layer, net, node, dims)
    net.give(layer, node, dims, batch=x.batch)


def reshaped(layer: Entry, net: Net, node: str, dims: tuple[int, ...]) -> str:
    """A node whose numbers stand as the blob's sizes say.

    Raises:
        Unknown: If there is no shape for them.
    """
    from lamina.interop.caffe.blob import shape_of

    shape = shape_of(dims)
    if shape is None:
        net.refuse(layer, expected="1 to 5 axes", got=f"a blob of {list(dims)}", fix="reshape it before or after")
    if net.shapes[node] == shape:
        return node
    return net.add(layer, ls.Flatten() if isinstance(shape, Features) else lambda: ls.Reshape(shape), node, end="reshaped")


@converts("Embed")
def embed(layer: Entry, net: Net) -> None:
    """A vector for each whole number."""
    given = layer.settings("embed_param")
    x, units, bias = net.take(layer), given.integer("num_output"), given.boolean("bias_term", default=True)
    size = given.integer("input_dim")
    tokens = _tokens(layer, net, x, size)
    node = net.add(
        layer,
        lambda: ls.Embedding(
            units,
            bias=bias,
            initializer=initializer(layer, net, given.message("weight_filler")),
            bias_initializer=initializer(layer, net, given.message("bias_filler")),
            **net.training(layer, bias=1 if bias else None),
        ),
        tokens,
    )
    net.keep(layer, node, 0, "weight", (size, units))
    if bias:
        net.keep(layer, node, 1, "bias", (units,))
    dims = (*x.dims, units)
    net.give(layer, node if x.batch == 1 else reshaped(layer, net, node, dims), dims, batch=x.batch)


def _tokens(layer: Entry, net: Net, x: Blob, size: int) -> str:
    """The input as whole numbers, each standing for something."""
    if x.node in net.nodes or size < 1:
        net.refuse(layer, expected="an input of whole numbers", got="numbers that are computed")
    known = net.shapes[x.node]
    if isinstance(known, Tokens):
        if known.vocabulary != size:
            net.refuse(layer, expected=f"one input_dim, {known.vocabulary} as before", got=size)
        return x.node
    if any(x.node in node.inputs for node in net.nodes.values()):
        net.refuse(layer, expected="an input that is nothing but whole numbers", got=f"{x.name!r}, which other layers compute with")
    net.shapes[x.node] = Tokens(steps=None if x.batch == 1 else math.prod(x.dims[1:]), vocabulary=size)
    net.blobs[x.name] = Blob(x.name, x.node, x.dims, net.shapes[x.node], x.batch)
    return x.node
