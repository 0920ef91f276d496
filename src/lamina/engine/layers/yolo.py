"""How the output that finds things in pictures runs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import runs
from lamina.engine.layers.output import OutputModule
from lamina.network.layers.yolo import YoloOutput


@runs(YoloOutput)
class YoloModule(OutputModule):
    """A convolution of one pixel."""

    def compute(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self._parameters.get("bias"))
