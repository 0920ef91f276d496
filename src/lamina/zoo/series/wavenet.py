"""Sound, sample by sample, from windows that double their reach."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Conv1d, Embedding, Output
from lamina.network.vertices import Add, Multiply
from lamina.shapes import Shape, Tokens
from lamina.zoo.drawing import INPUT, Drawing

SOUND = Tokens(steps=None, vocabulary=256)


def wavenet(input: Shape = SOUND, filters: int = 32, skip: int = 512, layers: int = 10, repeats: int = 3) -> Graph:
    """WaveNet: causal convolutions whose dilation doubles from layer to layer, gated, with residuals and skip connections.

    Each step's output is the distribution of the next sample: the targets are the inputs, moved by one step.

    Paper: van den Oord et al., "WaveNet: a generative model for raw audio", 2016, arXiv:1609.03499.

    Count: none was published, nor were the widths; the count follows from the paper's figure 4 with 32 channels and 512 for
    the skip connections, which the first public port chose (``tensorflow-wavenet``).

    Differences: samples are embedded as vectors, which is the paper's convolution of one-hot vectors, with a window of one
    step; the last layer has no residual, since nobody uses it; nothing conditions the sound.

    Args:
        input: Samples of a quantised sound; the paper has 256 levels (mu-law).
        filters: Channels of the residual path and of the gates.
        skip: Channels of the skip connections.
        layers: Layers in a stack, with dilations 1, 2, 4 ...
        repeats: Number of stacks.

    Example:
        >>> net = wavenet(filters=4, skip=8, layers=3, repeats=2)
        >>> str(net.resolve().output_shapes["output"])
        '[batch, ?, 256]'
    """
    net = Drawing(input)
    levels = input.vocabulary if isinstance(input, Tokens) else filters  # anything else the embedding refuses
    x = net.add("embedding", Embedding, filters, feeds=INPUT)
    skips = []
    for number in range(1, layers * repeats + 1):
        name, dilation = f"layer{number}", 2 ** ((number - 1) % layers)
        gates = [
            net.add(f"{name}_{kind}", Conv1d, filters, feeds=x, kernel=2, dilation=dilation, padding="causal", activation=activation)
            for kind, activation in (("filter", "tanh"), ("gate", "sigmoid"))
        ]
        y = net.add(f"{name}_gated", Multiply, feeds=tuple(gates))
        skips.append(net.add(f"{name}_skip", Conv1d, skip, feeds=y, kernel=1))
        if number < layers * repeats:
            x = net.join(f"{name}_sum", x, net.add(f"{name}_residual", Conv1d, filters, feeds=y, kernel=1))
    x = net.add("skips", Add, feeds=tuple(skips)) if len(skips) > 1 else skips[0]
    x = net.activate("skips_relu", x)
    x = net.add("mix", Conv1d, skip, feeds=x, kernel=1, activation="relu")
    net.add("output", Output, levels, feeds=x)
    return net.graph("output", initializer="xavier_uniform")
