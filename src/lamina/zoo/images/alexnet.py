"""The network that won ImageNet in 2012, in its later form."""

from __future__ import annotations

from lamina.network.layers import Conv2d, Dense, MaxPool2d, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Shape
from lamina.zoo.drawing import AS_TORCH, IMAGENET


def alexnet(classes: int = 1000, input: Shape = IMAGENET) -> Sequential:
    """AlexNet: five convolutions, three with max pooling, and three dense layers.

    Paper: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997; the network
    of Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012, for one GPU.

    Count: torchvision, ``alexnet``.

    Differences: against 2012, no local response normalisation, no groups, and fewer filters in the first layers. torchvision
    averages down to 6 x 6 before the dense layers whatever the size of the image; here they are as wide as what comes.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 63.

    Example:
        >>> str(alexnet().resolve().node("features_12").output_shape)
        '[batch, 256, 6, 6]'
    """
    return Sequential(
        input,
        [
            Conv2d(64, kernel=11, stride=4, padding=2, name="features_0"),
            MaxPool2d(3, stride=2, name="features_2"),
            Conv2d(192, kernel=5, padding=2, name="features_3"),
            MaxPool2d(3, stride=2, name="features_5"),
            Conv2d(384, kernel=3, padding=1, name="features_6"),
            Conv2d(256, kernel=3, padding=1, name="features_8"),
            Conv2d(256, kernel=3, padding=1, name="features_10"),
            MaxPool2d(3, stride=2, name="features_12"),
            Dense(4096, dropout=0.5, name="classifier_1"),
            Dense(4096, dropout=0.5, name="classifier_4"),
            Output(classes, name="classifier_6"),
        ],
        defaults={"activation": "relu", "initializer": AS_TORCH},
    )
