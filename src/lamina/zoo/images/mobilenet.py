"""Networks for telephones: wide inside a block, narrow between blocks."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.initializers import Normal
from lamina.network.layers import Dense, DepthwiseConv2d, GlobalAvgPool, Output, SqueezeExcite
from lamina.shapes import Shape
from lamina.zoo.drawing import FOR_RELU, IMAGENET, INPUT, Drawing

HARD_SIGMOID = {"type": "hard_sigmoid", "slope": 1 / 6}
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


_LARGE = (
    *((3, 16, 16, False, "relu", 1), (3, 64, 24, False, "relu", 2), (3, 72, 24, False, "relu", 1)),
    *((5, 72, 40, True, "relu", 2), (5, 120, 40, True, "relu", 1), (5, 120, 40, True, "relu", 1)),
    *((3, 240, 80, False, "hard_swish", 2), (3, 200, 80, False, "hard_swish", 1), (3, 184, 80, False, "hard_swish", 1)),
    *((3, 184, 80, False, "hard_swish", 1), (3, 480, 112, True, "hard_swish", 1), (3, 672, 112, True, "hard_swish", 1)),
    *((5, 672, 160, True, "hard_swish", 2), (5, 960, 160, True, "hard_swish", 1), (5, 960, 160, True, "hard_swish", 1)),
)
"""For each block: window, channels inside, channels between, whether squeezed and excited, activation, stride."""
_SMALL = (
    *((3, 16, 16, True, "relu", 2), (3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1)),
    *((5, 96, 40, True, "hard_swish", 2), (5, 240, 40, True, "hard_swish", 1), (5, 240, 40, True, "hard_swish", 1)),
    *((5, 120, 48, True, "hard_swish", 1), (5, 144, 48, True, "hard_swish", 1), (5, 288, 96, True, "hard_swish", 2)),
    *((5, 576, 96, True, "hard_swish", 1), (5, 576, 96, True, "hard_swish", 1)),
)


def mobilenet_v3_large(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """MobileNet v3, large: 15 inverted residual blocks found by search, some squeezed and excited, with hard swish.

    Paper: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.

    Count: torchvision, ``mobilenet_v3_large``. Nodes are called as torchvision's modules, with ``_`` for dots.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Shape of an image of any size.

    Example:
        >>> str(mobilenet_v3_large().resolve().node("features_16_1").output_shape)
        '[batch, 960, 7, 7]'
    """
    return _v3(classes, input, _LARGE, 1280)


def mobilenet_v3_small(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """MobileNet v3, small: 11 blocks; see `mobilenet_v3_large`.

    Count: torchvision, ``mobilenet_v3_small``.

    Args:
        classes: Number of classes.
        input: Shape of an image of any size.
    """
    return _v3(classes, input, _SMALL, 1024)


def _v3(classes: int, input: Shape, blocks: tuple[tuple[int, int, int, bool, str, int], ...], hidden: int) -> Graph:
    net = Drawing(input, epsilon=1e-3, momentum=0.01)
    x = net.conv("features_0_0", INPUT, 16, 3, stride=2, padding=1, norm="features_0_1", activation="hard_swish")
    channels = 16
    for index, (kernel, inner, outputs, squeezed, activation, stride) in enumerate(blocks, 1):
        name, part = f"features_{index}_block", 0
        y = x
        if inner != channels:
            y = net.conv(f"{name}_0_0", y, inner, 1, norm=f"{name}_0_1", activation=activation)
            part = 1
        y = net.add(f"{name}_{part}_0", DepthwiseConv2d, kernel, feeds=y, stride=stride, padding=kernel // 2, bias=False)
        y = net.norm(f"{name}_{part}_1", y, activation)
        if squeezed:
            part += 1
            y = net.add(f"{name}_{part}", SqueezeExcite, divisible(inner / 4), feeds=y, gate=HARD_SIGMOID)
        y = net.conv(f"{name}_{part + 1}_0", y, outputs, 1, norm=f"{name}_{part + 1}_1")
        x = net.join(f"features_{index}", x, y) if stride == 1 and channels == outputs else y
        channels = outputs
    last = len(blocks) + 1
    x = net.conv(f"features_{last}_0", x, 6 * channels, 1, norm=f"features_{last}_1", activation="hard_swish")
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    x = net.add("classifier_0", Dense, hidden, feeds=x, activation="hard_swish", initializer=Normal(0.0, 0.01))
    net.add("classifier_3", Output, classes, feeds=x, dropout=0.2, initializer=Normal(0.0, 0.01))
    return net.graph("classifier_3", initializer=FOR_RELU)


def divisible(channels: float) -> int:
    """The multiple of 8 nearest to a number of channels, but no less than nine tenths of it.

    Example:
        >>> divisible(18), divisible(30), divisible(3)
        (24, 32, 8)
    """
    found = max(8, int(channels + 4) // 8 * 8)
    return found if found >= 0.9 * channels else found + 8
