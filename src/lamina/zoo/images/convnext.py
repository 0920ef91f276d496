"""A convolutional network with what transformers had learnt."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.initializers import TruncatedNormal
from lamina.network.layers import Conv2d, DepthwiseConv2d, ElementwiseMultiplication, GlobalAvgPool, LayerNorm, Output
from lamina.shapes import Shape
from lamina.zoo.drawing import IMAGENET, INPUT, Drawing

EPSILON = 1e-6


def convnext_tiny(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ConvNeXt tiny: 3, 3, 9 and 3 blocks of a depthwise 7 x 7 window and two layers on each position alone, at four resolutions.

    Paper: Liu et al., "A ConvNet for the 2020s", CVPR 2022, arXiv:2201.03545.

    Count: torchvision, ``convnext_tiny``. Nodes stand in the order of torchvision's modules, but for the layer scale, which
    torchvision keeps before the block that it scales.

    Differences: no stochastic depth, which leaves out whole blocks in training.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.

    Example:
        >>> str(convnext_tiny().resolve().node("features_7_2").output_shape)
        '[batch, 768, 7, 7]'
    """
    net = Drawing(input)
    x = net.add("features_0_0", Conv2d, 96, feeds=INPUT, kernel=4, stride=4)
    x = net.add("features_0_1", LayerNorm, feeds=x, epsilon=EPSILON)
    for stage, (channels, count) in enumerate(((96, 3), (192, 3), (384, 9), (768, 3))):
        if stage:
            x = net.add(f"features_{2 * stage}_0", LayerNorm, feeds=x, epsilon=EPSILON)
            x = net.add(f"features_{2 * stage}_1", Conv2d, channels, feeds=x, kernel=2, stride=2)
        for index in range(count):
            x = _block(net, f"features_{2 * stage + 1}_{index}", x, channels)
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    x = net.add("classifier_0", LayerNorm, feeds=x, epsilon=EPSILON)
    net.add("classifier_2", Output, classes, feeds=x)
    return net.graph("classifier_2", initializer=TruncatedNormal(0.0, 0.02))


def _block(net: Drawing, name: str, x: str, channels: int) -> str:
    y = net.add(f"{name}_block_0", DepthwiseConv2d, 7, feeds=x, padding=3)
    y = net.add(f"{name}_block_2", LayerNorm, feeds=y, epsilon=EPSILON)
    y = net.add(f"{name}_block_3", Conv2d, 4 * channels, feeds=y, kernel=1, activation="gelu")
    y = net.add(f"{name}_block_5", Conv2d, channels, feeds=y, kernel=1)
    y = net.add(f"{name}_layer_scale", ElementwiseMultiplication, 1e-6, feeds=y, bias=False)
    return net.join(name, x, y)
