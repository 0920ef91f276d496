"""As good as AlexNet with a fiftieth of its parameters."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Conv2d, Dropout, GlobalAvgPool, LossLayer, MaxPool2d
from lamina.network.vertices import Concat
from lamina.shapes import Shape
from lamina.zoo.drawing import IMAGENET, INPUT, Drawing


def squeezenet1_0(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """SqueezeNet 1.0: eight fire modules, each of which squeezes with 1 x 1 and widens with 1 x 1 and 3 x 3 convolutions.

    Paper: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size", 2016,
    arXiv:1602.07360.

    Count: torchvision, ``squeezenet1_0``.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 21.

    Example:
        >>> str(squeezenet1_0().resolve().node("classifier_1").output_shape)
        '[batch, 1000, 13, 13]'
    """
    return _squeezenet(classes, input, filters=96, kernel=7, pools=(3, 7))


def squeezenet1_1(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """SqueezeNet 1.1: less than half the operations of `squeezenet1_0`, since it pools earlier and begins smaller.

    Source: the release 1.1 of the authors, https://github.com/forresti/SqueezeNet.

    Count: torchvision, ``squeezenet1_1``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 17.
    """
    return _squeezenet(classes, input, filters=64, kernel=3, pools=(2, 4))


def _squeezenet(classes: int, input: Shape, *, filters: int, kernel: int, pools: tuple[int, int]) -> Graph:
    net = Drawing(input)
    x = net.add("features_0", Conv2d, filters, feeds=INPUT, kernel=kernel, stride=2)
    x = net.add("features_2", MaxPool2d, 3, feeds=x, stride=2, padding="ceil")
    position = 3
    for index, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64)):
        if index in pools:
            x = net.add(f"features_{position}", MaxPool2d, 3, feeds=x, stride=2, padding="ceil")
            position += 1
        x = _fire(net, f"features_{position}", x, squeezed, 4 * squeezed)
        position += 1
    x = net.add("classifier_0", Dropout, 0.5, feeds=x)
    x = net.add("classifier_1", Conv2d, classes, feeds=x, kernel=1, initializer={"type": "normal", "std": 0.01})
    x = net.add("classifier_3", GlobalAvgPool, feeds=x)
    net.add("output", LossLayer, "cross_entropy", feeds=x)
    return net.graph("output", activation="relu", initializer="he_uniform")


def _fire(net: Drawing, name: str, x: str, squeezed: int, expanded: int) -> str:
    x = net.add(f"{name}_squeeze", Conv2d, squeezed, feeds=x, kernel=1)
    small = net.add(f"{name}_expand1x1", Conv2d, expanded, feeds=x, kernel=1)
    large = net.add(f"{name}_expand3x3", Conv2d, expanded, feeds=x, kernel=3, padding=1)
    return net.add(f"{name}_concat", Concat, feeds=(small, large))
