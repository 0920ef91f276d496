"""Darknet 19, and the detectors that stand on it."""

from __future__ import annotations

from lamina.network.layers import BatchNorm, Conv2d, GlobalAvgPool, Layer, LossLayer, MaxPool2d
from lamina.network.sequential import Sequential
from lamina.shapes import Shape
from lamina.zoo.drawing import IMAGENET

LEAKY = {"type": "leaky_relu", "slope": 0.1}
BODY: tuple[int | None, ...] = (
    *(32, None, 64, None, 128, 64, 128, None, 256, 128, 256, None),
    *(512, 256, 512, 256, 512, None, 1024, 512, 1024, 512, 1024),
)
"""Filters of each convolution of Darknet 19, None for a max pooling. Every second one within a group is 1 x 1."""


def darknet19(classes: int = 1000, input: Shape = IMAGENET) -> Sequential:
    """Darknet 19: 19 convolutions and five max poolings.

    Paper: Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242.

    Count: visionNoob's port to PyTorch; the paper has the layers only. Darknet's weight file also holds the statistics.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.

    Example:
        >>> str(darknet19().resolve().node("conv18_norm").output_shape)
        '[batch, 1024, 7, 7]'
    """
    layers = body()
    layers += [Conv2d(classes, kernel=1, name="conv19"), GlobalAvgPool(name="pool"), LossLayer("cross_entropy", name="output")]
    return Sequential(input, layers, defaults={"initializer": "he_normal"})


def convolution(name: str, filters: int, kernel: int) -> list[Layer]:
    """A convolution that keeps the size, batch normalisation, leaky ReLU."""
    conv = Conv2d(filters, kernel=kernel, padding="same", bias=False, name=name)
    return [conv, BatchNorm(name=f"{name}_norm", activation=LEAKY)]


def body() -> list[Layer]:
    """The 18 convolutions and five poolings before the classes."""
    layers: list[Layer] = []
    number, pools, within = 0, 0, 0
    for filters in BODY:
        if filters is None:
            pools, within = pools + 1, 0
            layers.append(MaxPool2d(2, name=f"pool{pools}"))
            continue
        number, within = number + 1, within + 1
        layers += convolution(f"conv{number}", filters, 3 if within % 2 else 1)
    return layers
