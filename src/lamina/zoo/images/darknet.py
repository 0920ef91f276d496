"""Darknet 19, and the detectors that stand on it."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import BatchNorm, Conv2d, GlobalAvgPool, Layer, LossLayer, MaxPool2d, SpaceToDepth, YoloOutput
from lamina.network.losses import Yolo
from lamina.network.sequential import Sequential
from lamina.network.vertices import Concat
from lamina.shapes import Image, Shape
from lamina.zoo.drawing import IMAGENET, INPUT, Drawing

SQUARE = Image(channels=3, height=416, width=416)
LARGE = Image(channels=3, height=608, width=608)
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


VOC_PRIORS = ((1.08, 1.19), (3.42, 4.41), (6.63, 11.38), (9.42, 5.11), (16.62, 10.52))
"""Width and height of tiny YOLO's priors for Pascal VOC, in cells."""


def tiny_yolo(classes: int = 20, input: Shape = SQUARE) -> Sequential:
    """Tiny YOLO v2: nine convolutions that find things of 20 kinds in a grid of 13 x 13 cells.

    Paper: Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242; the small network is that of
    Darknet's ``tiny-yolo-voc.cfg``.

    Count: what ports to Keras show for ``tiny-yolo-voc``; Darknet's weight file of 63,471,556 bytes holds as many numbers of
    4 bytes behind a head of 16.

    Differences: none. Deeplearning4j's TinyYOLO is the same network.

    Args:
        classes: Kinds of things.
        input: Shape of an image; sides that are multiples of 32.

    Example:
        >>> str(tiny_yolo().resolve().output_shapes["output"])
        '[batch, 125, 13, 13]'
    """
    layers: list[Layer] = []
    for number, filters in enumerate((16, 32, 64, 128, 256, 512, 1024, 1024), 1):
        layers += convolution(f"conv{number}", filters, 3)
        if number <= 6:
            layers.append(MaxPool2d(2, stride=2 if number < 6 else 1, padding="valid" if number < 6 else "same", name=f"pool{number}"))
    layers.append(YoloOutput(classes, loss=Yolo(VOC_PRIORS), name="output"))
    return Sequential(input, layers, defaults={"initializer": "he_normal"})


COCO_PRIORS = ((0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434), (7.88282, 3.52778), (9.77052, 9.16828))
"""Width and height of YOLO v2's priors for COCO, in cells."""


def yolo2(classes: int = 80, input: Shape = LARGE) -> Graph:
    """YOLO v2: Darknet 19 without its end, four more convolutions, and what was seen at twice the resolution beside them.

    Paper: Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242, with the settings of Darknet's
    ``yolov2.cfg`` for COCO.

    Count: what ports to Keras show; Darknet's weight file ``yolov2.weights`` of 203,934,260 bytes holds as many numbers of 4 bytes
    behind a head of 16.

    Differences: the layer that makes four channels of each 2 x 2 pixels orders them as Deeplearning4j's and TensorFlow's does, and
    not as Darknet's.

    Args:
        classes: Kinds of things.
        input: Shape of an image; sides that are multiples of 32.

    Example:
        >>> str(yolo2().resolve().output_shapes["output"])
        '[batch, 425, 19, 19]'
    """
    net = Drawing(input)
    x, before_last_pool = INPUT, INPUT
    number, pools, within = 0, 0, 0
    for filters in BODY:
        if filters is None:
            pools, within = pools + 1, 0
            before_last_pool, x = x, net.add(f"pool{pools}", MaxPool2d, 2, feeds=x)
            continue
        number, within = number + 1, within + 1
        x = _conv(net, number, x, filters, 3 if within % 2 else 1)
    x = _conv(net, 20, _conv(net, 19, x, 1024, 3), 1024, 3)
    fine = net.add("reorganize", SpaceToDepth, 2, feeds=_conv(net, 21, before_last_pool, 64, 1))
    x = _conv(net, 22, net.add("concat", Concat, feeds=(fine, x)), 1024, 3)
    net.add("output", YoloOutput, classes, feeds=x, loss=Yolo(COCO_PRIORS))
    return net.graph("output", initializer="he_normal")


def _conv(net: Drawing, number: int, x: str, filters: int, kernel: int) -> str:
    return net.conv(f"conv{number}", x, filters, kernel, padding="same", norm=f"conv{number}_norm", activation=LEAKY)
