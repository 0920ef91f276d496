"""Inception taken to its end: space and channels apart."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import GlobalAvgPool, MaxPool2d, Output, SeparableConv2d
from lamina.shapes import Image, Shape
from lamina.zoo.drawing import INPUT, Drawing

LARGE = Image(channels=3, height=299, width=299)


def xception(classes: int = 1000, input: Shape = LARGE) -> Graph:
    """Xception: 36 convolutions, 34 of them separable, in 14 blocks, all but the first and the last with a shortcut.

    Paper: Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017, arXiv:1610.02357.

    Count: Keras, ``Xception``. Nodes are called as Keras's layers.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 71.

    Example:
        >>> str(xception().resolve().node("block14_sepconv2_bn").output_shape)
        '[batch, 2048, 10, 10]'
    """
    net = Drawing(input, epsilon=1e-3, momentum=0.01)
    x = net.conv("block1_conv1", INPUT, 32, 3, stride=2, norm="block1_conv1_bn", activation="relu")
    x = net.conv("block1_conv2", x, 64, 3, norm="block1_conv2_bn", activation="relu")
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _entry(net, f"block{block}", x, (filters, filters), active=block > 2)
    for block in range(5, 13):
        y = x
        for index in range(1, 4):
            y = _separable(net, f"block{block}_sepconv{index}", y, 728)
        x = net.join(f"block{block}_add", x, y)
    x = _entry(net, "block13", x, (728, 1024), active=True)
    for index, filters in ((1, 1536), (2, 2048)):
        x = net.add(f"block14_sepconv{index}", SeparableConv2d, filters, feeds=x, kernel=3, padding="same", bias=False)
        x = net.norm(f"block14_sepconv{index}_bn", x, "relu")
    x = net.add("avg_pool", GlobalAvgPool, feeds=x)
    net.add("predictions", Output, classes, feeds=x)
    return net.graph("predictions", initializer="xavier_uniform")


def _separable(net: Drawing, name: str, x: str, filters: int, *, active: bool = True) -> str:
    if active:
        x = net.activate(f"{name}_act", x)
    x = net.add(name, SeparableConv2d, filters, feeds=x, kernel=3, padding="same", bias=False)
    return net.norm(f"{name}_bn", x)


def _entry(net: Drawing, name: str, x: str, filters: tuple[int, int], *, active: bool) -> str:
    """Two separable convolutions and a pooling that halves the sides, beside a shortcut that does too."""
    shortcut = net.conv(f"{name}_shortcut", x, filters[1], 1, stride=2, padding="same", norm=f"{name}_shortcut_bn")
    x = _separable(net, f"{name}_sepconv1", x, filters[0], active=active)
    x = _separable(net, f"{name}_sepconv2", x, filters[1])
    x = net.add(f"{name}_pool", MaxPool2d, 3, feeds=x, stride=2, padding="same")
    return net.join(f"{name}_add", x, shortcut)
