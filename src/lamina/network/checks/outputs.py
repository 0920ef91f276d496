"""Checks of outputs: whether loss, activation and units fit (after Deeplearning4j's OutputLayerUtil)."""

from __future__ import annotations

from collections.abc import Iterator

from lamina.network import activations as A
from lamina.network import losses as L
from lamina.network.checks.check import PASSING, Complaint, Neighbours, check
from lamina.network.layers.activation import ActivationLayer, IdentityLayer
from lamina.network.layers.dropout import Dropout
from lamina.network.layers.layer import ParametricLayer, last_axis
from lamina.network.layers.output import LossLayer, OutputMixin
from lamina.network.losses.classification import BinaryLoss
from lamina.network.losses.loss import Loss
from lamina.network.plan import Node, Plan
from lamina.shapes import Tokens


def outputs(plan: Plan) -> Iterator[tuple[Node, OutputMixin, A.Activation]]:
    """Nodes with a loss, their layer, and what turns their scores into predictions."""
    for node in plan.nodes:
        if isinstance(node.layer, OutputMixin):
            yield node, node.layer, node.layer.effective_activation


def own_activation(node: Node) -> A.Activation | None:
    """The activation that a hidden node's output went through last; None for layers without one.

    A recurrent layer's works inside, on what is remembered; it doesn't count.
    """
    layer = node.layer
    if isinstance(layer, ActivationLayer):
        return layer.activation
    if isinstance(layer, ParametricLayer) and not isinstance(layer, OutputMixin) and not layer.activates_inside:
        return layer.activation
    return None


def units_of(node: Node) -> int:
    """Size of the feature axis of what a node gives."""
    return 1 if isinstance(node.output_shape, Tokens) else last_axis(node.output_shape)


def _word(activation: A.Activation) -> str:
    return activation.type_name or type(activation).__name__


def _named(loss: Loss) -> str:
    return loss.type_name or type(loss).__name__


