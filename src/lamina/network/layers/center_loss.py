"""An output that also keeps what comes in near to the centre of its class."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from lamina.network.layers.layer import Layer
from lamina.network.layers.output import Output
from lamina.shapes import Features, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import NonNegative


@register("center_loss_output")
class CenterLossOutput(Output):
    """`Output` whose loss of a sample grows by ``center_weight / 2 * |x - c_t|^2``: classes become dense clouds (Wen et al. 2016).

    ``x`` is what comes in, ``c_t`` the centre of the sample's class. Centres are no trained parameters: each training step moves
    them by ``c_j += center_rate * sum_{i: t_i = j} (x_i - c_j) / (1 + n_j)``, over the ``n_j`` samples of class ``j`` in the batch,
    as in Deeplearning4j's CenterLossOutputLayer. Of targets that are shares of classes, each class counts by its share.

    Input: ``[batch, n]``. Parameters: ``weight [units, n]``, ``bias [units]``; buffer: ``centers [units, n]``.

    Attributes:
        units: The classes.
        center_weight: Weight of the distances in the loss.
        center_rate: How fast centres follow their samples.

    Example:
        >>> dict(CenterLossOutput(3).buffers((Features(4),)))
        {'centers': (3, 4)}
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Features,)

    center_weight: NonNegative = 2e-4
    center_rate: float = Field(default=0.05, ge=0, le=1)

    @model_validator(mode="after")
    def _of_classes(self) -> Self:
        if self.loss.target != "classes" or not self.loss.by_position:
            raise wrong_value(
                expected="a loss over classes, such as cross_entropy",
                cause=f"a centre belongs to a class, and {self.loss.type_name} knows none",
                fix="write loss: cross_entropy, or use output",
            )
        return self

    def buffers(self, inputs: tuple[Shape, ...]) -> dict[str, tuple[int, ...]]:
        return {"centers": (self.units, inputs[0].dims[0] or 1)}

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(3), (Features(4),)), (cls(2, center_weight=0.5, center_rate=0.5, bias=False), (Features(3),))]
