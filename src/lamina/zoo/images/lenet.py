"""The first convolutional network that mattered."""

from __future__ import annotations

from lamina.network.defaults import Defaults
from lamina.network.layers import Conv2d, Dense, MaxPool2d, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Image, Shape

MNIST = Image(channels=1, height=28, width=28)


def lenet(classes: int = 10, input: Shape = MNIST) -> Sequential:
    """LeNet for digits, as Caffe and Deeplearning4j have it: two convolutions, each with max pooling, and two dense layers.

    Paper: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998.

    Count: Caffe's ``lenet.prototxt`` (the "431K" of Han et al. 2015, "Learning both weights and connections").

    Differences: the network of 1998 has sigmoids, learnt average pooling, a third layer that sees only some of the maps, and
    60,000 parameters; this one is what has been called LeNet since Caffe.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 16.

    Example:
        >>> [str(node.output_shape) for node in lenet().resolve().nodes][:4]
        ['[batch, 20, 24, 24]', '[batch, 20, 12, 12]', '[batch, 50, 8, 8]', '[batch, 50, 4, 4]']
    """
    return Sequential(
        input,
        [
            Conv2d(20, kernel=5, name="conv1"),
            MaxPool2d(2, name="pool1"),
            Conv2d(50, kernel=5, name="conv2"),
            MaxPool2d(2, name="pool2"),
            Dense(500, activation="relu", name="ip1"),
            Output(classes, name="ip2"),
        ],
        defaults=Defaults(initializer="xavier_uniform"),
    )
