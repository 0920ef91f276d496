"""Small windows, many layers."""

from __future__ import annotations

from lamina.network.initializers import Normal
from lamina.network.layers import Conv2d, Dense, Layer, MaxPool2d, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Shape
from lamina.zoo.drawing import FOR_RELU, IMAGENET


def vgg16(classes: int = 1000, input: Shape = IMAGENET) -> Sequential:
    """VGG of 16 layers (configuration D): 13 convolutions of 3 x 3 in five groups with max pooling, and three dense layers.

    Paper: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
    arXiv:1409.1556.

    Count: torchvision, ``vgg16``; Keras has the same.

    Differences: torchvision averages down to 7 x 7 before the dense layers whatever the size of the image; here they are as
    wide as what comes.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.

    Example:
        >>> str(vgg16().resolve().node("pool5").output_shape)
        '[batch, 512, 7, 7]'
    """
    return _vgg(classes, input, (2, 2, 3, 3, 3))


def vgg19(classes: int = 1000, input: Shape = IMAGENET) -> Sequential:
    """VGG of 19 layers (configuration E): 16 convolutions; see `vgg16`.

    Count: torchvision, ``vgg19``; Keras has the same.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.
    """
    return _vgg(classes, input, (2, 2, 4, 4, 4))


def _vgg(classes: int, input: Shape, groups: tuple[int, ...]) -> Sequential:
    small = Normal(0.0, 0.01)
    layers: list[Layer] = []
    for group, (count, filters) in enumerate(zip(groups, (64, 128, 256, 512, 512), strict=True), 1):
        layers += [Conv2d(filters, kernel=3, padding=1, name=f"conv{group}_{index}") for index in range(1, count + 1)]
        layers.append(MaxPool2d(2, name=f"pool{group}"))
    layers += [
        Dense(4096, name="fc6", initializer=small),
        Dense(4096, name="fc7", initializer=small, dropout=0.5),
        Output(classes, name="fc8", initializer=small, dropout=0.5),
    ]
    return Sequential(input, layers, defaults={"activation": "relu", "initializer": FOR_RELU})
