"""Normalisation: values are brought to mean 0 and variance 1, then scaled and shifted by what is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Positive


class Normalization(ParametricLayer):
    """What normalisations share.

    Attributes:
        epsilon: Added to the variance before its root.
        scale: Whether what is normalised is multiplied by a learnt ``weight``, which starts at 1.
        bias: Whether a learnt ``bias`` is added, which starts at 0. The network's ``defaults`` leave this setting alone, so
            that convolutions without a bias can stand before it.
    """

    own_settings: ClassVar[tuple[str, ...]] = ("activation", "bias")
    unused_settings: ClassVar[tuple[str, ...]] = ("initializer",)

    epsilon: Positive = 1e-5
    scale: bool = True

    def affine(self, sizes: tuple[int, ...]) -> Mapping[str, Parameter]:
        """The learnt scale and shift."""
        found: dict[str, Parameter] = {}
        if self.scale:
            found["weight"] = Parameter(sizes, "gain")
        if self.bias:
            found["bias"] = Parameter(sizes, "bias")
        return found


@register("batch_norm")
class BatchNorm(Normalization):
    """Batch normalisation (Ioffe and Szegedy 2015): each feature or channel over the batch and all positions.

    Any shape of numbers, which it keeps: each feature of vectors and of the (real) steps of a sequence, each channel of images and
    volumes. In training it uses the mean and the (biased) variance of the batch, at prediction the running ones:
    ``running = (1 - momentum) * running + momentum * batch``, with the unbiased variance, as torch has it.

    Parameters: ``weight [n]`` (starts at 1), ``bias [n]``. Buffers: ``running_mean [n]`` (starts at 0), ``running_var [n]``
    (starts at 1).

    Attributes:
        momentum: Weight of the newest batch in the running statistics; ``1 - decay`` in Deeplearning4j's and Keras's terms.
        variance: Which variance of a batch the running one follows: ``unbiased``, as in torch, or ``biased``, as in Deeplearning4j and
            Keras.
        statistics: ``recent``: as above; ``all``: the mean over all batches so far, in which each weighs ``(1 - momentum)`` times the
            next one (Caffe). The sum of these weights is a third buffer, ``weight_of_batches [1]``.

    Example:
        >>> from lamina.shapes import image
        >>> {name: parameter.shape for name, parameter in BatchNorm().parameters((image(8, 5, 5),)).items()}
        {'weight': (8,), 'bias': (8,)}
    """

    # At prediction each step is treated alike; training makes its statistics of each piece.
    memory: ClassVar[bool] = True

    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    variance: Literal["unbiased", "biased"] = "unbiased"
    statistics: Literal["recent", "all"] = "recent"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.affine((last_axis(inputs[0]),))

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        found = {"running_mean": (last_axis(inputs[0]),), "running_var": (last_axis(inputs[0]),)}
        return found if self.statistics == "recent" else {**found, "weight_of_batches": (1,)}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # At prediction, statistics, scale and shift are one multiply-add.
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls(momentum=0.3, epsilon=1e-3, activation="tanh"), (Sequence(steps=5, features=3),)),
            (cls(variance="biased"), (Features(3),)),
            (cls(statistics="all", momentum=0.3), (Image(channels=3, height=4, width=2),)),
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(bias=False), (Image(channels=3, height=4, width=2),)),
            (cls(scale=False, bias=False), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]


@register("layer_norm")
class LayerNorm(Normalization):
    """Layer normalisation (Ba et al. 2016): each sample by itself, with the biased variance; the same in training and prediction.

    Any shape of numbers, which it keeps. Parameters: ``weight`` (starts at 1) and ``bias``, of the size of what is normalised together.

    Attributes:
        over: ``features``: the features of each vector or step, the channels at each position of an image or volume;
            ``sample``: all numbers of the sample together (``torch.nn.LayerNorm([c, h, w])``).

    Example:
        >>> from lamina.shapes import sequence
        >>> LayerNorm().parameters((sequence(9, 8),))["weight"].shape
        (8,)
    """

    over: Literal["features", "sample"] = "features"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step of a sequence is normalised by itself."""
        return self.over == "features"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if self.over == "sample" and shape.size is None:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since over: sample has a weight for each of them",
                got=f"{shape} with an unknown number of steps",
                cause="the length of this sequence is known only from the data",
                fix="set over: features, or give the input its number of steps",
            )
        return shape

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        (shape,) = inputs
        if self.over == "features":
            return self.affine((last_axis(shape),))
        return self.affine(tuple(1 if size is None else size for size in shape.dims))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Sum, subtract, square, sum, multiply; then the learnt ones.
        return (5 + self.scale + self.bias) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Features(4),)),
            (cls(epsilon=1e-3, activation="tanh"), (Sequence(steps=None, features=3),)),
            (cls(bias=False), (Image(channels=3, height=4, width=2),)),
            (cls(over="sample"), (Image(channels=3, height=4, width=2),)),
            (cls(over="sample", scale=False), (Sequence(steps=5, features=3),)),
            (cls(scale=False, bias=False), (Volume(channels=2, depth=2, height=3, width=2),)),
        ]
