"""Convolutional LSTMs: what is remembered has a place in the image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from lamina.network.activations import Activation, Sigmoid, Tanh
from lamina.network.initializers import Initializer, Orthogonal
from lamina.network.layers.convolution import Convolution
from lamina.network.layers.layer import Layer, Parameter, elements, last_axis, with_axes
from lamina.network.layers.window import Padding1, Padding2, Padding3
from lamina.shapes import Image, Sequence, Series, Shape, Volume, with_steps
from lamina.spec import register
from lamina.spec.fields import Count, Probability, Size1, Size2, Size3


class ConvLSTM(Convolution):
    """What convolutional LSTMs share: a series of images to a series of images, or to the last one.

    ``i, f, o = recurrent_activation(W_x * x + W_h * h + b)``, ``g = activation(...)`` of the same, ``c' = f c + i g``,
    ``h = o activation(c')``, where ``*`` convolves (Shi et al. 2015, without peepholes; the arithmetic of Keras). The convolution of
    the memory keeps its size: stride 1, padding ``same``. Masked steps change nothing that is remembered.

    Parameters: ``weight_ih [4 filters, channels, *kernel]``, ``weight_hh [4 filters, filters, *kernel]``, ``bias [4 filters]``; gates
    in the order i, f, g, o.
    """

    positional: ClassVar[tuple[str, ...]] = ("filters",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Series,)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    activates_inside: ClassVar[bool] = True
    item: ClassVar[type[Shape]]
    """Shape of what stands at each step."""

    filters: Count
    activation: Activation = Tanh()
    recurrent_activation: Activation = Sigmoid()
    forget_bias: float = 1.0
    return_sequences: bool = True
    reverse: bool = False
    recurrent_dropout: Probability = 0.0
    recurrent_initializer: Initializer = Orthogonal()

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether it can be run step by step: not from the last step to the first."""
        return not self.reverse

    @property
    def random(self) -> bool:
        return super().random or self.recurrent_dropout > 0 or self.recurrent_activation.random

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        shape = _item(inputs[0])
        if not isinstance(shape, self.item) or None in shape.dims:
            raise self.refuse(
                "NN001",
                expected=f"a series of {self.item.type_name}s of known size",
                got=str(inputs[0]),
                cause=f"it convolves along {self.spatial} ax{'is' if self.spatial == 1 else 'es'}, which what it remembers has too",
                fix={Image: "write type: conv_lstm2d", Volume: "write type: conv_lstm3d", Sequence: "write type: conv_lstm1d"}.get(
                    type(shape), f"give it a series of {self.item.type_name}s"
                )
                if None not in shape.dims
                else "say how many steps the inner sequences have",
            )
        found = with_axes(shape, self.filters, self.slide(shape))
        return with_steps(found, inputs[0].dims[0]) if self.return_sequences else found

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        channels, field, rows = last_axis(_item(inputs[0])), math.prod(self.window), 4 * self.filters
        out = self.filters * field
        found = {
            "weight_ih": Parameter((rows, channels, *self.window), "weight", channels * field, out, 4),
            "weight_hh": Parameter((rows, self.filters, *self.window), "weight", out, out, 4, "recurrent_initializer"),
        }
        if self.bias:
            found["bias"] = Parameter((rows,), "bias", channels * field, out, 4, fills=(None, self.forget_bias, None, None))
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        channels = last_axis(_item(inputs[0]))
        one = elements(_item(output) if self.return_sequences else output)
        return (inputs[0].dims[0] or 1) * one * (8 * math.prod(self.window) * (channels + self.filters) + 4)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Four gates, the cell, the output.
        return 6 * (inputs[0].dims[0] or 1) * elements(_item(output) if self.return_sequences else output)

    @classmethod
    def _examples(cls, shape: Shape) -> list[tuple[Layer, tuple[Shape, ...]]]:
        known, unknown = Series(steps=3, item=shape), Series(steps=None, item=shape)
        settings: list[tuple[dict[str, Any], Shape]] = [
            ({"padding": "same"}, unknown),
            ({"stride": 2, "return_sequences": False, "bias": False}, known),
            ({"padding": 1, "kernel": 2, "reverse": True, "recurrent_activation": "hard_sigmoid"}, known),
            ({"dilation": 2, "padding": "same", "activation": "softsign"}, known),
            ({"recurrent_dropout": 0.4, "kernel": 2, "padding": "same"}, known),
        ]
        return [(cls(2, **{"kernel": 3, **own}), (given,)) for own, given in settings]


def _item(shape: Shape) -> Shape:
    return shape.item if isinstance(shape, Series) else shape


@register("conv_lstm1d")
class ConvLSTM1d(ConvLSTM):
    """Convolutional LSTM over a series of sequences: ``[batch, steps, length, n]`` to ``[batch, steps, length', filters]``.

    Attributes:
        filters: Channels of memory and output.
        kernel: Size of the window, for input and memory.
        stride: Step of the window over the input.
        padding: Of the input: ``valid``, ``same`` or a number.
        dilation: Distance between the window's positions in the input.
        activation: Of what is remembered; tanh. ``defaults`` leave it alone.
        recurrent_activation: Of the gates; sigmoid.
        forget_bias: What the forget gate's part of the bias starts with.
        return_sequences: Whether every step's output is given, or the last one's.
        reverse: Read from the last step to the first.
        recurrent_dropout: Probability of dropping what a step takes of the output before it, alike at all steps of a sequence.
        recurrent_initializer: How ``weight_hh`` starts, each gate by itself; orthogonal.

    Example:
        >>> from lamina.shapes import sequence, series
        >>> str(ConvLSTM1d(8, kernel=3, padding="same").infer((series(None, sequence(20, 2)),)))
        '[batch, ?, 20, 8]'
    """

    spatial: ClassVar[int] = 1
    item: ClassVar[type[Shape]] = Sequence

    kernel: Size1
    stride: Size1 = 1
    padding: Padding1 = "valid"
    dilation: Size1 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(Sequence(steps=6, features=2))


@register("conv_lstm2d")
class ConvLSTM2d(ConvLSTM):
    """Convolutional LSTM over a series of images: ``[batch, steps, channels, height, width]`` to ``[batch, steps, filters, ...]``.

    Attributes:
        filters: Channels of memory and output.
        kernel: Size of the window, for input and memory.
        stride: Step of the window over the input.
        padding: Of the input: ``valid``, ``same``, a number, or one an axis.
        dilation: Distance between the window's positions in the input.
        activation: Of what is remembered; tanh. ``defaults`` leave it alone.
        recurrent_activation: Of the gates; sigmoid.
        forget_bias: What the forget gate's part of the bias starts with.
        return_sequences: Whether every step's output is given, or the last one's.
        reverse: Read from the last step to the first.
        recurrent_dropout: Probability of dropping what a step takes of the output before it, alike at all steps of a sequence.
        recurrent_initializer: How ``weight_hh`` starts, each gate by itself; orthogonal.

    Example:
        >>> from lamina.shapes import image, series
        >>> str(ConvLSTM2d(8, kernel=3).infer((series(10, image(1, 16, 16)),)))
        '[batch, 10, 8, 14, 14]'
    """

    spatial: ClassVar[int] = 2
    item: ClassVar[type[Shape]] = Image

    kernel: Size2
    stride: Size2 = 1
    padding: Padding2 = "valid"
    dilation: Size2 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(Image(channels=2, height=6, width=5))


@register("conv_lstm3d")
class ConvLSTM3d(ConvLSTM):
    """Convolutional LSTM over a series of volumes: ``[batch, steps, channels, depth, height, width]``.

    Attributes:
        filters: Channels of memory and output.
        kernel: Size of the window, for input and memory.
        stride: Step of the window over the input.
        padding: Of the input: ``valid``, ``same``, a number, or one an axis.
        dilation: Distance between the window's positions in the input.
        activation: Of what is remembered; tanh. ``defaults`` leave it alone.
        recurrent_activation: Of the gates; sigmoid.
        forget_bias: What the forget gate's part of the bias starts with.
        return_sequences: Whether every step's output is given, or the last one's.
        reverse: Read from the last step to the first.
        recurrent_dropout: Probability of dropping what a step takes of the output before it, alike at all steps of a sequence.
        recurrent_initializer: How ``weight_hh`` starts, each gate by itself; orthogonal.

    Example:
        >>> from lamina.shapes import series, volume
        >>> str(ConvLSTM3d(4, kernel=3, padding="same").infer((series(5, volume(1, 8, 8, 8)),)))
        '[batch, 5, 4, 8, 8, 8]'
    """

    spatial: ClassVar[int] = 3
    item: ClassVar[type[Shape]] = Volume

    kernel: Size3
    stride: Size3 = 1
    padding: Padding3 = "valid"
    dilation: Size3 = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(Volume(channels=1, depth=5, height=5, width=5))
