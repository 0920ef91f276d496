"""Sentences by their word groups."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import Conv1d, Embedding, GlobalMaxPool, Output
from lamina.network.vertices import Concat
from lamina.shapes import Shape, Tokens
from lamina.zoo.drawing import INPUT, Drawing

WORDS = Tokens(steps=None, vocabulary=20_000)


def text_cnn(
    classes: int = 2, input: Shape = WORDS, embedding: int = 300, filters: int = 100, windows: tuple[int, ...] = (3, 4, 5)
) -> Graph:
    """Convolutions over words: for each window size filters that look for groups of as many words, wherever these are.

    Paper: Kim, "Convolutional neural networks for sentence classification", EMNLP 2014, arXiv:1408.5882 (CNN-rand).

    Count: none was published, and it depends on the vocabulary; it follows from the paper's section 3.1: vectors of 300,
    windows of 3, 4 and 5 with 100 filters each.

    Differences: none; rows of the output's weights are kept to a norm of 3, as there.

    Args:
        classes: Number of classes.
        input: Words by number; sentences of at least the largest window.
        embedding: Length of the vectors of words.
        filters: For each window.
        windows: How many words each kind of filter sees.

    Example:
        >>> text_cnn(windows=(2, 3)).resolve().node("all").output_shape
        Features(count=200)
    """
    net = Drawing(input)
    x = net.add("embedding", Embedding, embedding, feeds=INPUT, initializer={"type": "uniform", "low": -0.25, "high": 0.25})
    found = []
    for size in windows:
        y = net.add(f"conv{size}", Conv1d, filters, feeds=x, kernel=size, activation="relu")
        found.append(net.add(f"pool{size}", GlobalMaxPool, feeds=y))
    x = net.add("all", Concat, feeds=tuple(found)) if len(found) > 1 else found[0]
    net.add("output", Output, classes, feeds=x, dropout=0.5, constraints={"type": "max_norm", "maximum": 3.0})
    return net.graph("output")
