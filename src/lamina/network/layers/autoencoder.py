"""Denoising autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from lamina.network.activations import Activation, Sigmoid
from lamina.network.layers.layer import Layer, Parameter, elements
from lamina.network.layers.pretrainable import Pretrainable
from lamina.network.losses import BinaryCrossEntropy, Loss
from lamina.shapes import Features, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import NonNegative, Probability


@register("autoencoder")
class AutoEncoder(Pretrainable):
    """Denoising autoencoder (Vincent et al. 2008): learns to give its input back though part of it was wiped out.

    As a layer it encodes: ``h = activation(x W^T + b)``. In pretraining, with each value of ``x`` set to 0 with probability
    ``corruption``: ``loss(decoder_activation(h W + c), x)``, where ``W`` is tied and ``c`` the bias of the decoder.

    Input: ``[batch, n]``; an image or volume before it is flattened. Output: ``[batch, units]``.

    Parameters: ``weight [units, n]``, ``bias [units]``, ``visible_bias [n]``; the last is used in pretraining only.

    Deeplearning4j adds its ``sparsity`` to the gradient of the hidden units as ``y (y - sparsity)``, which is no derivative of
    any loss; here it is that of Ng 2011, on the mean over the batch.

    Attributes:
        units: Number of outputs.
        activation: Of the code; `sigmoid` unless set here or by ``defaults``.
        corruption: Probability that a value of the input is wiped out in pretraining.
        loss: How far what comes back is from the input. Binary cross entropy needs inputs from 0 to 1; `mse` takes all numbers.
        decoder_activation: Of what comes back; what fits the loss unless set.
        sparsity: What each unit's mean activation should be: adds ``sparsity_weight`` times the mean over the units of
            ``KL(sparsity || mean)``. None: nothing.
        sparsity_weight: How much that counts.

    Example:
        >>> str(AutoEncoder(3).infer((Features(4),)))
        '[batch, 3]'
    """

    activation: Activation = Sigmoid()
    corruption: Probability = 0.3
    loss: Loss = BinaryCrossEntropy()
    decoder_activation: Activation | None = None
    sparsity: Annotated[float, Field(gt=0, lt=1)] | None = None
    sparsity_weight: NonNegative = 1.0

    takes: ClassVar[tuple[str, ...]] = ("binary", "same")

    @model_validator(mode="after")
    def _can_be_computed(self) -> Self:
        if self.loss.target not in self.takes or not self.loss.per_sample:
            raise wrong_value(
                expected="a loss between numbers and numbers, such as mse or binary_cross_entropy",
                cause=f"{self.loss.type_name} compares with classes, signs or whole batches, and here it is the input that counts",
                fix="write loss: mse, or loss: binary_cross_entropy for inputs from 0 to 1",
            )
        if self.sparsity is not None and not self.activation.gives_probabilities:
            raise wrong_value(
                expected="sparsity with an activation between 0 and 1",
                cause=f"{self.activation.type_name} gives other numbers, of which the mean is no share",
                fix="write activation: sigmoid, or remove sparsity",
            )
        return self

    def check_width(self, width: int) -> None:
        found = self.loss.misfit(width)
        if found is not None or self.loss.target_width(width) != width:
            raise self.refuse(
                "NN070",
                expected="a loss that judges as many numbers as come in" if found is None else found.expected,
                got=f"{self.loss.type_name} for {width} numbers" if found is None else found.got,
                cause="an autoencoder is judged on its input" if found is None else found.cause,
                fix="use loss: mse" if found is None else found.fix,
            )

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = elements(inputs[0])
        found = self.weight_and_bias((self.units, count), self.units, count, self.units)
        if self.bias:
            found["visible_bias"] = Parameter((count,), "bias", self.units, count, pretraining=True)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (Features(4),)),
            (cls(5, activation="relu", loss="mse", corruption=0.0), (Features(3),)),
            (cls(2, sparsity=0.1, sparsity_weight=0.5, bias=False), (Features(4),)),
        ]
