"""From one sequence to another."""

from __future__ import annotations

from lamina.network.graph import Graph
from lamina.network.layers import GRU, Dense, Embedding, LastStep, MultiHeadAttention, Output
from lamina.network.vertices import Concat
from lamina.shapes import Shape, Tokens
from lamina.zoo.drawing import Drawing

WORDS = Tokens(steps=None, vocabulary=10_000)


def seq2seq(read: Shape = WORDS, write: Shape = WORDS, units: int = 256, embedding: int = 256, dropout: float = 0.0) -> Graph:
    """A GRU that reads, a GRU that writes, and attention of what is written to what was read.

    Inputs are ``read``, and ``write``: what shall be written, moved by one step (teacher forcing); the output at each step is the
    distribution of the next token. `lamina.Model.generate` decodes with it.

    Paper: Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", EMNLP 2015,
    arXiv:1508.04025: global attention on top of the decoder.

    Count: none was published for a network of this size; it follows from the paper's section 3.

    Differences: GRUs instead of LSTMs, one layer each; the score of the attention is ``(W_q d) (W_k e) / sqrt(units)``, and what is
    attended to is mapped too, as in transformers.

    Args:
        read: Tokens of what is read.
        write: Tokens of what is written.
        units: Size of the memories.
        embedding: Length of the tokens' vectors.
        dropout: Of what enters the output.

    Example:
        >>> net = seq2seq(read=Tokens(steps=None, vocabulary=20), write=Tokens(steps=None, vocabulary=30), units=8, embedding=4)
        >>> str(net.resolve().output_shapes["output"])
        '[batch, ?, 30]'
    """
    net = Drawing({"read": read, "write": write})
    tokens = write.vocabulary if isinstance(write, Tokens) else units  # anything else the embedding refuses
    heard = net.add("encoder", GRU, units, feeds=net.add("read_embedding", Embedding, embedding, feeds="read"))
    memory = net.add("memory", LastStep, feeds=heard)
    written = net.add("write_embedding", Embedding, embedding, feeds="write")
    told = net.add("decoder", GRU, units, feeds=(written, memory))
    context = net.add("attention", MultiHeadAttention, 1, feeds=(told, heard))
    x = net.add("both", Concat, feeds=(told, context))
    x = net.add("attentional", Dense, units, feeds=x, activation="tanh", bias=False)
    net.add("output", Output, tokens, feeds=x, **({"dropout": dropout} if dropout else {}))
    return net.graph("output")
