"""Text, character by character."""

from __future__ import annotations

from lamina.network.layers import LSTM, Embedding, Layer, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Shape, Tokens

SHAKESPEARE = Tokens(steps=None, vocabulary=65)


def char_lstm(input: Shape = SHAKESPEARE, units: int = 128, layers: int = 2, dropout: float = 0.0) -> Sequential:
    """LSTMs over characters; each step's output is the distribution of the next character.

    Source: A. Karpathy, "The unreasonable effectiveness of recurrent neural networks", 2015, and its program ``char-rnn``;
    Deeplearning4j's ``TextGenerationLSTM`` is of the same form with two layers of 256.

    Count: ``char-rnn`` with its settings on tiny Shakespeare.

    Differences: none. Characters enter as one-hot vectors: an embedding of ones and zeros that is frozen, and not counted.

    Args:
        input: Characters by number.
        units: Size of the memories.
        layers: Number of LSTMs.
        dropout: Of what enters each LSTM but the first, and the output.

    Example:
        >>> str(char_lstm().resolve().output_shapes["output"])
        '[batch, ?, 65]'
    """
    characters = input.vocabulary if isinstance(input, Tokens) else units  # anything else the embedding refuses
    noise = {"dropout": dropout} if dropout else {}
    hidden: list[Layer] = [LSTM(units, name=f"lstm{index + 1}", **(noise if index else {})) for index in range(layers)]
    one_hot = Embedding(characters, name="one_hot", initializer="identity", frozen=True)
    return Sequential(input, [one_hot, *hidden, Output(characters, name="output", **noise)])
