"""Every layer of a block sees all before it."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import AvgPool2d, Conv2d, GlobalAvgPool, MaxPool2d, Output
from lamina.network.vertices import Concat
from lamina.shapes import Shape
from lamina.zoo.drawing import AS_TORCH, IMAGENET, INPUT, Drawing


def densenet121(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """DenseNet of 121 layers: four blocks of 6, 12, 24 and 16 layers that each add 32 channels, with transitions between.

    Paper: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017, arXiv:1608.06993.

    Count: torchvision, ``densenet121``. Nodes are called as torchvision's modules, with ``_`` for dots.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 29.

    Example:
        >>> str(densenet121().resolve().node("features_norm5").output_shape)
        '[batch, 1024, 7, 7]'
    """
    return _densenet(classes, input, (6, 12, 24, 16))


def densenet169(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """DenseNet of 169 layers: blocks of 6, 12, 32 and 32; see `densenet121`.

    Count: torchvision, ``densenet169``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 29.
    """
    return _densenet(classes, input, (6, 12, 32, 32))


def densenet201(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """DenseNet of 201 layers: blocks of 6, 12, 48 and 32; see `densenet121`.

    Count: torchvision, ``densenet201``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 29.
    """
    return _densenet(classes, input, (6, 12, 48, 32))


def _densenet(classes: int, input: Shape, blocks: tuple[int, ...], growth: int = 32) -> Graph:
    net = Drawing(input)
    channels = 2 * growth
    x = net.conv("features_conv0", INPUT, channels, 7, stride=2, padding=3, norm="features_norm0", activation="relu")
    x = net.add("features_pool0", MaxPool2d, 3, feeds=x, stride=2, padding=1)
    for block, count in enumerate(blocks, 1):
        for index in range(1, count + 1):
            x = _layer(net, f"features_denseblock{block}_denselayer{index}", x, growth)
        channels += count * growth
        if block < len(blocks):
            channels //= 2
            name = f"features_transition{block}"
            x = net.norm(f"{name}_norm", x, "relu")
            x = net.add(f"{name}_conv", Conv2d, channels, feeds=x, kernel=1, bias=False)
            x = net.add(f"{name}_pool", AvgPool2d, 2, feeds=x)
    x = net.norm("features_norm5", x, "relu")
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    net.add("classifier", Output, classes, feeds=x, initializer=AS_TORCH)
    return net.graph("classifier", initializer="he_normal")


def _layer(net: Drawing, name: str, seen: str, growth: int) -> str:
    """What was seen so far and, beside it, what a bottleneck makes of it."""
    x = net.norm(f"{name}_norm1", seen, "relu")
    x = net.conv(f"{name}_conv1", x, 4 * growth, 1, norm=f"{name}_norm2", activation="relu")
    x = net.add(f"{name}_conv2", Conv2d, growth, feeds=x, kernel=3, padding=1, bias=False)
    return net.add(f"{name}_concat", Concat, feeds=(seen, x))
