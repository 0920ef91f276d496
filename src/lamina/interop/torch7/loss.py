"""What judges a network's outputs: saved beside it, or told by how it ends."""

from __future__ import annotations

from typing import Any

from lamina.interop.notes import Notes
from lamina.interop.torch7.module import Module
from lamina.interop.torch7.objects import Instance
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer

PLAIN = {
    "MSECriterion": "mse",
    "AbsCriterion": "mae",
    "SmoothL1Criterion": "smooth_l1",
    "SoftMarginCriterion": "soft_margin",
    "MarginCriterion": "hinge",
}
CLASSES = ("ClassNLLCriterion", "SpatialClassNLLCriterion", "CrossEntropyCriterion", "SpatialCrossEntropyCriterion")


def judged(nodes: dict[str, Layer], ends: list[str], criterion: Instance | None, notes: Notes) -> dict[str, int]:
    """Give the last layer its loss.

    Outputs stay what they are. A network that ends in logarithms of probabilities was trained by their likelihood, whether its
    criterion was saved or not.

    Returns:
        For outputs whose targets are classes: what they count from.
    """
    name = ends[0]
    layer: Any = nodes[name]
    kind = "" if criterion is None else criterion.kind.rpartition(".")[2]
    ending = layer.activation.type_name if isinstance(layer, ls.ActivationLayer) else ""
    settings: dict[str, Any] = {}
    loss = ""
    if ending in ("log_softmax", "softmax") and kind in ("", *CLASSES[:2]):
        loss = "cross_entropy"
        if not kind:
            notes.assume("the loss", f"cross entropy, since the network ends in {ending}; training needs one, outputs don't")
    elif kind == "BCECriterion" and ending == "sigmoid":
        loss = "binary_cross_entropy"
    elif kind in PLAIN:
        loss = PLAIN[kind]
    elif kind:
        notes.lose("the criterion", f"{kind}: outputs don't depend on it")
        return {}
    if not loss:
        return {}
    if criterion is not None and not Module(criterion, "").flag("sizeAverage", default=True):
        notes.lose("the criterion", "that it adds up over a batch, and is no mean")
    weights = None if criterion is None else Module(criterion, "").tensor("weights")
    if weights is not None:
        settings["weights"] = weights.reshape(-1).tolist()
    made = {"type": loss, **settings}
    if ending:
        nodes[name] = ls.LossLayer(loss=made, activation=layer.activation, inputs=layer.inputs)
    else:
        inner = f"{name}_scores"
        nodes[name], nodes[inner] = ls.LossLayer(loss=made, activation="identity", inputs=(inner,)), layer
        nodes[name] = nodes.pop(name)
    return {name: 1} if loss == "cross_entropy" else {}
