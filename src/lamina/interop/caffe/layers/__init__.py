"""Converters of Caffe's layers, a file a kind; importing this enters them all."""

from lamina.interop.caffe.layers import activations, convolution, dense, joints, losses, normalization, pooling, recurrent, shaping

__all__ = ["activations", "convolution", "dense", "joints", "losses", "normalization", "pooling", "recurrent", "shaping"]
