"""Functions of single numbers, and softmax."""

from __future__ import annotations

from collections.abc import Callable

from lamina.interop.caffe.blob import Blob, axis_name
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts, initializer
from lamina.interop.caffe.source import Entry
from lamina.network import activations as a
from lamina.network import initializers as i
from lamina.network import layers as ls
from lamina.network import vertices as vs
from lamina.network.layers.layer import Layer
from lamina.network.noise import DropoutNoise
from lamina.shapes import Image, Volume
from lamina.shapes import Sequence as Steps


def _relu(layer: Entry) -> a.Activation:
    slope = layer.settings("relu_param").number("negative_slope", 0.0)
    return a.LeakyRelu(slope) if slope > 0 else a.Relu()


SIMPLE: dict[str, Callable[[Entry], a.Activation]] = {
    "ReLU": _relu,
    "ReLU6": lambda _: a.Relu6(),
    "Sigmoid": lambda _: a.Sigmoid(),
    "TanH": lambda _: a.Tanh(),
    "BNLL": lambda _: a.Softplus(),
    "ELU": lambda layer: a.Elu(layer.settings("elu_param").number("alpha", 1.0)),
    "Clip": lambda layer: a.Clamp(layer.settings("clip_param").number("min"), layer.settings("clip_param").number("max")),
}


@converts(*SIMPLE)
def activation(layer: Entry, net: Net) -> None:
    """The same numbers, each changed by itself."""
    x = net.take(layer)
    if layer.type == "ReLU" and layer.settings("relu_param").number("negative_slope", 0.0) < 0:
        net.refuse(layer, expected="a negative_slope of at least 0", got=layer.settings("relu_param").number("negative_slope"))
    node = net.add(layer, lambda: ls.ActivationLayer(SIMPLE[layer.type](layer)), x)
    net.give(layer, node, x.dims, batch=x.batch)


@converts("Swish")
def swish(layer: Entry, net: Net) -> None:
    """``x sigmoid(beta x)``."""
    x, beta = net.take(layer), layer.settings("swish_param").number("beta", 1.0)
    if beta == 1:
        node = net.add(layer, ls.ActivationLayer(a.Swish()), x)
    else:
        scaled = net.add(layer, vs.Scale(beta), x, end="scaled")
        gate = net.add(layer, ls.ActivationLayer(a.Sigmoid()), scaled, end="gate")
        node = net.add(layer, vs.Multiply(), x, gate)
    net.give(layer, node, x.dims, batch=x.batch)


@converts("PReLU")
def prelu(layer: Entry, net: Net) -> None:
    """Slopes that are learnt, one for each channel or for all."""
    x, given = net.take(layer), layer.settings("prelu_param")
    shared = given.boolean("channel_shared")
    start = initializer(layer, net, given.message("filler")) if given.has("filler") else i.Constant(0.25)
    first = start.value if isinstance(start, i.Constant) else 0.0
    if not isinstance(start, i.Constant | i.Zeros):
        net.notes.lose(layer.path, "slopes that start by chance: those that no file holds start with 0.25")
        first = 0.25
    if x.batch or (x.rank == 3 and not shared and not isinstance(x.shape, Image)):
        net.refuse(layer, expected="channels along axis 1", got=f"{list(x.dims)}, whose axis 1 are the samples")
    settings = net.training(layer, bias=None)
    decay = {name: settings.pop(name) for name in ("l1", "l2") if name in settings}
    if decay:
        net.notes.lose(layer.path, "the decay of slopes: here they are not drawn to 0")
    node = net.add(layer, lambda: ls.PReLU(first, shared="all" if shared else "positions", **settings), x)
    net.keep(layer, node, 0, "weight", (1,) if shared else (x.dims[1],))
    net.give(layer, node, x.dims)


@converts("Dropout")
def dropout(layer: Entry, net: Net) -> None:
    """Noise in training."""
    x, given = net.take(layer), layer.settings("dropout_param")
    rate = given.number("dropout_ratio", 0.5)
    if not 0 <= rate < 1:
        net.refuse(layer, expected="a dropout_ratio from 0 to 1", got=rate)
    before = x.node
    if not given.boolean("scale_train", default=True):
        # What is kept isn't raised in training there: at prediction all is lowered instead.
        before = net.add(layer, lambda: vs.Scale(1 - rate), x, end="lowered")
    node = net.add(layer, lambda: ls.Dropout(DropoutNoise(rate)), before)
    net.give(layer, node, x.dims, batch=x.batch)


@converts("Softmax")
def softmax(layer: Entry, net: Net) -> None:
    """Shares along an axis."""
    x = net.take(layer)
    axis = axis_of(layer, net, x, layer.settings("softmax_param").integer("axis", 1))
    node = along(layer, net, x, axis, lambda: ls.ActivationLayer(a.Softmax()))
    net.give(layer, node, x.dims, batch=x.batch)


def along(layer: Entry, net: Net, x: Blob, axis: int, make: Callable[[], Layer]) -> str:
    """A layer that works over features or channels, along any axis: it is brought there and back.

    Raises:
        Unknown: If it is the axis of the samples.
    """
    place = axis_name(x, axis)
    if place in ("features", "channels"):
        return net.add(layer, make, x)
    if not place or place == "steps":
        net.refuse(layer, expected="an axis within each sample", got=f"axis {axis} of {list(x.dims)}")
    count = 4 if isinstance(x.shape, Volume) else 3 if isinstance(x.shape, Image) else 2 if isinstance(x.shape, Steps) else 1
    order = list(range(1, count + 1))
    order[0], order[axis - 1] = order[axis - 1], order[0]
    moved = net.add(layer, lambda: ls.Permute(order), x, end="moved")
    done = net.add(layer, make, moved)
    return net.add(layer, lambda: ls.Permute(order), done, end="back")
