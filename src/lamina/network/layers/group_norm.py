"""Normalisation of groups of channels, each sample by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from lamina.network.layers.layer import Layer, Parameter, elements, last_axis
from lamina.network.layers.normalization import Normalization
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import Count

_IMAGE = Image(channels=4, height=3, width=2)
_STEPS = Sequence(steps=None, features=4)


@register("group_norm")
class GroupNorm(Normalization):
    """Group normalisation (Wu and He 2018): each group of channels over all its positions, each sample by itself.

    Any shape of numbers, which it keeps: the channels of images and volumes over all pixels, the features of sequences over all
    steps, of padded ones over all real steps. The same in training and prediction, with the biased variance; one group is layer
    normalisation of the whole sample with a weight for each channel. Parameters: ``weight [n]`` (starts at 1), ``bias [n]``.

    Attributes:
        groups: Into how many equal groups the channels or features fall.

    Example:
        >>> from lamina.shapes import image
        >>> GroupNorm(4).parameters((image(32, 7, 7),))["weight"].shape
        (32,)
    """

    positional: ClassVar[tuple[str, ...]] = ("groups",)

    groups: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        count = last_axis(shape)
        if count % self.groups:
            raise self.refuse(
                "NN008",
                expected=f"channels or features that fall into {self.groups} equal groups",
                got=f"{shape}: {count}",
                cause="every group has as many channels as the others",
                fix=f"set groups to one of {', '.join(str(n) for n in range(1, count + 1) if count % n == 0)}",
            )
        return shape

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.affine((last_axis(inputs[0]),))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Sum, subtract, square, sum, multiply; then the learnt ones.
        return (5 + self.scale + self.bias) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(2), (_IMAGE,)),
            (cls(2, epsilon=1e-3, activation="tanh"), (_STEPS,)),
            (cls(1, bias=False), (Features(4),)),
            (cls(2, scale=False), (Volume(channels=4, depth=2, height=2, width=3),)),
            (cls(4), (Sequence(steps=5, features=4),)),
        ]


@register("instance_norm")
class InstanceNorm(Normalization):
    """Instance normalisation (Ulyanov et al. 2016): each channel over all its positions, each sample by itself.

    The channels of images and volumes over all pixels, the features of sequences over all steps, of padded ones over all real
    steps. Parameters: ``weight [n]`` (starts at 1), ``bias [n]``, which torch leaves out unless told otherwise. Buffers, with
    ``running``: ``running_mean [n]``, ``running_var [n]``.

    Attributes:
        running: Keep running means and (unbiased) variances in training, and use them at prediction in place of the sample's own.
        momentum: Weight of the newest batch in them; only with ``running``.

    Example:
        >>> from lamina.shapes import image
        >>> InstanceNorm(scale=False, bias=False).parameters((image(8, 5, 5),))
        {}
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Image, Volume)

    running: bool = False
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """With running statistics each step is treated alike at prediction, and training makes of each piece its own."""
        return self.running

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.affine((last_axis(inputs[0]),))

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        sizes = (last_axis(inputs[0]),)
        return {"running_mean": sizes, "running_var": sizes} if self.running else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output) if self.running else (5 + self.scale + self.bias) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (_IMAGE,)),
            (cls(scale=False, bias=False, activation="tanh"), (_STEPS,)),
            (cls(running=True, momentum=0.3), (_IMAGE,)),
            (cls(running=True, bias=False), (_STEPS,)),
            (cls(epsilon=1e-3), (Volume(channels=2, depth=2, height=2, width=3),)),
        ]
