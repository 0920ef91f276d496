"""Residual networks: each block adds to what it was given."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import GlobalAvgPool, MaxPool2d, Output
from lamina.shapes import Shape
from lamina.zoo.drawing import AS_TORCH, FOR_RELU, IMAGENET, INPUT, Drawing


def resnet18(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ResNet of 18 layers: two blocks of two convolutions at each of four resolutions.

    Paper: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385.

    Count: torchvision, ``resnet18``. Nodes are called as torchvision's modules, with ``_`` for dots, and stand in their order.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.

    Example:
        >>> str(resnet18(classes=10).resolve().node("layer4_1_relu").output_shape)
        '[batch, 512, 7, 7]'
    """
    return _resnet(classes, input, (2, 2, 2, 2), bottleneck=False)


def resnet34(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ResNet of 34 layers: 3, 4, 6 and 3 blocks of two convolutions; see `resnet18`.

    Count: torchvision, ``resnet34``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.
    """
    return _resnet(classes, input, (3, 4, 6, 3), bottleneck=False)


def resnet50(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ResNet of 50 layers: 3, 4, 6 and 3 bottlenecks of three convolutions; see `resnet18` for the paper.

    Count: torchvision, ``resnet50``.

    Differences: as in torchvision ("ResNet 1.5"), the 3 x 3 convolution of a block has its stride; in the paper, and in
    Deeplearning4j's and Keras's zoo, the 1 x 1 before it has. The count is the same, but Keras's convolutions have biases
    besides.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.
    """
    return _resnet(classes, input, (3, 4, 6, 3), bottleneck=True)


def resnet101(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ResNet of 101 layers: 3, 4, 23 and 3 bottlenecks; see `resnet50`.

    Count: torchvision, ``resnet101``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.
    """
    return _resnet(classes, input, (3, 4, 23, 3), bottleneck=True)


def resnet152(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """ResNet of 152 layers: 3, 8, 36 and 3 bottlenecks; see `resnet50`.

    Count: torchvision, ``resnet152``.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.
    """
    return _resnet(classes, input, (3, 8, 36, 3), bottleneck=True)


def _resnet(classes: int, input: Shape, blocks: tuple[int, ...], *, bottleneck: bool) -> Graph:
    net = Drawing(input)
    x = net.conv("conv1", INPUT, 64, 7, stride=2, padding=3, norm="bn1", activation="relu")
    x = net.add("maxpool", MaxPool2d, 3, feeds=x, stride=2, padding=1)
    channels = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        outputs = width * 4 if bottleneck else width
        for index in range(count):
            stride = 2 if stage and not index else 1
            name = f"layer{stage + 1}_{index}"
            branch = _bottleneck(net, name, x, width, stride) if bottleneck else _basic(net, name, x, width, stride)
            if stride > 1 or channels != outputs:
                x = net.conv(f"{name}_downsample_0", x, outputs, 1, stride=stride, norm=f"{name}_downsample_1")
            x = net.join(f"{name}_relu", branch, x, activation="relu")
            channels = outputs
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    net.add("fc", Output, classes, feeds=x, initializer=AS_TORCH)
    return net.graph("fc", initializer=FOR_RELU)


def _basic(net: Drawing, name: str, x: str, width: int, stride: int) -> str:
    x = net.conv(f"{name}_conv1", x, width, 3, stride=stride, padding=1, norm=f"{name}_bn1", activation="relu")
    return net.conv(f"{name}_conv2", x, width, 3, padding=1, norm=f"{name}_bn2")


def _bottleneck(net: Drawing, name: str, x: str, width: int, stride: int) -> str:
    x = net.conv(f"{name}_conv1", x, width, 1, norm=f"{name}_bn1", activation="relu")
    x = net.conv(f"{name}_conv2", x, width, 3, stride=stride, padding=1, norm=f"{name}_bn2", activation="relu")
    return net.conv(f"{name}_conv3", x, width * 4, 1, norm=f"{name}_bn3")
