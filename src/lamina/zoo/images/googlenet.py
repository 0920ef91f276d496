"""Windows of several sizes side by side."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import GlobalAvgPool, MaxPool2d, Output
from lamina.network.vertices import Concat
from lamina.shapes import Shape
from lamina.zoo.drawing import IMAGENET, INPUT, Drawing

_MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Filters of the 1 x 1, of the 3 x 3 with its 1 x 1 before, of the second window with its 1 x 1 before, and behind the pooling."""


def googlenet(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """GoogLeNet (Inception v1): nine modules of four branches, whose outputs stand side by side.

    Paper: Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842; with batch normalisation (Ioffe and
    Szegedy 2015).

    Count: torchvision, ``googlenet`` without its two auxiliary heads (with them 13,004,888).

    Differences: as in torchvision, batch normalisation behind every convolution, and 3 x 3 windows where the paper has 5 x 5.
    The two auxiliary heads, which served training only, are left out.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 15.

    Example:
        >>> str(googlenet().resolve().node("inception5b_concat").output_shape)
        '[batch, 1024, 7, 7]'
    """
    net = Drawing(input, epsilon=1e-3)
    x = _conv(net, "conv1", INPUT, 64, 7, stride=2, padding=3)
    x = net.add("maxpool1", MaxPool2d, 3, feeds=x, stride=2, padding="ceil")
    x = _conv(net, "conv2", x, 64, 1)
    x = _conv(net, "conv3", x, 192, 3, padding=1)
    x = net.add("maxpool2", MaxPool2d, 3, feeds=x, stride=2, padding="ceil")
    for name, filters in _MODULES.items():
        x = _module(net, f"inception{name}", x, filters)
        if name == "3b":
            x = net.add("maxpool3", MaxPool2d, 3, feeds=x, stride=2, padding="ceil")
        elif name == "4e":
            x = net.add("maxpool4", MaxPool2d, 2, feeds=x, stride=2, padding="ceil")
    x = net.add("avgpool", GlobalAvgPool, feeds=x)
    net.add("fc", Output, classes, feeds=x, dropout=0.2)
    return net.graph("fc", initializer={"type": "truncated_normal", "std": 0.01})


def _conv(net: Drawing, name: str, feeds: str, filters: int, kernel: int, **settings: int) -> str:
    return net.conv(f"{name}_conv", feeds, filters, kernel, norm=f"{name}_bn", activation="relu", **settings)


def _module(net: Drawing, name: str, x: str, filters: tuple[int, ...]) -> str:
    one, before_three, three, before_other, other, pooled = filters
    branches = (
        _conv(net, f"{name}_branch1", x, one, 1),
        _conv(net, f"{name}_branch2_1", _conv(net, f"{name}_branch2_0", x, before_three, 1), three, 3, padding=1),
        _conv(net, f"{name}_branch3_1", _conv(net, f"{name}_branch3_0", x, before_other, 1), other, 3, padding=1),
        _conv(net, f"{name}_branch4_1", net.add(f"{name}_branch4_0", MaxPool2d, 3, feeds=x, stride=1, padding=1), pooled, 1),
    )
    return net.add(f"{name}_concat", Concat, feeds=branches)