@check("CK001", severity="error")
def softmax_on_one_unit(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Softmax over a single feature gives 1 whatever comes in."""
    for node in plan.nodes:
        layer = node.layer
        activation = layer.effective_activation if isinstance(layer, OutputMixin) else own_activation(node)
        if activation is None or not activation.over_features or units_of(node) != 1:
            continue
        fix = "give it 2 or more units, or another activation"
        if isinstance(layer, OutputMixin):
            fix = "write units: 2 (one for each class), or loss: binary_cross_entropy, whose activation is sigmoid"
        yield Complaint(
            node,
            expected=f"at least 2 units under {_word(activation)}",
            got="1 unit",
            cause=f"{_word(activation)} of a single value is constant, so nothing can be learnt",
            fix=fix,
        )


@check("CK002", severity="error")
def loss_needs_probabilities(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A loss takes the logarithm of the outputs, and they can lie outside 0 and 1."""
    for node, layer, activation in outputs(plan):
        if not layer.loss.needs_probabilities or activation.gives_probabilities:
            continue
        if layer.loss.needs_distribution and isinstance(activation, A.LogSoftmax):
            continue
        yield Complaint(
            node,
            expected=f"outputs between 0 and 1 for loss {_named(layer.loss)}",
            got=f"activation {_word(activation)}, which gives values from {activation.low:g} to {activation.high:g}",
            cause="the loss takes its inputs for probabilities",
            fix=f"remove the activation ({layer.loss.natural_activation} is then used), or choose a loss for numbers such as mse",
        )


@check("CK003", severity="error")
def softmax_with_binary_loss(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Softmax makes units exclude each other; a binary loss judges each alone."""
    for node, layer, activation in outputs(plan):
        if isinstance(layer.loss, BinaryLoss) and activation.over_features and units_of(node) > 1:
            yield Complaint(
                node,
                expected=f"sigmoid with loss {_named(layer.loss)}, or softmax with cross_entropy",
                got=f"{_word(activation)} with {_named(layer.loss)}",
                cause="softmax is for classes that exclude each other, the loss for labels that don't",
                fix="for one class of several write loss: cross_entropy; for several labels at once write activation: sigmoid",
            )


@check("CK004", severity="error")
def independent_units_with_class_loss(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A loss over a distribution of classes on outputs that don't add up to 1: nothing keeps wrong classes down."""
    for node, layer, activation in outputs(plan):
        if layer.loss.needs_distribution and activation.gives_probabilities and not activation.over_features:
            one = units_of(node) == 1
            yield Complaint(
                node,
                expected=f"softmax with loss {_named(layer.loss)}, or {_word(activation)} with binary_cross_entropy",
                got=f"{_word(activation)} with {_named(layer.loss)}",
                cause="the loss only looks at the right class; without softmax all outputs can grow to 1 together",
                fix="write loss: binary_cross_entropy"
                if one
                else "for one class of several write activation: softmax; for several labels at once write loss: binary_cross_entropy",
            )


@check("CK005", severity="error")
def loss_and_units(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """The loss says itself that it can't judge such an output, or so many units."""
    for node, layer, _ in outputs(plan):
        misfit = layer.loss.unfit(node.output_shape, units_of(node))
        if misfit is not None:
            yield Complaint(node, misfit.expected, misfit.got, misfit.cause, misfit.fix)


@check("CK006", severity="error", training=True)
def no_loss(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """No output has a loss: there is nothing to minimise."""
    last = [plan.node(name) for name in plan.outputs]
    if last and not any(isinstance(node.layer, OutputMixin) for node in last):
        units = units_of(last[0])
        yield Complaint(
            last[0],
            expected="a network that ends in a layer with a loss, to be trained",
            got=f"the last layer is a {last[0].layer.type_name}",
            cause="without a loss there is nothing to minimise",
            fix=f"end it with {{type: output, units: {units}, loss: cross_entropy}}, or add {{type: loss, loss: mse}} after the last layer",
        )


@check("CK007", severity="error")
def unused_loss(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A layer with a loss stands in the middle: its loss is never computed."""
    for node, layer, _ in outputs(plan):
        if node.name not in plan.outputs:
            yield Complaint(
                node,
                expected="layers with a loss at the end, or among the outputs of the graph",
                got=f"loss {_named(layer.loss)} in the middle of the network",
                cause="only outputs are judged, so this loss would do nothing",
                fix=f"use dense in place of output here, or name {node.name!r} among the outputs of a graph",
            )


@check("CK008", severity="warning")
def dropout_at_the_end(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Dropout on the scores themselves: the loss judges noise."""
    for name in plan.outputs:
        node = plan.node(name)
        found: Node | None = node
        if isinstance(node.layer, LossLayer):
            found = near.before(node, through=(IdentityLayer,))
        if found is not None and isinstance(found.layer, Dropout):
            yield Complaint(
                found,
                expected="dropout between layers",
                got="dropout after the last layer",
                cause="it removes predictions at random, which the loss then counts as wrong",
                fix="move it before the last layer with weights, or remove it",
            )


@check("CK010", severity="error")
def squashed_twice(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """The layer before a loss layer has made probabilities already, and the loss layer makes them again."""
    for node, layer, activation in outputs(plan):
        before = near.before(node, through=PASSING) if isinstance(layer, LossLayer) else None
        first = own_activation(before) if before is not None else None
        if before is None or first is None or isinstance(activation, A.Identity):
            continue
        # softmax(log_softmax(x)) is softmax(x).
        twice = first.gives_probabilities or (isinstance(first, A.LogSoftmax) and not activation.over_features)
        if twice and (activation.gives_probabilities or activation.over_features):
            yield Complaint(
                node,
                expected="one activation between the scores and the loss",
                got=f"{_word(first)} in {before.name!r}, then {_word(activation)} for the loss",
                cause=f"a loss layer applies the activation natural to its loss ({layer.loss.natural_activation}) unless told otherwise",
                fix=f"remove the activation of {before.name!r}, or write activation: identity in this layer",
            )


_NUMBERS = (
    L.MeanSquaredError,
    L.SumSquaredError,
    L.MeanAbsoluteError,
    L.SumAbsoluteError,
    L.Huber,
    L.SmoothL1,
    L.LogCosh,
    L.Quantile,
)
_DYING = (A.Relu, A.Relu6, A.SquaredRelu, A.ThresholdedRelu, A.RectifiedTanh)


@check("CK011", severity="warning")
def rectified_regression(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A rectifier on the outputs of a regression: no negative value is possible, and a unit that is off stays off."""
    for node, layer, activation in outputs(plan):
        if isinstance(layer.loss, _NUMBERS) and isinstance(activation, _DYING):
            yield Complaint(
                node,
                expected=f"identity for loss {_named(layer.loss)}",
                got=f"activation {_word(activation)}",
                cause="outputs can't be negative, and where the score is below 0 nothing is learnt any more",
                fix="remove the activation, or write activation: softplus for values that are never negative",
            )


@check("CK012", severity="error")
def signs_out_of_reach(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Targets are -1 and 1, and the outputs can't be negative."""
    for node, layer, activation in outputs(plan):
        if layer.loss.target == "signs" and activation.low >= 0:
            yield Complaint(
                node,
                expected=f"outputs of both signs for loss {_named(layer.loss)}",
                got=f"activation {_word(activation)}, which never gives less than {activation.low:g}",
                cause="the target of one class is -1",
                fix="remove the activation (identity is then used), or write loss: binary_cross_entropy with sigmoid",
            )


@check("CK013", severity="warning")
def outputs_below_the_loss(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """The loss has a logarithm that the outputs can leave."""
    for node, layer, activation in outputs(plan):
        if activation.low < layer.loss.lowest_output:
            yield Complaint(
                node,
                expected=f"outputs above {layer.loss.lowest_output:g} for loss {_named(layer.loss)}",
                got=f"activation {_word(activation)}, which gives values from {activation.low:g}",
                cause="smaller values are raised to that limit before the logarithm, and then learn nothing",
                fix=f"remove the activation ({layer.loss.natural_activation} is then used), or write activation: softplus",
            )
