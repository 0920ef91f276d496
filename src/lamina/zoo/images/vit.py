"""Images as sequences of patches."""

from __future__ import annotations

from lamina.network.initializers import TruncatedNormal
from lamina.network.layers import (
    ClassToken,
    Conv2d,
    FirstStep,
    Layer,
    LayerNorm,
    Output,
    Permute,
    PositionEmbedding,
    Reshape,
    TransformerEncoder,
)
from lamina.network.sequential import Sequential
from lamina.shapes import Image, Sequence, Shape
from lamina.zoo.drawing import IMAGENET

BLOCKS = 12
EPSILON = 1e-6


def vit_tiny(classes: int = 1000, input: Shape = IMAGENET, patch: int = 16) -> Sequential:
    """Vision transformer, tiny: patches of 16 x 16 pixels as vectors of 192, 12 blocks with 3 heads, a token for the class.

    Paper: Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, arXiv:2010.11929; the sizes tiny and small are those of
    Touvron et al., "Training data-efficient image transformers", ICML 2021, arXiv:2012.12877.

    Count: timm, ``vit_tiny_patch16_224``.

    Differences: none; queries, keys and values have a weight each, where timm has one for the three.

    Args:
        classes: Number of classes.
        input: Shape of an image; what is left over behind the last whole patch is not seen.
        patch: Side of a patch.

    Example:
        >>> str(vit_tiny().resolve().node("norm").output_shape)
        '[batch, 197, 192]'
    """
    return _vit(classes, input, patch, 192, 3)


def vit_small(classes: int = 1000, input: Shape = IMAGENET, patch: int = 16) -> Sequential:
    """Vision transformer, small: vectors of 384 and 6 heads; see `vit_tiny`.

    Count: timm, ``vit_small_patch16_224``.

    Args:
        classes: Number of classes.
        input: Shape of an image; what is left over behind the last whole patch is not seen.
        patch: Side of a patch.
    """
    return _vit(classes, input, patch, 384, 6)


def _vit(classes: int, input: Shape, patch: int, width: int, heads: int) -> Sequential:
    # Of anything but an image the first convolution says what is wrong.
    patches = max(1, (input.height // patch) * (input.width // patch)) if isinstance(input, Image) else 1
    layers: list[Layer] = [
        Conv2d(width, kernel=patch, stride=patch, name="patch_embed"),
        # [width, rows, columns] is [width, patches], row by row; a sequence has its steps first.
        Reshape(Sequence(steps=width, features=patches), name="patches"),
        Permute([2, 1], name="sequence"),
        ClassToken(name="cls_token"),
        PositionEmbedding(patches + 1, name="pos_embed"),
        *(TransformerEncoder(heads, norm_epsilon=EPSILON, name=f"blocks_{index}") for index in range(BLOCKS)),
        LayerNorm(epsilon=EPSILON, name="norm"),
        FirstStep(name="class"),
        Output(classes, name="head"),
    ]
    return Sequential(input, layers, defaults={"initializer": TruncatedNormal(0.0, 0.02)})
