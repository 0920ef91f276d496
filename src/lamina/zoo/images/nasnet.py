"""Cells that a search has found."""

from __future__ import annotations

from dataclasses import dataclass

from lamina.network.graph import Graph
from lamina.network.layers import AvgPool2d, Conv2d, Cropping2d, GlobalAvgPool, MaxPool2d, Output, SeparableConv2d, ZeroPadding2d
from lamina.network.vertices import Concat
from lamina.shapes import Image, Shape
from lamina.zoo.drawing import IMAGENET, INPUT, Drawing


@dataclass(frozen=True)
class _Path:
    """A node with what the cells must know of its output."""

    name: str
    channels: int
    height: int
    width: int

    def halved(self, name: str, channels: int) -> _Path:
        return _Path(name, channels, -(-self.height // 2), -(-self.width // 2))

    def kept(self, name: str, channels: int) -> _Path:
        return _Path(name, channels, self.height, self.width)


def nasnet_mobile(classes: int = 1000, input: Shape = IMAGENET) -> Graph:
    """NASNet-A (4 @ 1056), mobile: three times four normal cells, with reduction cells before each; every cell sees the two before.

    Paper: Zoph, Vasudevan, Shlens, Le, "Learning transferable architectures for scalable image recognition", CVPR 2018,
    arXiv:1707.07012.

    Count: Keras, ``NASNetMobile``. Convolutions and normalisations are called as Keras's layers.

    Differences: none against Keras, which pads with zeros before max pooling, and leaves out the paper's auxiliary head and drop
    path.

    Args:
        classes: Number of classes.
        input: Shape of an image; sides of at least 32.

    Example:
        >>> str(nasnet_mobile().resolve().node("normal_concat_12").output_shape)
        '[batch, 1056, 7, 7]'
    """
    net = Drawing(input, epsilon=1e-3, momentum=0.0003)
    # Of anything but an image the first convolution says what is wrong.
    sides = (input.height, input.width) if isinstance(input, Image) else (224, 224)
    stem = net.conv("stem_conv1", INPUT, 32, 3, stride=2, norm="stem_bn1")
    x, before = _Path(stem, 32, *((side - 3) // 2 + 1 for side in sides)), None
    filters, count = 44, 4
    for cell, width in (("stem_1", filters // 4), ("stem_2", filters // 2)):
        x, before = _reduction(net, cell, x, before, width), x
    for stage in range(3):
        width = filters * 2**stage
        if stage:
            x, before = _reduction(net, f"reduce_{count * stage}", x, before, width), x
        for index in range(count):
            number = stage * (count + 1) + index if stage else index
            x, before = _normal(net, str(number), x, before, width), x
    y = net.add("avg_pool", GlobalAvgPool, feeds=net.activate("relu", x.name))
    net.add("predictions", Output, classes, feeds=y)
    return net.graph("predictions", initializer="he_normal")


def _separable(net: Drawing, name: str, x: str, filters: int, kernel: int, stride: int = 1) -> str:
    """Twice ReLU, a separable convolution and batch normalisation; the first convolution has the stride."""
    for index, step in ((1, stride), (2, 1)):
        x = net.activate(f"separable_relu_{index}_{name}", x)
        settings = {"kernel": kernel, "padding": "same", "bias": False, **({"stride": step} if step > 1 else {})}
        x = net.add(f"separable_conv_{index}_{name}", SeparableConv2d, filters, feeds=x, **settings)
        x = net.norm(f"separable_conv_{index}_bn_{name}", x)
    return x


def _entered(net: Drawing, kind: str, cell: str, x: _Path, filters: int) -> str:
    """What comes in, with as many channels as the cell has."""
    y = net.activate(f"{kind}_relu_{cell}", x.name)
    return net.conv(f"{kind}_conv_1_{cell}", y, filters, 1, norm=f"{kind}_bn_1_{cell}")


def _adjusted(net: Drawing, cell: str, before: _Path | None, x: _Path, filters: int) -> _Path:
    """What the cell before the last gave, with the sizes of what the last gave."""
    if before is None:
        return x
    if (before.height, before.width) != (x.height, x.width):
        y = net.activate(f"adjust_relu_{cell}", before.name)
        # The second half looks at the pixels between those of the first.
        moved = net.add(f"adjust_pad_{cell}", ZeroPadding2d, [[0, 1], [0, 1]], feeds=y)
        moved = net.add(f"adjust_crop_{cell}", Cropping2d, [[1, 0], [1, 0]], feeds=moved)
        halves = []
        for index, source in ((1, y), (2, moved)):
            pooled = net.add(f"adjust_avg_pool_{index}_{cell}", AvgPool2d, 1, feeds=source, stride=2)
            halves.append(net.add(f"adjust_conv_{index}_{cell}", Conv2d, filters // 2, feeds=pooled, kernel=1, bias=False))
        y = net.add(f"adjust_concat_{cell}", Concat, feeds=tuple(halves))
        return x.kept(net.norm(f"adjust_bn_{cell}", y), filters)
    if before.channels != filters:
        y = net.activate(f"adjust_relu_{cell}", before.name)
        return x.kept(net.conv(f"adjust_conv_projection_{cell}", y, filters, 1, norm=f"adjust_bn_{cell}"), filters)
    return before


def _normal(net: Drawing, cell: str, x: _Path, before: _Path | None, filters: int) -> _Path:
    p = _adjusted(net, cell, before, x, filters).name
    h = _entered(net, "normal", cell, x, filters)
    mean = {"stride": 1, "padding": "same"}
    ends = [
        (_separable(net, f"normal_left1_{cell}", h, filters, 5), _separable(net, f"normal_right1_{cell}", p, filters, 3)),
        (_separable(net, f"normal_left2_{cell}", p, filters, 5), _separable(net, f"normal_right2_{cell}", p, filters, 3)),
        (net.add(f"normal_left3_{cell}", AvgPool2d, 3, feeds=h, **mean), p),
        (net.add(f"normal_left4_{cell}", AvgPool2d, 3, feeds=p, **mean), net.add(f"normal_right4_{cell}", AvgPool2d, 3, feeds=p, **mean)),
        (_separable(net, f"normal_left5_{cell}", h, filters, 3), h),
    ]
    sums = [net.join(f"normal_add_{index}_{cell}", *pair) for index, pair in enumerate(ends, 1)]
    return x.kept(net.add(f"normal_concat_{cell}", Concat, feeds=(p, *sums)), 6 * filters)


def _reduction(net: Drawing, cell: str, x: _Path, before: _Path | None, filters: int) -> _Path:
    p = _adjusted(net, cell, before, x, filters).name
    h = _entered(net, "reduction", cell, x, filters)
    sides = [[side % 2, 1] for side in (x.height, x.width)]
    padded = net.add(f"reduction_pad_1_{cell}", ZeroPadding2d, sides, feeds=h)
    one = net.join(
        f"reduction_add_1_{cell}",
        _separable(net, f"reduction_left1_{cell}", h, filters, 5, 2),
        _separable(net, f"reduction_right1_{cell}", p, filters, 7, 2),
    )
    largest = net.add(f"reduction_left2_{cell}", MaxPool2d, 3, feeds=padded, stride=2)
    two = net.join(f"reduction_add_2_{cell}", largest, _separable(net, f"reduction_right2_{cell}", p, filters, 7, 2))
    mean = net.add(f"reduction_left3_{cell}", AvgPool2d, 3, feeds=padded, stride=2)
    three = net.join(f"reduction_add_3_{cell}", mean, _separable(net, f"reduction_right3_{cell}", p, filters, 5, 2))
    four = net.join(f"reduction_add_4_{cell}", two, net.add(f"reduction_mean4_{cell}", AvgPool2d, 3, feeds=one, stride=1, padding="same"))
    largest = net.add(f"reduction_right5_{cell}", MaxPool2d, 3, feeds=padded, stride=2)
    five = net.join(f"reduction_add_5_{cell}", _separable(net, f"reduction_left5_{cell}", one, filters, 3), largest)
    return x.halved(net.add(f"reduction_concat_{cell}", Concat, feeds=(two, three, four, five)), 4 * filters)
