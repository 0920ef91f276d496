"""How layers run; importing this enters them all."""

from lamina.engine.layers import (
    activation,
    convolution,
    dense,
    dropout,
    embedding,
    module,
    normalization,
    output,
    pooling,
    recurrent,
    shaping,
)
from lamina.engine.layers.layer import Head, LayerModule, ParametricModule, module_for, runs

__all__ = [
    "Head",
    "LayerModule",
    "ParametricModule",
    "activation",
    "convolution",
    "dense",
    "dropout",
    "embedding",
    "module",
    "module_for",
    "normalization",
    "output",
    "pooling",
    "recurrent",
    "runs",
    "shaping",
]
