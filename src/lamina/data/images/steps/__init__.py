"""Steps of an image's preparation; importing this registers all of them."""

from lamina.data.images.steps.choice import OneOf, Pipeline, SomeOf, Sometimes
from lamina.data.images.steps.colour import (
    Adjust,
    AnyGrey,
    Clahe,
    Convert,
    Equalize,
    Grey,
    Invert,
    Jitter,
    Posterize,
    Solarize,
    Stretch,
)
from lamina.data.images.steps.filter import AnyBlur, AnyCompression, Blur, Cutout, Erase, Noise
from lamina.data.images.steps.geometry import Affine, AnyAffine, AnyFlip, AnyPerspective, AnyRotation, Flip, Rotate, Turn, Warp
from lamina.data.images.steps.joined import LargestBlob, Mosaic
from lamina.data.images.steps.policy import LearnedPolicy, RandomPolicy, TrivialPolicy
from lamina.data.images.steps.size import AnyCrop, AnyPart, Border, Crop, CropOrPad, CropShare, Resize

__all__ = [
    "Adjust",
    "Affine",
    "AnyAffine",
    "AnyBlur",
    "AnyCompression",
    "AnyCrop",
    "AnyFlip",
    "AnyGrey",
    "AnyPart",
    "AnyPerspective",
    "AnyRotation",
    "Blur",
    "Border",
    "Clahe",
    "Convert",
    "Crop",
    "CropOrPad",
    "CropShare",
    "Cutout",
    "Equalize",
    "Erase",
    "Flip",
    "Grey",
    "Invert",
    "Jitter",
    "LargestBlob",
    "LearnedPolicy",
    "Mosaic",
    "Noise",
    "OneOf",
    "Pipeline",
    "Posterize",
    "RandomPolicy",
    "Resize",
    "Rotate",
    "Solarize",
    "SomeOf",
    "Sometimes",
    "Stretch",
    "TrivialPolicy",
    "Turn",
    "Warp",
]
