"""Inception modules with shortcuts, for faces."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Conv2d, Dense, Dropout, GlobalAvgPool, MaxPool2d, Output
from lamina.network.vertices import Concat, Scale
from lamina.shapes import Image, Shape
from lamina.zoo.drawing import INPUT, Drawing

FACES = Image(channels=3, height=160, width=160)
Branch = tuple[tuple[int, int | tuple[int, int]], ...]
"""Convolutions one after another: filters and window of each."""


def inception_resnet_v1(classes: int | None = 8631, input: Shape = FACES, embedding: int = 128) -> Graph:
    """Inception-ResNet v1 as FaceNet has it: 21 residual blocks of Inception branches, and an embedding of faces.

    Paper: Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of residual connections on
    learning", AAAI 2017, arXiv:1602.07261; as D. Sandberg's ``facenet`` has it, which Deeplearning4j's zoo follows.

    Count: the Keras port of that (``facenet_keras``), which is the embedding without classes.

    Differences: Deeplearning4j's judges by centre loss; put a ``center_loss`` output in place of the last node for that.

    Args:
        classes: Number of people to tell apart in training; None: the network ends with the embedding and has no loss.
        input: Shape of an image; sides of at least 76.
        embedding: Length of the vector that stands for a face.

    Example:
        >>> inception_resnet_v1(classes=None).resolve().output_shapes
        {'Bottleneck_BatchNorm': Features(count=128)}
    """
    net = Drawing(input, epsilon=1e-3, momentum=0.005)
    x = _stem(net)
    for index in range(1, 6):
        branches: tuple[Branch, ...] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (32, 3), (32, 3)))
        x = _block(net, f"Block35_{index}", x, branches, 256, 0.17)
    x = _shrink(net, "Mixed_6a", x, (((384, 3),), ((192, 1), (192, 3), (256, 3))))
    for index in range(1, 11):
        x = _block(net, f"Block17_{index}", x, (((128, 1),), ((128, 1), (128, (1, 7)), (128, (7, 1)))), 896, 0.1)
    x = _shrink(net, "Mixed_7a", x, (((256, 1), (384, 3)), ((256, 1), (256, 3)), ((256, 1), (256, 3), (256, 3))))
    for index in range(1, 7):
        branches = (((192, 1),), ((192, 1), (192, (1, 3)), (192, (3, 1))))
        x = _block(net, f"Block8_{index}", x, branches, 1792, 0.2 if index < 6 else 1.0, activation="relu" if index < 6 else None)
    x = net.add("AvgPool", GlobalAvgPool, feeds=x)
    x = net.add("Dropout", Dropout, 0.2, feeds=x)
    x = net.add("Bottleneck", Dense, embedding, feeds=x, bias=False)
    x = net.norm("Bottleneck_BatchNorm", x, scale=False)
    if classes is not None:
        x = net.add("Logits", Output, classes, feeds=x)
    return net.graph(x, initializer="xavier_uniform")


def _conv(net: Drawing, name: str, x: str, filters: int, kernel: int | tuple[int, int], *, stride: int = 1, padding: str = "same") -> str:
    x = net.add(name, Conv2d, filters, feeds=x, kernel=kernel, stride=stride, padding=padding, bias=False)
    return net.norm(f"{name}_BatchNorm", x, "relu", scale=False)


def _stem(net: Drawing) -> str:
    x = _conv(net, "Conv2d_1a_3x3", INPUT, 32, 3, stride=2, padding="valid")
    x = _conv(net, "Conv2d_2a_3x3", x, 32, 3, padding="valid")
    x = _conv(net, "Conv2d_2b_3x3", x, 64, 3)
    x = net.add("MaxPool_3a_3x3", MaxPool2d, 3, feeds=x, stride=2)
    x = _conv(net, "Conv2d_3b_1x1", x, 80, 1, padding="valid")
    x = _conv(net, "Conv2d_4a_3x3", x, 192, 3, padding="valid")
    return _conv(net, "Conv2d_4b_3x3", x, 256, 3, stride=2, padding="valid")


def _block(
    net: Drawing, name: str, x: str, branches: tuple[Branch, ...], channels: int, scale: float, activation: str | None = "relu"
) -> str:
    """What comes in, plus ``scale`` times what the branches, mixed to as many channels, make of it."""
    ends = []
    for index, branch in enumerate(branches):
        y = x
        for position, (filters, kernel) in enumerate(branch):
            y = _conv(net, f"{name}_Branch_{index}_{position}", y, filters, kernel)
        ends.append(y)
    y = net.add(f"{name}_Concatenate", Concat, feeds=tuple(ends))
    y = net.add(f"{name}_Conv2d_1x1", Conv2d, channels, feeds=y, kernel=1)
    if scale != 1:
        y = net.add(f"{name}_Scale", Scale, scale, feeds=y)
    return net.join(name, x, y, activation=activation)


def _shrink(net: Drawing, name: str, x: str, branches: tuple[Branch, ...]) -> str:
    """Branches whose last window has a stride of 2, and a max pooling, side by side."""
    ends = []
    for index, branch in enumerate(branches):
        y = x
        for position, (filters, kernel) in enumerate(branch):
            last = position == len(branch) - 1
            y = _conv(
                net,
                f"{name}_Branch_{index}_{position}",
                y,
                filters,
                kernel,
                stride=2 if last else 1,
                padding="valid" if last else "same",
            )
        ends.append(y)
    ends.append(net.add(f"{name}_MaxPool", MaxPool2d, 3, feeds=x, stride=2))
    return net.add(name, Concat, feeds=tuple(ends))
