"""Layers that prepare data."""

from __future__ import annotations

from typing import Any

from lamina.interop.keras.net import channels, identity, with_features
from lamina.interop.keras.piece import Made, SourceLayer, converts
from lamina.network import layers as ls
from lamina.network import vertices as v

AUGMENTING = (
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHue"),
    *("RandomSaturation", "RandomSharpness", "RandomShear", "RandomPerspective", "RandomGaussianBlur", "RandomGrayscale"),
    *("RandomColorJitter", "RandomColorDegeneration", "RandomInvert", "RandomErasing", "RandomPosterization", "RandomElasticTransform"),
    *("RandAugment", "AugMix", "MixUp", "CutMix"),
)


@converts("Rescaling")
def rescaling(source: SourceLayer) -> Made:
    """``scale x + offset``."""
    scale, offset = source.config.get("scale"), source.config.get("offset", 0.0)
    if isinstance(scale, int | float) and isinstance(offset, int | float):
        return source.put(source.build(v.Scale, float(scale), offset=float(offset)), source.plain())
    return _each(source, scale, offset)


def _each(source: SourceLayer, scale: Any, offset: Any) -> Made:
    """A factor and a shift for each feature."""
    import numpy as np

    value = source.plain(0, with_features(source.inputs[0].rank, source.inputs[0].rank))
    count = value.shape.dims[-1 if value.rank <= 2 else 0] or 1
    pair = []
    for given in (scale, offset):
        array = np.asarray(given, dtype="float32").reshape(-1) if _numbers(given) else np.zeros(0, "float32")
        if array.size not in (1, count):
            raise source.stop(name="scale", expected=f"a number, or {count} of them")
        pair.append(np.broadcast_to(array, (count,)).copy())
    layer = source.build(ls.ElementwiseMultiplication, frozen=True)
    return source.put(layer, value, arrays={"weight": pair[0], "bias": pair[1]})


def _numbers(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, list) and all(_numbers(item) for item in value))


@converts("Normalization", weights=lambda config, _: ((), ("mean", "variance", "count") if config.get("mean") is None else ()))
def normalization(source: SourceLayer) -> Made:
    """To mean 0 and variance 1, by what the layer saw when it was adapted."""
    import numpy as np

    mean, variance = source.config.get("mean"), source.config.get("variance")
    if mean is None:
        stored = source.weights.all()
        if len(stored) < 2:
            raise source.stop(name="mean", expected="an adapted layer")
        mean, variance = (np.asarray(one.read(), "float32").reshape(-1).tolist() for one in stored[:2])
    axis = source.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
    rank = source.inputs[0].rank
    if axis not in (-1, rank, None) or not _numbers(mean) or not _numbers(variance):
        raise source.stop(name="axis", expected="the last one")
    std = np.maximum(np.sqrt(np.asarray(variance, "float32").reshape(-1)), np.float32(1e-7))
    middle = np.asarray(mean, "float32").reshape(-1)
    if source.flag("invert"):
        return _each(source, std.tolist(), middle.tolist())
    return _each(source, (1 / std).tolist(), (-middle / std).tolist())


@converts("Resizing")
def resizing(source: SourceLayer) -> Made:
    """Images to another size."""
    mode = source.word("interpolation", default="bilinear")
    if source.flag("antialias"):
        raise source.stop(name="antialias", expected="false")
    layer = source.build(
        ls.Resizing,
        source.whole("height"),
        source.whole("width"),
        interpolation=mode,
        crop_to_aspect_ratio=source.flag("crop_to_aspect_ratio"),
        pad_to_aspect_ratio=source.flag("pad_to_aspect_ratio"),
    )
    return source.put(layer, source.plain(0, channels(3, first=source.first)))


@converts("CenterCrop")
def center_crop(source: SourceLayer) -> Made:
    """The middle of images."""
    layer = source.build(ls.CenterCrop, source.whole("height"), source.whole("width"))
    return source.put(layer, source.plain(0, channels(3, first=source.first)))


@converts("Discretization")
def discretization(source: SourceLayer) -> Made:
    """Numbers to the places between boundaries."""
    limits = source.get("bin_boundaries", default=[])
    mode = source.word("output_mode", default="int")
    if mode != "one_hot" or source.inputs[0].shape.dims not in ((1,),):
        raise source.stop(name="output_mode", expected="one_hot of one number")
    layer = source.build(ls.Discretize, limits, output="one_hot")
    return source.put(layer, source.plain(), order=identity(1))


@converts(*AUGMENTING)
def augmenting(source: SourceLayer) -> Made:
    """Changes images in training alone."""
    source.notes.lose(source.path, f"{source.kind}, which changes images in training: give the data set augmentations instead")
    return source.put(ls.IdentityLayer(), source.plain())
