"""An output that finds things in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, last_axis
from lamina.network.layers.output import OutputMixin
from lamina.network.losses import Loss, Yolo
from lamina.shapes import Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count


@register("yolo_output")
class YoloOutput(OutputMixin, ParametricLayer):
    """Boxes and classes for every cell of a grid: a 1 by 1 convolution to what the loss `yolo` judges (Redmon and Farhadi 2017).

    Deeplearning4j's Yolo2OutputLayer has no weights of its own: that is ``{type: loss, loss: {type: yolo, priors: ...}}``.
    `lamina.evaluate.detection` makes targets of boxes, and boxes of predictions.

    Input: ``[batch, channels, height, width]``, a cell for each pixel. Output: ``[batch, boxes * (5 + classes), height, width]``: for each
    prior the centre within the cell, width and height in cells, how sure it is, and the shares of the classes.
    Parameters: ``weight [boxes * (5 + classes), channels, 1, 1]``, ``bias``.

    Attributes:
        classes: How many kinds of things there are.
        loss: `yolo`, with the priors.

    Example:
        >>> str(YoloOutput(20, loss=Yolo([[1, 2], [3, 1]])).infer((Image(channels=8, height=13, width=13),)))
        '[batch, 50, 13, 13]'
    """

    positional: ClassVar[tuple[str, ...]] = ("classes",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)

    classes: Count
    loss: Loss
    activation: Activation | None = None  # type: ignore[assignment]

    @model_validator(mode="after")
    def _by_its_loss(self) -> Self:
        if not isinstance(self.loss, Yolo):
            raise wrong_value(
                expected="the loss yolo, with the priors of the boxes",
                cause="how many boxes a cell has is a setting of that loss",
                fix="write loss: {type: yolo, priors: [[1.0, 1.0], [2.0, 1.0]]}",
            )
        return self

    @property
    def filters(self) -> int:
        """Channels of the output."""
        return len(self.loss.priors) * (5 + self.classes) if isinstance(self.loss, Yolo) else 0

    @property
    def random(self) -> bool:
        return self.dropout is not None or self.weight_noise is not None

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0].replace(channels=self.filters)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        channels = last_axis(inputs[0])
        return self.weight_and_bias((self.filters, channels, 1, 1), self.filters, channels, self.filters)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        cells = 1
        for size in output.dims[1:]:
            cells *= size or 1
        return 2 * last_axis(inputs[0]) * self.filters * cells

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2, loss=Yolo([[1.0, 1.0], [2.0, 0.5]])), (Image(channels=3, height=2, width=3),)),
            (cls(1, loss=Yolo([[1.0, 1.5]]), bias=False), (Image(channels=2, height=3, width=3),)),
        ]
