"""Variational autoencoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from lamina.network.activations import Activation, Identity
from lamina.network.layers.layer import Layer, Parameter, elements
from lamina.network.layers.pretrainable import Pretrainable
from lamina.network.reconstructions import (
    BernoulliReconstruction,
    CompositeReconstruction,
    GaussianReconstruction,
    LossReconstruction,
    Part,
    Reconstruction,
)
from lamina.shapes import Features, Shape
from lamina.spec import register
from lamina.spec.fields import Count, NonNegative, listed


@register("variational_autoencoder")
class VariationalAutoencoder(Pretrainable):
    """Variational autoencoder (Kingma and Welling 2014): a code ``z`` with a normal distribution, and what it says of the input.

    The encoder makes of ``x`` the mean and the logarithm of the variance of each of the ``units`` values of ``z``, through hidden
    layers of its own; the decoder makes of ``z`` the scores of ``reconstruction``. As a layer it gives the mean of ``z``.
    Pretraining raises the evidence lower bound: per sample, with ``z_l = mean + exp(log_variance / 2) e_l``, ``e_l ~ N(0, I)``:
    ``-1/samples sum_l log p(x | z_l) + kl_weight / 2 sum_j (mean_j^2 + variance_j - log_variance_j - 1)``.

    Input: ``[batch, n]``; an image or volume before it is flattened. Output: ``[batch, units]``.

    Parameters: ``encoder_0_weight [e_0, n]``, ``encoder_0_bias [e_0]`` and so on, ``mean_weight [units, e]``, ``mean_bias``; in
    pretraining only: ``log_variance_weight [units, e]``, ``log_variance_bias``, ``decoder_0_weight [d_0, units]`` and so on,
    ``reconstruction_weight [scores, d]``, ``reconstruction_bias``.

    `lamina.unsupervised.VariationalView` asks a trained one for probabilities of samples, and for new samples.

    Attributes:
        units: Length of the code ``z``.
        encoder: Units of the encoder's hidden layers, from the input on.
        decoder: Units of the decoder's hidden layers, from the code on.
        activation: Of all hidden layers.
        latent_activation: Of mean and logarithm of the variance of ``z``.
        reconstruction: What the decoder's scores say of the input. Deeplearning4j's default is Gaussian with `tanh`.
        samples: Draws of ``z`` for each sample in one step.
        kl_weight: Weight of the divergence from ``N(0, I)``; 1 is the bound, more makes the values of the code independent.

    Example:
        >>> str(VariationalAutoencoder(2, encoder=[16], decoder=[16], reconstruction="bernoulli").infer((Features(64),)))
        '[batch, 2]'
    """

    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    encoder: listed(Count) = (100,)  # type: ignore[valid-type]
    decoder: listed(Count) = (100,)  # type: ignore[valid-type]
    latent_activation: Activation = Identity()
    reconstruction: Reconstruction = GaussianReconstruction()
    samples: Count = 1
    kl_weight: NonNegative = 1.0

    def check_width(self, width: int) -> None:
        found = self.reconstruction.misfit(width)
        if found is not None:
            raise self.refuse(
                "NN070",
                expected=f"a reconstruction of {width} values",
                got=f"{self.reconstruction.type_name}: {found}",
                cause="the decoder must say something of every value that comes in",
                fix="let the sizes of the parts add up to the width of the input, or choose another reconstruction",
            )

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        found: dict[str, Parameter] = {}
        for name, size, count, pretraining in self.blocks(elements(inputs[0])):
            found[f"{name}_weight"] = Parameter((size, count), "weight", count, size, pretraining=pretraining)
            found[f"{name}_bias"] = Parameter((size,), "bias", count, size, pretraining=pretraining)
        return found

    def blocks(self, width: int) -> Iterator[tuple[str, int, int, bool]]:
        """Name, outputs and inputs of each fully connected part, and whether only pretraining uses it, in order."""
        count = width
        for number, size in enumerate(self.encoder):
            yield f"encoder_{number}", size, count, False
            count = size
        yield "mean", self.units, count, False
        yield "log_variance", self.units, count, True
        count = self.units
        for number, size in enumerate(self.decoder):
            yield f"decoder_{number}", size, count, True
            count = size
        yield "reconstruction", self.reconstruction.size(width), count, True

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return sum(2 * size * count for _, size, count, pretraining in self.blocks(elements(inputs[0])) if not pretraining)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        mixed = CompositeReconstruction([Part(3, GaussianReconstruction()), Part(2, BernoulliReconstruction())])
        return [
            (cls(2, encoder=[5, 4], decoder=[4, 5], activation="tanh"), (Features(4),)),
            (cls(3, encoder=[4], decoder=[], activation="softplus", reconstruction="bernoulli", samples=2), (Features(3),)),
            (cls(2, encoder=[], decoder=[3], latent_activation="tanh", reconstruction=mixed), (Features(5),)),
            (cls(2, encoder=[3], decoder=[3], reconstruction=LossReconstruction("mse", weight=4.0), kl_weight=0.5), (Features(4),)),
        ]
