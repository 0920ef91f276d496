"""The shapes of a network's inputs, which the file says by the way: in preprocessors and in the sizes of the first layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lamina.interop.dl4j.made import Made
from lamina.shapes import Features, Image, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps

STEPS = {
    *("lstm", "graveslstm", "gravesbidirectionallstm", "simplernn", "bidirectional", "lasttimestep", "rnnoutput", "maskzero"),
    *("selfattention", "learnedselfattention", "recurrentattention", "convolution1d", "locallyconnected1d", "timedistributed"),
}
IMAGES = {
    *("convolution", "convolution2d", "deconvolution2d", "depthwiseconvolution2d", "separableconvolution2d", "locallyconnected2d"),
    "primarycapsules",
}
VOLUMES = {"convolution3d", "deconvolution3d"}
VECTORS = {"dense", "output", "autoencoder", "variationalautoencoder", "elementwisemultiplication", "centerlossoutput", "ocnnoutput"}
SPATIAL = {
    **dict.fromkeys(("subsampling", "subsampling2d", "zeropadding", "zeropadding2d", "cropping2d", "upsampling2d", "spacetodepth"), 2),
    **dict.fromkeys(("subsampling3d", "zeropadding3d", "cropping3d", "upsampling3d"), 3),
    **dict.fromkeys(("subsampling1d", "zeropadding1d", "cropping1d", "upsampling1d"), 1),
}
MOST_SIDE = 4096


@dataclass(frozen=True)
class Open:
    """Images or volumes of which only the channels are known.

    Attributes:
        channels: How many.
        axes: Other axes.
    """

    channels: int
    axes: int

    def square(self, side: int) -> Shape:
        """All sides equal."""
        return Image(self.channels, side, side) if self.axes == 2 else Volume(self.channels, side, side, side)


def wanted(name: str, made: Mapping[str, Made], depth: int = 0, axes: int = 0, *, steps: bool = False) -> Shape | Open | None:
    """What those who read ``name`` take; None if nobody says."""
    if depth > len(made) + 1:
        return None
    for one in made.values():
        if name not in one.inputs:
            continue
        found = _taken(one, made, depth, axes, steps=steps)
        if found is not None:
            return found
    return None


def _taken(one: Made, made: Mapping[str, Made], depth: int, axes: int, *, steps: bool) -> Shape | Open | None:
    if one.before.takes is not None:
        return one.before.takes
    steps = steps or one.before.steps
    kind = one.kind
    if kind in ("embedding", "embeddingsequence"):
        return Tokens(steps=1 if kind == "embedding" else None, vocabulary=one.count)
    if kind in STEPS:
        return Steps(steps=None, features=one.count)
    if kind in IMAGES or kind in VOLUMES:
        return Open(one.count, 3 if kind in VOLUMES else 2)
    if kind in VECTORS:
        return Steps(steps=None, features=one.count) if steps or axes == 1 else Features(one.count)
    axes = SPATIAL.get(kind, axes)
    if kind in ("batchnormalization", "localresponsenormalization", "prelu"):
        further = wanted(one.name, made, depth + 1, axes, steps=steps)
        if further is None and kind == "batchnormalization":
            return Open(one.count, axes) if axes in (2, 3) else Steps(None, one.count) if axes == 1 or steps else Features(one.count)
        if isinstance(further, Open) and kind == "batchnormalization":
            return Open(one.count, further.axes)
        return further
    if kind in ("merge", "reshape", "subset", "duplicatetotimeseries", "spacetodepth", "l2", "repeatvector"):
        return None
    if kind == "globalpooling":
        return None
    if one.count and one.piece is not None and one.piece.parts and kind not in ("activation", "dropout"):
        return _by_layer(one, steps=steps)
    if kind in ("lasttimestep", "reversetimeseries"):
        steps = True
    return wanted(one.name, made, depth + 1, axes, steps=steps)


def _by_layer(one: Made, *, steps: bool) -> Shape | Open | None:
    """What the layer takes that a converter of somebody's own has made."""
    layer = one.piece.layers[0] if one.piece is not None else None
    accepted = () if layer is None else layer.accepts
    if Features in accepted and not steps:
        return Features(one.count)
    if Steps in accepted:
        return Steps(steps=None, features=one.count)
    return Open(one.count, 2) if Image in accepted else Open(one.count, 3) if Volume in accepted else None


def sides(fits: Callable[[int], int]) -> Sequence[int]:
    """All sides of square images for which a network gives what the weights behind it need.

    Args:
        fits: For a side, how many more numbers come out than are needed: 0 if it fits, below 0 if it is too small.
    """
    low, high = 1, MOST_SIDE
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(middle) < 0 else (low, middle)
    found: list[int] = []
    while low <= MOST_SIDE and fits(low) == 0 and len(found) < 64:
        found.append(low)
        low += 1
    return found


def roundest(found: Sequence[int]) -> int:
    """The side that most probably was meant: the one that can be halved most often."""
    return max(found, key=lambda side: side & -side)
