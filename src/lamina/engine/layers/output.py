"""Where networks end."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.layers.layer import Head, LayerModule, ParametricModule, runs
from lamina.engine.losses import loss_function
from lamina.network.layers.output import LossLayer, Output
from lamina.network.plan import Node


def _head(node: Node) -> Head:
    layer: Any = node.layer
    activation = layer.effective_activation
    return Head(loss_function(layer.loss, activation), activation_function(activation), float(layer.loss_weight))


@runs(Output)
class OutputModule(ParametricModule):
    """Gives scores; the loss and the predictions are made of them by its `Head`."""

    weight: Tensor
    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._head = _head(node)
        # Here too, so that a random activation follows train() and eval().
        self._activate = self._head.activate

    def compute(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self._parameters.get("bias"))

    def head(self) -> Head:
        return self._head


@runs(LossLayer)
class LossModule(LayerModule):
    """What comes in are the scores."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._head = _head(node)
        self._activate = self._head.activate

    def forward(self, x: Tensor) -> Tensor:
        return x

    def head(self) -> Head:
        return self._head
