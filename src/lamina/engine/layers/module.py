"""An own ``torch.nn.Module`` as a layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lamina.engine.layers.layer import LayerModule, runs
from lamina.errors import DescriptionError, TrainingError
from lamina.network.layers.module import Module
from lamina.network.plan import Node
from lamina.shapes import describe_array


@runs(Module)
class OwnModule(LayerModule):
    """Calls the module, itself and no copy; its parameters keep their values.

    Raises:
        DescriptionError: EN007, if what is called a module is none.
    """

    def __init__(self, node: Node) -> None:
        # Not LayerModule's: the parameters exist already, inside the module.
        nn.Module.__init__(self)
        self.node = node
        layer: Any = node.layer
        if not isinstance(layer.module, nn.Module):
            raise DescriptionError(
                "EN007",
                where=f"layer {node.name!r}",
                expected="a torch.nn.Module",
                got=type(layer.module).__name__,
                cause="only a torch.nn.Module can stand in a network by itself",
                fix="wrap the computation in a class MyModule(torch.nn.Module) with a forward method",
            )
        self.module = layer.module
        self._shape_seen: torch.Size | None = None

    def initialize(self, seed: int) -> None:
        """Nothing: whoever made the module gave it its values."""

    def tensors(self) -> dict[str, Tensor]:
        found = self.module.state_dict(keep_vars=True)
        return {name: value for name, value in found.items() if isinstance(value, Tensor)}

    def forward(self, *inputs: Tensor) -> Tensor:
        y: Tensor = self.module(*inputs)
        if not isinstance(y, Tensor) or y.shape[1:] != self._shape_seen:
            self._check(y, inputs)
        return y

    def _check(self, y: object, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(y, Tensor) and y.dim() > 0 and self.node.output_shape.matches(y.shape[1:]) and y.shape[0] == inputs[0].shape[0]:
            self._shape_seen = y.shape[1:]
            return
        raise TrainingError(
            "EN007",
            where=f"layer {self.node.name!r} ({type(self.module).__name__})",
            expected=f"one tensor {self.node.output_shape}, with the batch of its input",
            got=describe_array(y.shape) if isinstance(y, Tensor) else type(y).__name__,
            cause="the layer's description says another output than the module gives",
            fix="correct output= in lm.Module(module, output=...), or what the module returns",
        )
