"""An output that learns what is usual from usual samples alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Identity
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer
from lamina.network.layers.output import OutputMixin
from lamina.network.losses import Loss, OneClass
from lamina.shapes import Features, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative


@register("one_class_output")
class OneClassOutput(OutputMixin, ParametricLayer):
    """``score = g(x V^T) w - r``: above 0 for what is usual, below for what isn't (OC-NN, Chalapathy et al. 2018).

    ``r`` is no trained parameter: it follows the ``nu``-quantile of the values before it over the last ``window`` training samples, so
    that about that share of the usual samples is taken for unusual. The weights have ``l2: 1`` unless told otherwise, which together
    with the loss `one_class` is the objective of the paper, and of Deeplearning4j's OCNNOutputLayer.

    Targets: 1 for usual samples, 0 for others. Training needs usual ones only.

    Input: ``[batch, n]``; an image is flattened before it. Output: ``[batch, 1]``. Parameters: ``weight [hidden, n]``,
    ``projection [1, hidden]``; buffers: ``radius [1]``, ``recent [window]``, ``filled [1]``.

    Attributes:
        hidden: Size of the hidden layer.
        loss: `one_class`, with the share ``nu``.
        hidden_activation: The function ``g``.
        initial_radius: ``r`` before the first step.
        window: How many samples the quantile is taken over.

    Example:
        >>> str(OneClassOutput(8).infer((Features(4),)))
        '[batch, 1]'
    """

    positional: ClassVar[tuple[str, ...]] = ("hidden",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features,)
    flattens: ClassVar[bool] = True
    own_settings: ClassVar[tuple[str, ...]] = ("activation", "l2")
    unused_settings: ClassVar[tuple[str, ...]] = (
        "bias",
        "bias_initializer",
        "l1_bias",
        "l2_bias",
        "bias_learning_rate_factor",
        "bias_constraints",
    )

    hidden: Count
    loss: Loss = OneClass()
    activation: Activation | None = None  # type: ignore[assignment]
    hidden_activation: Activation = Identity()
    initial_radius: float = 0.1
    window: Count = 1000
    l2: NonNegative = 1.0

    @model_validator(mode="after")
    def _by_its_loss(self) -> Self:
        if not isinstance(self.loss, OneClass):
            raise wrong_value(
                expected="the loss one_class",
                cause="the share of unusual samples is a setting of that loss",
                fix="write loss: {type: one_class, nu: 0.04}, or use output",
            )
        return self

    @property
    def nu(self) -> float:
        """Share of the usual samples that may be taken for unusual."""
        return self.loss.nu if isinstance(self.loss, OneClass) else 0.0

    @property
    def random(self) -> bool:
        noisy = self.dropout is not None or self.weight_noise is not None
        return noisy or self.hidden_activation.random or self.effective_activation.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(1)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = inputs[0].dims[0] or 1
        return {
            "weight": Parameter((self.hidden, count), "weight", count, self.hidden),
            "projection": Parameter((1, self.hidden), "weight", self.hidden, 1),
        }

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        return {"radius": (1,), "recent": (self.window,), "filled": (1,)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * self.hidden * ((inputs[0].dims[0] or 1) + 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(5), (Features(4),)),
            (cls(3, hidden_activation="sigmoid", loss=OneClass(0.2), window=6, l2=0.5), (Features(2),)),
        ]
