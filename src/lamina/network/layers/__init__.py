"""All layers; importing this fills the registry."""

# The vertices register themselves too; not by name, since they import from this package.
import lamina.network.vertices  # noqa: F401
from lamina.network.layers.activation import ActivationLayer, IdentityLayer, PReLU
from lamina.network.layers.convolution import Conv1d, Conv2d, Conv3d, Convolution, ConvTranspose2d, DepthwiseConv2d, SeparableConv2d
from lamina.network.layers.dense import Dense
from lamina.network.layers.dropout import Dropout
from lamina.network.layers.embedding import Embedding
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer
from lamina.network.layers.module import Module
from lamina.network.layers.normalization import BatchNorm, LayerNorm
from lamina.network.layers.output import LossLayer, Output, OutputMixin
from lamina.network.layers.pooling import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from lamina.network.layers.recurrent import GRU, LSTM, Bidirectional, LastStep, Recurrent, SimpleRNN
from lamina.network.layers.shaping import Flatten, Permute, Reshape

__all__ = [
    "GRU",
    "LSTM",
    "ActivationLayer",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm",
    "Bidirectional",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "Convolution",
    "Dense",
    "DepthwiseConv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "IdentityLayer",
    "LastStep",
    "Layer",
    "LayerNorm",
    "LossLayer",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "Output",
    "OutputMixin",
    "PReLU",
    "Parameter",
    "ParametricLayer",
    "Permute",
    "Recurrent",
    "Reshape",
    "SeparableConv2d",
    "SimpleRNN",
]
