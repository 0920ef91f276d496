"""Where a network ends: scores, and the loss that judges them."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.activations import Activation
from lamina.network.layers.dense import FullyConnected
from lamina.network.layers.layer import Layer
from lamina.network.losses import CrossEntropy, Loss
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import NonNegative


class OutputMixin(Layer):
    """What layers that carry a loss share.

    Attributes:
        loss: Judges the predictions against the targets.
        activation: Turns scores into predictions. None: the one that is natural to the loss (softmax for cross-entropy,
            sigmoid for binary cross-entropy, identity for the mean squared error). The network's ``defaults`` leave it alone.
        loss_weight: The output's loss is multiplied by this before the losses of several outputs are added up.
    """

    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    loss: Loss = CrossEntropy()
    activation: Activation | None = None
    loss_weight: NonNegative = 1.0

    @property
    def effective_activation(self) -> Activation:
        """What turns scores into predictions: ``activation``, or the one natural to the loss."""
        return self.loss.natural() if self.activation is None else self.activation


@register("output")
class Output(OutputMixin, FullyConnected):
    """Dense layer with a loss, at the end of a network: ``scores = x W^T + b``, ``predictions = activation(scores)``.

    Input and parameters as for `Dense`: ``[batch, n]``; ``[batch, steps, n]``, where each step has its own prediction; an
    image or volume is flattened before it. The loss is computed from scores and activation together where that is more
    exact (softmax with cross-entropy).

    Attributes:
        units: Number of outputs: the classes, or the numbers to predict.

    Example:
        >>> Output(10).effective_activation.type_name
        'softmax'
    """

    activation: Activation | None = None  # type: ignore[assignment]

    @property
    def random(self) -> bool:
        return self.dropout is not None or self.weight_noise is not None or self.effective_activation.random

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (Features(4),)),
            (cls(2, loss="mse", loss_weight=0.5), (Features(4),)),
            (cls(1, loss="binary_cross_entropy", bias=False), (Features(3),)),
            (cls(3, loss="mse", activation="tanh"), (Sequence(steps=5, features=2),)),
            (cls(3), (Sequence(steps=None, features=2),)),
        ]


@register("loss")
class LossLayer(OutputMixin):
    """A loss on what comes in, without parameters: for each vector, each step, or each position of an image or volume.

    Example:
        >>> str(LossLayer("mse").infer((Features(4),)))
        '[batch, 4]'
    """

    positional: ClassVar[tuple[str, ...]] = ("loss",)
    stepwise: ClassVar[bool] = True

    @property
    def random(self) -> bool:
        return self.effective_activation.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(3),)),
            (cls("mse"), (Sequence(steps=5, features=2),)),
            (cls("cross_entropy"), (Image(channels=3, height=4, width=2),)),
            (cls("binary_cross_entropy", loss_weight=2.0), (Volume(channels=1, depth=2, height=3, width=2),)),
        ]
