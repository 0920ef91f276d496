"""Checks of what stands before the output."""

from __future__ import annotations

from collections.abc import Iterator

from lamina.network import activations as A
from lamina.network.checks.check import PASSING, Complaint, Neighbours, check
from lamina.network.checks.outputs import own_activation, units_of
from lamina.network.initializers import Constant, Ones, Zeros
from lamina.network.layers.activation import ActivationLayer
from lamina.network.layers.convolution import Conv1d, Conv2d, Conv3d, Convolution
from lamina.network.layers.dense import Dense
from lamina.network.layers.dropout import Dropout
from lamina.network.layers.layer import ParametricLayer, last_axis
from lamina.network.layers.normalization import BatchNorm
from lamina.network.layers.output import Output, OutputMixin
from lamina.network.noise import DropoutNoise
from lamina.network.plan import Node, Plan
from lamina.network.vertices import Add
from lamina.shapes import Tokens

LINEAR = (Dense, Conv1d, Conv2d, Conv3d)
"""Layers that without an activation only multiply and add, and of which one stands for two: unlike depthwise and pointwise."""


@check("CK009", severity="warning")
def hidden_softmax(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Softmax between two layers with weights. What feeds a vertex may be meant as attention, and isn't complained of."""
    for node in plan.nodes:
        activation = own_activation(node)
        if activation is None or not activation.over_features or node.name in plan.outputs:
            continue
        after = [later for later in near.after(node) if isinstance(later.layer, ParametricLayer)]
        if after:
            yield Complaint(
                node,
                expected="an activation such as relu in a hidden layer",
                got=f"{activation.type_name} before {after[0].name!r}",
                cause="softmax lets units compete, so that few pass on anything, and slows learning; it belongs to outputs",
                fix="write activation: relu, or make this the output layer",
            )


@check("CK014", severity="warning")
def two_activations(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """An activation layer straight after a layer that has an activation of its own."""
    for node in plan.nodes:
        if not isinstance(node.layer, ActivationLayer) or isinstance(node.layer.activation, A.Identity):
            continue
        before = near.before(node)
        first = own_activation(before) if before is not None else None
        if before is not None and first is not None and not isinstance(first, A.Identity):
            yield Complaint(
                node,
                expected="one activation after a layer",
                got=f"{first.type_name} in {before.name!r}, then {node.layer.activation.type_name}",
                cause="the layer before has an activation already, perhaps from the network's defaults",
                fix=f"remove this layer, or write activation: identity in {before.name!r}",
            )


@check("CK015", severity="warning")
def bias_before_batch_norm(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Batch norm subtracts the mean, and with it any bias: those parameters never change anything."""
    for node in plan.nodes:
        if not isinstance(node.layer, BatchNorm):
            continue
        before = near.before(node)
        if before is None or not isinstance(before.layer, (Dense, Convolution)) or not before.layer.bias or len(near.after(before)) != 1:
            continue
        if isinstance(before.layer.activation, A.Identity):
            yield Complaint(
                before,
                expected="no bias straight before batch norm",
                got=f"a bias of {units_of(before)} values, which {node.name!r} subtracts again",
                cause="batch norm takes the mean away and adds a bias of its own",
                fix="write bias: false in this layer, or put an activation between",
            )


@check("CK016", severity="warning")
def linear_twice(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Two linear layers in a row are one linear layer. A bottleneck, narrower than both its sides, is left alone."""
    for node in plan.nodes:
        before = near.before(node, through=PASSING) if isinstance(node.layer, (*LINEAR, Output)) else None
        if before is None or not isinstance(before.layer, LINEAR) or len(near.after(before)) != 1:
            continue
        if not isinstance(before.layer.activation, A.Identity) or isinstance(before.input_shapes[0], Tokens):
            continue
        if units_of(before) < last_axis(before.input_shapes[0]) and units_of(before) < units_of(node):
            continue
        yield Complaint(
            before,
            expected=f"an activation between {before.name!r} and {node.name!r}",
            got="none (identity)",
            cause="activations are identity unless set; without one the two layers can learn no more than one of them",
            fix="write activation: relu in this layer (or in the network's defaults), or remove the layer",
        )


@check("CK017", severity="error", training=True)
def nothing_to_train(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Every layer with weights is frozen, or learns at a rate of 0."""
    layers = [node for node in plan.nodes if node.parameters]
    own = [node for node in layers if isinstance(node.layer, ParametricLayer)]
    still = [n for n in own if isinstance(n.layer, ParametricLayer) and (n.layer.frozen or n.layer.learning_rate_factor == 0)]
    if own and len(still) == len(layers):
        yield Complaint(
            still[-1],
            expected="at least one layer that learns",
            got=f"all {len(still)} layers with weights are frozen, or have learning_rate_factor: 0",
            cause="training would change nothing",
            fix="remove frozen from the last layer, or from the network's defaults",
        )


@check("CK018", severity="warning")
def dropped_twice(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A dropout layer straight before a layer with dropout of its own, or before another dropout layer."""
    for node in plan.nodes:
        noisy = isinstance(node.layer, Dropout) or (isinstance(node.layer, ParametricLayer) and node.layer.dropout is not None)
        before = near.before(node) if noisy else None
        if before is not None and isinstance(before.layer, Dropout):
            yield Complaint(
                node,
                expected="dropout once between two layers",
                got=f"dropout in {before.name!r} and again here",
                cause="a layer's own dropout works on its input, perhaps set by the network's defaults",
                fix=f"remove {before.name!r}, or the dropout of this layer",
            )


@check("CK019", severity="warning")
def equal_weights(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """All weights of a hidden layer start equal: its units get the same gradients and stay equal for ever.

    An output, and the last layer of a residual branch, may start at 0.
    """
    for node in plan.nodes:
        layer = node.layer
        if isinstance(layer, OutputMixin) or node.name in plan.outputs or units_of(node) < 2:
            continue
        if not isinstance(layer, ParametricLayer) or layer.frozen or not isinstance(layer.initializer, Zeros | Ones | Constant):
            continue
        drawn = any(parameter.role == "weight" for parameter in node.parameters.values())
        if drawn and not any(isinstance(later.layer, Add) for later in near.after(node)):
            yield Complaint(
                node,
                expected="weights that start different from each other",
                got=f"initializer {layer.initializer.type_name}",
                cause="units that start equal get equal gradients, and never become different",
                fix="write initializer: he_normal, or xavier_uniform (the default)",
            )


@check("CK020", severity="warning")
def drops_almost_all(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """A dropout rate above 0.8: probably the probability of keeping was meant."""
    for node in plan.nodes:
        rate = _rate(node)
        if rate is not None and rate > 0.8:
            yield Complaint(
                node,
                expected="a dropout rate of at most 0.8",
                got=f"{rate:g}: of {units_of(node)} values, {100 * (1 - rate):.0f} % pass",
                cause="the rate is the probability of dropping; in Deeplearning4j it is that of keeping",
                fix=f"write {1 - rate:.4g}, or a rate below 0.8",
            )


def _rate(node: Node) -> float | None:
    noise = node.layer.rate if isinstance(node.layer, Dropout) else None
    if isinstance(node.layer, ParametricLayer):
        noise = node.layer.dropout
    return noise.rate if isinstance(noise, DropoutNoise) else None


@check("CK085", severity="warning")
def gradient_ends(plan: Plan, near: Neighbours) -> Iterator[Complaint]:
    """Weights whose every way to an output leads through a layer that no gradient passes."""
    reached = set(plan.outputs)
    walls: dict[str, Node] = {}
    for node in reversed(plan.nodes):
        if node.name in reached:
            if node.layer.differentiable:
                reached.update(node.inputs)
            else:
                walls.update(dict.fromkeys(node.inputs, node))
        elif node.name in walls:
            walls.update({name: walls[node.name] for name in node.inputs if name not in walls})
    for node in plan.nodes:
        frozen = isinstance(node.layer, ParametricLayer) and node.layer.frozen
        if node.name in walls and node.name not in reached and node.parameters and not frozen:
            wall = walls[node.name]
            yield Complaint(
                node,
                expected="weights that a gradient reaches",
                got=f"none, since {wall.name!r} ({wall.layer.type_name}) lets none pass",
                cause=f"{wall.layer.type_name} counts or looks up; a small change before it changes nothing after it",
                fix=f"put {wall.name!r} before the layers that learn, or write frozen: true in this one",
            )
