"""A class for every pixel."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Conv2d, ConvTranspose2d, Dropout, LossLayer, MaxPool2d
from lamina.network.vertices import Concat
from lamina.shapes import Image, Shape
from lamina.zoo.drawing import FOR_RELU, INPUT, Drawing

SQUARE = Image(channels=3, height=256, width=256)


def unet(classes: int = 1, input: Shape = SQUARE, filters: int = 64, depth: int = 4, normalize: bool = True, dropout: float = 0.0) -> Graph:  # noqa: FBT001, FBT002 (a setting by name, as in files)
    """U-Net: down to small images with many channels and up again, with what was seen on the way down handed across.

    Paper: Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015,
    arXiv:1505.04597.

    Count: milesial's ``Pytorch-UNet`` (its summary for one class), and mateuszbuda's ``brain-segmentation-pytorch`` on the PyTorch
    hub, which has half the filters; both with batch normalisation.

    Differences: convolutions keep the size (``padding: 1``), where the paper's lose a frame of two pixels each and what is
    handed across is cropped. Without ``normalize``, convolutions have biases and no batch normalisation, as in the paper.

    Args:
        classes: Number of classes; 1: a probability for each pixel, judged by binary cross-entropy.
        input: Shape of an image; sides that are multiples of ``2 ** depth``.
        filters: Of the first convolutions; twice as many at each level further down.
        depth: How many times the sides are halved.
        normalize: Whether batch normalisation stands behind each convolution.
        dropout: Of what the lowest level gives.

    Example:
        >>> net = unet(classes=3, input=Image(channels=1, height=64, width=64), filters=8, depth=2)
        >>> str(net.resolve().node("down2_pool").output_shape), str(net.resolve().output_shapes["output"])
        ('[batch, 16, 16, 16]', '[batch, 3, 64, 64]')
    """
    net = Drawing(input)
    x, across = INPUT, []
    for level in range(1, depth + 1):
        x = _double(net, f"down{level}", x, filters * 2 ** (level - 1), normalize=normalize)
        across.append(x)
        x = net.add(f"down{level}_pool", MaxPool2d, 2, feeds=x)
    x = _double(net, "bottom", x, filters * 2**depth, normalize=normalize)
    if dropout:
        x = net.add("bottom_dropout", Dropout, dropout, feeds=x)
    for level in range(depth, 0, -1):
        count = filters * 2 ** (level - 1)
        x = net.add(f"up{level}_transposed", ConvTranspose2d, count, feeds=x, kernel=2, stride=2)
        x = net.add(f"up{level}_concat", Concat, feeds=(across[level - 1], x))
        x = _double(net, f"up{level}", x, count, normalize=normalize)
    x = net.add("scores", Conv2d, classes, feeds=x, kernel=1)
    net.add("output", LossLayer, "binary_cross_entropy" if classes == 1 else "cross_entropy", feeds=x)
    return net.graph("output", initializer=FOR_RELU)


def _double(net: Drawing, name: str, x: str, filters: int, *, normalize: bool) -> str:
    for index in (1, 2):
        if normalize:
            x = net.conv(f"{name}_conv{index}", x, filters, 3, padding=1, norm=f"{name}_norm{index}", activation="relu")
        else:
            x = net.add(f"{name}_conv{index}", Conv2d, filters, feeds=x, kernel=3, padding=1, activation="relu")
    return x
