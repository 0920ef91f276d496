"""Networks that people know, as descriptions: each function gives a `Sequential` or a `Graph`; weights come by import.

A function's module is imported when it is first named. `catalog` lists them all, and what others counted of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.zoo.catalog import CATALOG
from lamina.zoo.catalog import function as _function
from lamina.zoo.catalog import make as make

if TYPE_CHECKING:
    from lamina.zoo.images.alexnet import alexnet as alexnet
    from lamina.zoo.images.convnext import convnext_tiny as convnext_tiny
    from lamina.zoo.images.darknet import darknet19 as darknet19
    from lamina.zoo.images.darknet import tiny_yolo as tiny_yolo
    from lamina.zoo.images.darknet import yolo2 as yolo2
    from lamina.zoo.images.densenet import densenet121 as densenet121
    from lamina.zoo.images.densenet import densenet169 as densenet169
    from lamina.zoo.images.densenet import densenet201 as densenet201
    from lamina.zoo.images.efficientnet import efficientnet_b0 as efficientnet_b0
    from lamina.zoo.images.googlenet import googlenet as googlenet
    from lamina.zoo.images.inception_resnet import inception_resnet_v1 as inception_resnet_v1
    from lamina.zoo.images.lenet import lenet as lenet
    from lamina.zoo.images.mobilenet import mobilenet_v2 as mobilenet_v2
    from lamina.zoo.images.mobilenet import mobilenet_v3_large as mobilenet_v3_large
    from lamina.zoo.images.mobilenet import mobilenet_v3_small as mobilenet_v3_small
    from lamina.zoo.images.nasnet import nasnet_mobile as nasnet_mobile
    from lamina.zoo.images.resnet import resnet18 as resnet18
    from lamina.zoo.images.resnet import resnet34 as resnet34
    from lamina.zoo.images.resnet import resnet50 as resnet50
    from lamina.zoo.images.resnet import resnet101 as resnet101
    from lamina.zoo.images.resnet import resnet152 as resnet152
    from lamina.zoo.images.squeezenet import squeezenet1_0 as squeezenet1_0
    from lamina.zoo.images.squeezenet import squeezenet1_1 as squeezenet1_1
    from lamina.zoo.images.unet import unet as unet
    from lamina.zoo.images.vgg import vgg16 as vgg16
    from lamina.zoo.images.vgg import vgg19 as vgg19
    from lamina.zoo.images.vit import vit_small as vit_small
    from lamina.zoo.images.vit import vit_tiny as vit_tiny
    from lamina.zoo.images.xception import xception as xception
    from lamina.zoo.series.nbeats import nbeats as nbeats
    from lamina.zoo.series.wavenet import wavenet as wavenet
    from lamina.zoo.text.char_lstm import char_lstm as char_lstm
    from lamina.zoo.text.gpt import gpt as gpt
    from lamina.zoo.text.seq2seq import seq2seq as seq2seq
    from lamina.zoo.text.text_cnn import text_cnn as text_cnn
    from lamina.zoo.text.transformer_classifier import transformer_classifier as transformer_classifier

__all__ = sorted([*CATALOG, "make"])


def __getattr__(name: str) -> Any:
    if name not in CATALOG:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    found = _function(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
