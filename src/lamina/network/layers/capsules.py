"""Capsules: groups of numbers whose direction says how something looks, and whose length that it is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

from lamina.network.layers.convolution import Convolution
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.network.layers.window import Padding2
from lamina.shapes import Features, Image, Sequence, Shape
from lamina.spec import register
from lamina.spec.fields import Count, Size2


@register("primary_capsules")
class PrimaryCapsules(Convolution):
    """The first capsules of an image (Sabour, Frosst and Hinton 2017): a convolution, whose outputs are grouped and squashed.

    ``v = |s|^2 / (1 + |s|^2) * s / sqrt(|s|^2 + 1e-5)`` of each group ``s``, after the activation: what is short ends near 0,
    what is long near the length 1. Input: ``[batch, c, height, width]``. Output: a sequence of capsules, ``[batch, channels *
    height' * width', dimension]``, sizes as in `Conv2d`. Parameters: ``weight [channels * dimension, c, *kernel]``, ``bias
    [channels * dimension]``.

    Attributes:
        channels: How many capsules see each place of the image.
        dimension: Numbers of a capsule.
        kernel: Size of the window: one number, or height and width.
        stride: Step of the window.
        padding: ``valid``: none; ``same``: so that ``size' = ceil(size / stride)``; or the number of zeros on both sides.
        dilation: Distance between the window's positions.
        group: What is a capsule. ``filters``: what ``dimension`` filters in a row give at one place, as in the paper; capsules
            come place by place, row by row. ``places``: what one filter gives at ``dimension`` places in a row, which is how
            Deeplearning4j cuts the convolution's output.
        activation: Of the convolution's output. The network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import image
        >>> str(PrimaryCapsules(32, 8).infer((image(256, 20, 20),)))
        '[batch, 1152, 8]'
    """

    positional: ClassVar[tuple[str, ...]] = ("channels", "dimension")
    accepts: ClassVar[tuple[type[Shape], ...]] = (Image,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    spatial: ClassVar[int] = 2

    channels: Count
    dimension: Count
    kernel: Size2 = 9
    stride: Size2 = 2
    padding: Padding2 = "valid"
    dilation: Size2 = 1
    group: Literal["filters", "places"] = "filters"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        places = math.prod(size or 1 for size in self.slide(inputs[0]))
        return Sequence(steps=self.channels * places, features=self.dimension)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, filters, field = last_axis(inputs[0]), self.channels * self.dimension, math.prod(self.window)
        return self.weight_and_bias((filters, count, *self.window), filters, count * field, filters * field)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # The convolution; squares, their sum and a product for each number of a capsule.
        return (2 * last_axis(inputs[0]) * math.prod(self.window) + 3) * elements(output)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Image(channels=2, height=6, width=7)
        return [
            (cls(2, 3, kernel=3), (shape,)),
            (cls(3, 2, kernel=(2, 3), stride=1, padding="same", activation="tanh", bias=False), (shape,)),
            (cls(2, 4, kernel=2, dilation=2, padding=(1, 0), group="places"), (shape,)),
        ]


@register("capsule")
class Capsule(ParametricLayer):
    """Capsules that listen to those below as far as these agree: dynamic routing (Sabour, Frosst and Hinton 2017).

    Every capsule ``i`` below votes for every capsule ``j``: ``u_ji = W_ji x_i``. Then, with ``b_ij = 0`` at first and ``routings``
    times over, ``v_j = squash(sum_i c_ij u_ji + bias_j)`` with ``c_i = softmax(b_i)`` over the capsules ``j``, and
    ``b_ij += u_ji . v_j``; `PrimaryCapsules` has the formula of squash. Gradients flow through all of it, as in Deeplearning4j.

    Input: a sequence of a known number of capsules, ``[batch, inputs, n]``. Output: ``[batch, capsules, dimension]``. Parameters:
    ``weight [capsules * dimension, inputs, n]``, ``bias [capsules * dimension]``.

    Attributes:
        capsules: How many capsules come out.
        dimension: Numbers of each.
        routings: How often the votes are weighed; 1: all alike.
        bias: Added before each squashing. Off unless set; the network's ``defaults`` leave it alone.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Capsule(10, 16).infer((sequence(1152, 8),)))
        '[batch, 10, 16]'
    """

    positional: ClassVar[tuple[str, ...]] = ("capsules", "dimension", "routings")
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    takes_masks: ClassVar[bool] = False
    own_settings: ClassVar[tuple[str, ...]] = ("bias",)
    unused_settings: ClassVar[tuple[str, ...]] = ("activation",)

    capsules: Count
    dimension: Count
    routings: Count = 3
    bias: bool = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        known_capsules(self, inputs[0])
        return Sequence(steps=self.capsules, features=self.dimension)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, size, units = known_capsules(self, inputs[0]), last_axis(inputs[0]), self.capsules * self.dimension
        return self.weight_and_bias((units, count, size), units, count * size, units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        count, size = known_capsules(self, inputs[0]), last_axis(inputs[0])
        votes, pairs = count * elements(output), count * self.capsules
        # Each vote is made once, weighed in every round, and compared with the outcome in all but the last.
        return 2 * votes * size + self.routings * (2 * votes + 3 * pairs + 3 * elements(output)) + (self.routings - 1) * 2 * votes

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        count = known_capsules(self, inputs[0])
        return count * elements(output) + self.routings * (count * self.capsules + 2 * elements(output))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        return [(cls(2, 4), (shape,)), (cls(3, 2, routings=1), (shape,)), (cls(3, 2, routings=2, bias=True), (shape,))]


@register("capsule_strength")
class CapsuleStrength(Layer):
    """How long each capsule is, which says how surely what it stands for is there: ``[batch, capsules, n]`` to ``[batch, capsules]``.

    Behind it, a ``loss`` layer with `capsule_margin` trains capsules as classes.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(CapsuleStrength().infer((sequence(10, 16),)))
        '[batch, 10]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    takes_masks: ClassVar[bool] = False

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Features(known_capsules(self, inputs[0]))

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(), (Sequence(steps=4, features=3),))]


def known_capsules(layer: Layer, shape: Shape) -> int:
    """How many capsules come in; raises NN009 if only the data know."""
    count = shape.dims[0]
    if count is None:
        raise layer.refuse(
            "NN009",
            expected="a known number of capsules, each of which is something else",
            got=f"{shape} with an unknown number of steps",
            cause="capsules are not steps of sequences of any length: each has weights, or a meaning, of its own",
            fix="feed it from primary_capsules or capsule, or give the input its number of steps",
        )
    return count
