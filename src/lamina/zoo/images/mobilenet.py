"""Networks for telephones: wide inside a block, narrow between blocks."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.initializers import Normal
from lamina.network.layers import DepthwiseConv2d, GlobalAvgPool, Output
from lamina.shapes import Shape
from lamina.zoo.drawing import FOR_RELU, IMAGENET, INPUT, Drawing

_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""For each stage: how much wider inside, channels between, blocks, stride of the first."""


def mobilenet_v2(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """MobileNet v2: 17 inverted residual blocks, which widen, filter each channel by itself, and narrow again.

    Paper: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, arXiv:1801.04381.

    Count: torchvision, ``mobilenet_v2``. Nodes are called as torchvision's modules, with ``_`` for dots.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image of any size.

    Example:
        >>> str(mobilenet_v2().resolve().node("features_18_1").output_shape)
        '[batch, 1280, 7, 7]'
    """
    net = Drawing(input)
    x = net.conv("features_0_0", INPUT, 32, 3, stride=2, padding=1, norm="features_0_1", activation="relu6")
    channels, position = 32, 1
    for wider, outputs, count, first in _V2:
        for index in range(count):
            stride = first if index == 0 else 1
            y = _inverted(net, f"features_{position}", x, channels * wider if wider > 1 else None, outputs, stride)
            x = net.join(f"features_{position}", x, y) if stride == 1 and channels == outputs else y
            channels, position = outputs, position + 1
    x = net.conv("features_18_0", x, 1280, 1, norm="features_18_1", activation="relu6")
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    net.add("classifier_1", Output, classes, feeds=x, dropout=0.2, initializer=Normal(0.0, 0.01))
    return net.graph("classifier_1", initializer=FOR_RELU)


def _inverted(net: Drawing, name: str, x: str, inner: int | None, outputs: int, stride: int) -> str:
    position = 0
    if inner is not None:
        x = net.conv(f"{name}_conv_0_0", x, inner, 1, norm=f"{name}_conv_0_1", activation="relu6")
        position = 1
    depthwise = f"{name}_conv_{position}"
    x = net.add(f"{depthwise}_0", DepthwiseConv2d, 3, feeds=x, stride=stride, padding=1, bias=False)
    x = net.norm(f"{depthwise}_1", x, "relu6")
    return net.conv(f"{name}_conv_{position + 1}", x, outputs, 1, norm=f"{name}_conv_{position + 2}")
