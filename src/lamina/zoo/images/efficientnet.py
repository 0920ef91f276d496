"""Depth, width and size in proportion."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import DepthwiseConv2d, GlobalAvgPool, Output, SqueezeExcite
from lamina.shapes import Shape
from lamina.zoo.drawing import FOR_RELU, IMAGENET, INPUT, Drawing

_STAGES = (
    *((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3)),
    *((6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)),
)
"""For each stage: how much wider inside, window, stride of the first block, channels between, blocks."""


def efficientnet_b0(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """EfficientNet B0: 16 inverted residual blocks with squeeze and excitation, found by search.

    Paper: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, arXiv:1905.11946.

    Count: torchvision, ``efficientnet_b0``. Nodes are called as torchvision's modules, with ``_`` for dots.

    Differences: no stochastic depth, which leaves out whole blocks in training.

    Args:
        classes: Number of classes.
        input: Shape of an image of any size.

    Example:
        >>> str(efficientnet_b0().resolve().node("features_8_1").output_shape)
        '[batch, 1280, 7, 7]'
    """
    net = Drawing(input)
    x = net.conv("features_0_0", INPUT, 32, 3, stride=2, padding=1, norm="features_0_1", activation="silu")
    channels = 32
    for stage, (wider, kernel, first, outputs, count) in enumerate(_STAGES, 1):
        for index in range(count):
            stride = first if index == 0 else 1
            name = f"features_{stage}_{index}"
            y = _block(net, f"{name}_block", x, channels, wider, kernel, stride, outputs)
            x = net.join(name, x, y) if stride == 1 and channels == outputs else y
            channels = outputs
    x = net.conv("features_8_0", x, 4 * channels, 1, norm="features_8_1", activation="silu")
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    start = {"type": "variance_scaling", "scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"}
    net.add("classifier_1", Output, classes, feeds=x, dropout=0.2, initializer=start)
    return net.graph("classifier_1", initializer=FOR_RELU)


def _block(net: Drawing, name: str, x: str, channels: int, wider: int, kernel: int, stride: int, outputs: int) -> str:
    part = 0
    if wider > 1:
        x = net.conv(f"{name}_0_0", x, channels * wider, 1, norm=f"{name}_0_1", activation="silu")
        part = 1
    x = net.add(f"{name}_{part}_0", DepthwiseConv2d, kernel, feeds=x, stride=stride, padding=kernel // 2, bias=False)
    x = net.norm(f"{name}_{part}_1", x, "silu")
    x = net.add(f"{name}_{part + 1}", SqueezeExcite, channels // 4, feeds=x, activation="silu")
    return net.conv(f"{name}_{part + 2}_0", x, outputs, 1, norm=f"{name}_{part + 2}_1")
