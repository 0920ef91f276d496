"""Converters of Caffe's layers, a file a kind; importing this enters them all."""

from lamina.interop.caffe.layers import activations as activations
from lamina.interop.caffe.layers import arithmetic as arithmetic
from lamina.interop.caffe.layers import convolution as convolution
from lamina.interop.caffe.layers import dense as dense
from lamina.interop.caffe.layers import joints as joints
from lamina.interop.caffe.layers import losses as losses
from lamina.interop.caffe.layers import normalization as normalization
from lamina.interop.caffe.layers import pooling as pooling
from lamina.interop.caffe.layers import recurrent as recurrent
from lamina.interop.caffe.layers import shaping as shaping
from lamina.interop.caffe.layers import windows as windows
