"""Text, token by token, by attention to what stands before."""

from __future__ import annotations

from lamina.network.activations import Gelu
from lamina.network.initializers import Normal
from lamina.network.layers import Dropout, Embedding, Layer, LayerNorm, PositionEmbedding, TiedOutput, TransformerEncoder
from lamina.network.sequential import Sequential
from lamina.shapes import Shape, Tokens

BYTE_PAIRS = Tokens(steps=None, vocabulary=50_257)


def gpt(
    input: Shape = BYTE_PAIRS, units: int = 768, heads: int = 12, blocks: int = 12, length: int = 1024, dropout: float = 0.1
) -> Sequential:
    """GPT-2, small unless set otherwise: causal transformer blocks; each step's output is the distribution of the next token.

    Paper: Radford, Wu, Child, Luan, Amodei, Sutskever, "Language models are unsupervised multitask learners", 2019.

    Count: ``gpt2`` of the Hugging Face hub. The output has the weights of the embedding, which count once.

    Differences: none in what is computed; queries, keys and values have a weight each, and the layers that add to the path past a
    block start like all others, where GPT-2 divides by the root of their number.

    Args:
        input: Tokens; GPT-2 has 50,257 pairs of bytes.
        units: Length of the vectors.
        heads: Of the attention.
        blocks: Number of blocks.
        length: How many steps there can be.
        dropout: Of embeddings, of the attention and of what is added to the path past a block.

    Example:
        >>> net = gpt(input=Tokens(steps=None, vocabulary=65), units=32, heads=4, blocks=2, length=64)
        >>> str(net.resolve().output_shapes["output"])
        '[batch, ?, 65]'
    """
    tokens = input.vocabulary if isinstance(input, Tokens) else units  # anything else the embedding refuses
    drops = {"attention_dropout": dropout, "residual_dropout": dropout} if dropout else {}
    block = {"causal": True, "activation": Gelu(approximate=True), **drops}
    layers: list[Layer] = [
        Embedding(units, name="wte"),
        PositionEmbedding(length, name="wpe"),
        *([Dropout(dropout, name="drop")] if dropout else []),
        *(TransformerEncoder(heads, name=f"h{index}", **block) for index in range(blocks)),
        LayerNorm(name="ln_f"),
        TiedOutput(tokens, of="wte", bias=False, name="output"),
    ]
    return Sequential(input, layers, defaults={"initializer": Normal(0.0, 0.02)})
