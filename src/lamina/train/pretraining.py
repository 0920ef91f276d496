"""The ``pretrain`` section of training: which layers learn without targets before the network learns with them, and how long."""

from __future__ import annotations

from lamina.errors import DescriptionError, nearest
from lamina.learning.clipping import Clip
from lamina.learning.optimizers import Adam, Optimizer
from lamina.network.layers.pretrainable import Pretrainable
from lamina.network.plan import Node, Plan
from lamina.spec import Description
from lamina.spec.fields import Count, Names


class Pretrain(Description):
    """Layer after layer is trained without targets, on what those below it give; see `lamina.Model.pretrain`.

    Device, precision, threads, checkpoints and progress are those of the training that follows, as are the batches.

    Attributes:
        epochs: Passes over the training set for each layer.
        optimizer: How gradients become updates; anew for each layer.
        clip: What is done to gradients that are too large.
        layers: Names of the layers; all that can, in their order, unless set.

    Example:
        >>> Pretrain(epochs=5, optimizer="sgd", layers="rbm_1").layers
        ('rbm_1',)
    """

    epochs: Count = 10
    optimizer: Optimizer = Adam()
    clip: Clip | None = None
    layers: Names = ()


def stages(plan: Plan | None, layers: tuple[str, ...] = (), optimizer: Optimizer | None = None, *, where: str = "pretrain") -> list[Node]:
    """The layers to pretrain, in the order in which data flow through them.

    Args:
        plan: The network; None for an own module.
        layers: Their names; none for all that are able to and not frozen.
        optimizer: What trains them.
        where: For messages.

    Raises:
        DescriptionError: TR120, for a name that no layer has; TR121, if a layer, or the whole network, can't learn without targets;
            TR122, if the optimiser needs a loss, and a layer has none.
    """
    known = {node.name: node for node in plan.nodes} if plan is not None else {}
    able = {name: node for name, node in known.items() if isinstance(node.layer, Pretrainable) and node.shares is None}
    for name in layers:
        if name not in known:
            near = nearest(name, able) or nearest(name, known)
            raise DescriptionError(
                "TR120",
                where=f"{where}.layers",
                expected=f"one of {', '.join(able)}" if able else "the name of a layer",
                got=repr(name),
                cause="a typo" if near else "the layer was renamed or removed",
                fix=f"did you mean {near!r}?" if near else "use one of the names above",
            )
        if name not in able or known[name].layer.frozen:  # type: ignore[attr-defined]
            raise _unable(where, name, known[name], list(able))
    found = [node for name, node in able.items() if (name in layers if layers else not getattr(node.layer, "frozen", False))]
    if not found:
        raise DescriptionError(
            "TR121",
            where=where,
            expected="at least one layer that learns without targets: rbm, autoencoder, variational_autoencoder",
            got="an own torch.nn.Module" if plan is None else f"frozen ones only: {', '.join(able)}" if able else "none",
            cause="all other layers learn from the loss of the whole network",
            fix="remove pretrain, or put such a layer into the network",
        )
    without = next((node for node in found if isinstance(node.layer, Pretrainable) and not node.layer.has_loss), None)
    if optimizer is not None and optimizer.searches and without is not None:
        raise DescriptionError(
            "TR122",
            where=f"{where}.optimizer, layer {without.name!r} ({without.layer.type_name})",
            expected="an optimiser that needs gradients alone, such as sgd or adam",
            got=f"{optimizer.type_name}, which looks for a smaller loss along a line",
            cause="contrastive divergence follows a direction that is the gradient of no loss",
            fix="write optimizer: sgd",
        )
    return found


def _unable(where: str, name: str, node: Node, able: list[str]) -> DescriptionError:
    frozen = name in able
    others = [other for other in able if other != name]
    return DescriptionError(
        "TR121",
        where=f"{where}.layers",
        expected="a layer that learns without targets" + (f": {', '.join(others)}" if others else ""),
        got=f"{name!r} ({node.layer.type_name}" + (", frozen)" if frozen else ")"),
        cause="a frozen layer keeps its values" if frozen else "only layers that can reconstruct their input learn without targets",
        fix="remove frozen from it, or its name from layers" if frozen else "name rbm, autoencoder or variational_autoencoder layers only",
    )
