"""Texts told apart by attention."""

from __future__ import annotations

from lamina.network.layers import Dense, GlobalAvgPool, Layer, Output, TokenEmbedding, TransformerEncoder
from lamina.network.sequential import Sequential
from lamina.shapes import Shape, Tokens

REVIEWS = Tokens(steps=200, vocabulary=20_000)


def transformer_classifier(
    classes: int = 2,
    input: Shape = REVIEWS,
    units: int = 32,
    heads: int = 2,
    hidden: int = 32,
    blocks: int = 1,
    length: int = 200,
    dropout: float = 0.1,
) -> Sequential:
    """A small transformer encoder over words, the mean of its steps, and a dense layer.

    Source: the example "Text classification with Transformer" of Keras, with its settings; the block is that of Vaswani et al.,
    "Attention is all you need", NIPS 2017, arXiv:1706.03762.

    Count: no table has it; it follows from the example's settings: vectors of 32, two heads whose queries, keys and values have a
    length of 32 each, 32 hidden units, a dense layer of 20.

    Differences: none.

    Args:
        classes: Number of classes.
        input: Words by number.
        units: Length of the vectors, and of each head's queries, keys and values.
        heads: Of the attention.
        hidden: Units of the feed-forward part.
        blocks: Number of blocks.
        length: How many steps there can be.
        dropout: In blocks and dense layers.

    Example:
        >>> transformer_classifier(classes=4).resolve().output_shapes
        {'output': Features(count=4)}
    """
    block = {"key_size": units, "hidden": hidden, "activation": "relu", "norm_first": False, "norm_epsilon": 1e-6}
    noise = {"dropout": dropout} if dropout else {}
    added = {"residual_dropout": dropout} if dropout else {}
    layers: list[Layer] = [
        TokenEmbedding(units, positions="learned", length=length, name="embedding"),
        *(TransformerEncoder(heads, name=f"block{index + 1}", **block, **added) for index in range(blocks)),
        GlobalAvgPool(name="mean"),
        Dense(20, activation="relu", name="dense", **noise),
        Output(classes, name="output", **noise),
    ]
    return Sequential(input, layers)
