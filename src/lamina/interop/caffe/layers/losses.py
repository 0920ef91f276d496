"""Losses, which become outputs that learn, and figures, which a model gives otherwise."""

from __future__ import annotations

import math
from typing import Any

from lamina.interop.caffe.blob import Blob, axis_name
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.piece import axis_of, converts
from lamina.interop.caffe.source import Entry
from lamina.network import layers as ls
from lamina.network import losses as found
from lamina.network import vertices as vs
from lamina.network.activations import Identity, Softmax
from lamina.network.losses import Loss

LOSSES = (
    *("SoftmaxWithLoss", "EuclideanLoss", "HingeLoss", "SigmoidCrossEntropyLoss", "ContrastiveLoss", "InfogainLoss"),
    "MultinomialLogisticLoss",
)


def _weight(layer: Entry) -> float:
    return layer.loss_weights[0] if layer.loss_weights else 1.0


def _end(layer: Entry, net: Net, x: Blob | str, loss: Loss, weight: float, activation: Any = None) -> None:
    """An output with a loss."""
    if weight < 0 or not math.isfinite(weight):
        net.refuse(layer, expected="a loss_weight of at least 0", got=f"{weight:g}")
    node = net.add(layer, lambda: ls.LossLayer(loss, activation=activation, loss_weight=weight), x)
    net.outputs.append(node)
    net.used.update(layer.bottoms)
    for place, name in enumerate(layer.tops):
        # What a loss gives is a figure; a second top of a softmax holds its shares.
        if place == 1:
            net.names[node] = name


def _positions(layer: Entry, net: Net, x: Blob, default: str) -> tuple[str, float]:
    """Whether positions are summed or averaged, and the factor that makes the sum over a batch Caffe's."""
    given = layer.settings("loss_param")
    if given.has("normalization"):
        word = given.word("normalization")
    elif given.has("normalize"):
        word = "VALID" if given.boolean("normalize") else "BATCH_SIZE"
    else:
        word = default
    if word in ("VALID", "FULL"):
        return "mean", 1.0
    if word == "BATCH_SIZE":
        return "sum", 1.0
    if word == "NONE":
        net.notes.assume(layer.path, f"batches of {x.dims[x.batch]} samples, over which the loss is summed")
        return "sum", float(x.dims[x.batch])
    net.refuse(layer, expected="FULL, VALID, BATCH_SIZE or NONE", got=word)
    return "", 0.0


@converts("SoftmaxWithLoss", "SoftmaxLoss")
def softmax_loss(layer: Entry, net: Net) -> None:
    """Cross entropy of scores."""
    x = net.take(layer)
    axis = axis_of(layer, net, x, layer.settings("softmax_param").integer("axis", 1))
    if axis_name(x, axis) not in ("features", "channels"):
        net.refuse(layer, expected="classes along the axis of channels or features", got=f"axis {axis} of {list(x.dims)}")
    over, factor = _positions(layer, net, x, "VALID")
    if layer.settings("loss_param").has("ignore_label"):
        label = layer.settings("loss_param").integer("ignore_label")
        net.notes.lose(layer.path, f"that positions of the label {label} don't count: give them the weight 0, or leave them out")
    loss: Any = found.CrossEntropy(over_positions=over)
    _end(layer, net, x, loss, _weight(layer) * factor)


@converts("MultinomialLogisticLoss")
def multinomial(layer: Entry, net: Net) -> None:
    """Cross entropy of shares."""
    x = net.take(layer)
    before = net.nodes.get(x.node)
    if isinstance(before, ls.ActivationLayer) and isinstance(before.activation, Softmax):
        # From the scores it is exact.
        _end(layer, net, before.inputs[0], found.CrossEntropy(), _weight(layer))
    else:
        _end(layer, net, x, found.CrossEntropy(), _weight(layer), Identity())


@converts("SigmoidCrossEntropyLoss")
def sigmoid_loss(layer: Entry, net: Net) -> None:
    """Cross entropy of each number's sigmoid."""
    x = net.take(layer)
    over, factor = _positions(layer, net, x, "BATCH_SIZE")
    if layer.settings("loss_param").has("ignore_label"):
        net.refuse(layer, expected="no ignore_label for labels of numbers", got="one", fix="give such samples the weight 0")
    units = x.dims[1] if x.rank > 1 else 1
    # FULL and VALID divide by all numbers, BATCH_SIZE by the samples.
    whole = float(units) if over == "sum" else 1.0
    _end(layer, net, x, found.BinaryCrossEntropy(over_positions=over), _weight(layer) * factor * whole)


@converts("EuclideanLoss")
def euclidean(layer: Entry, net: Net) -> None:
    """Half the sum of squares of a sample."""
    first = net.blobs.get(layer.bottoms[0]) if layer.bottoms else None
    place = 1 if first is not None and (first.label or first.node not in net.nodes) else 0
    x, other = net.take(layer, place), net.blobs.get(layer.bottoms[1 - place]) if len(layer.bottoms) > 1 else None
    if other is not None and not other.label:
        if other.node in net.nodes:
            net.refuse(layer, expected="targets that are given", got=f"{other.name!r}, which the network computes")
        net.notes.assume(layer.path, f"targets that are the numbers of the input {other.name!r}")
    _end(layer, net, x, found.SumSquaredError(over_positions="sum"), 0.5 * _weight(layer))


@converts("HingeLoss")
def hinge(layer: Entry, net: Net) -> None:
    """Every wrong class below -1, the right one above 1."""
    x, square = net.take(layer), layer.settings("hinge_loss_param").word("norm", "L1") == "L2"
    if x.rank > 2 and x.dims[2:] != (1,) * (x.rank - 2):
        net.refuse(layer, expected="one class for each sample", got=f"{list(x.dims)}")
    _end(layer, net, x, found.ClassHinge(power=2 if square else 1), _weight(layer))


@converts("ContrastiveLoss")
def contrastive(layer: Entry, net: Net) -> None:
    """Pairs near to each other or far apart."""
    given = layer.settings("contrastive_loss_param")
    one, other = net.take(layer, 0), net.take(layer, 1)
    if given.boolean("legacy_version"):
        net.refuse(layer, expected="legacy_version: false", got="true, which compares the margin with the square of the distance")
    far = net.add(layer, vs.L2Distance(), one, other, end="distance")
    _end(layer, net, far, found.Contrastive(margin=given.number("margin", 1.0)), _weight(layer))


@converts("InfogainLoss")
def infogain(layer: Entry, net: Net) -> None:
    """Weights for each pair of classes."""
    net.refuse(
        layer,
        expected="cross entropy",
        got="InfogainLoss, whose matrix lies in another file",
        fix="use SoftmaxWithLoss, with weights of classes",
    )


@converts("Accuracy")
def accuracy(layer: Entry, net: Net) -> None:
    """A figure."""
    net.used.update(layer.bottoms)
    net.notes.lose(layer.path, "a figure of the evaluation: model.evaluate gives it")
