"""What a network is given: inputs in its own shapes, and layers that read data, which become inputs too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lamina.interop.caffe.layers.losses import LOSSES
from lamina.interop.caffe.source import Entry, sizes
from lamina.interop.protobuf.message import Message
from lamina.shapes import Features, Image, Shape, Volume
from lamina.shapes import Sequence as Steps

READERS = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
    "HDF5Data": "hdf5_data_param",
    "MemoryData": "memory_data_param",
    "DummyData": "dummy_data_param",
    "Input": "input_param",
}
JUDGES = frozenset({*LOSSES, "SoftmaxLoss", "Accuracy"})
RECURRENT = ("LSTM", "RNN")
_STEPWISE = frozenset(
    {
        *("ReLU", "PReLU", "Sigmoid", "TanH", "ELU", "BNLL", "AbsVal", "Power", "Exp", "Log", "Dropout", "Eltwise", "Threshold", "ReLU6"),
        *("Concat", "Slice", "InnerProduct", "Embed", "Split", "Scale", "Bias", "LSTM", "RNN", "Swish", "Clip"),
    }
)


@dataclass(frozen=True)
class Fed:
    """A blob that is given.

    Attributes:
        name: What it is called.
        dims: Its sizes; None if the file doesn't say them.
        path: Where it is declared.
        layer: The layer that reads it; None if it is an input of the network itself.
        place: Which of that layer's tops.
    """

    name: str
    dims: tuple[int, ...] | None
    path: str
    layer: Entry | None = None
    place: int = 0


def fed(layers: Iterable[Entry], inputs: Mapping[str, tuple[int, ...] | None]) -> list[Fed]:
    """All blobs that are given, in the order of the file."""
    found = [Fed(name, dims, f"input {name!r}") for name, dims in inputs.items()]
    for layer in layers:
        if layer.type in READERS and not layer.bottoms:
            given = layer.settings(READERS[layer.type])
            found += [Fed(name, _dims(layer, given, place), layer.path, layer, place) for place, name in enumerate(layer.tops)]
    return found


def _dims(layer: Entry, given: Message, place: int) -> tuple[int, ...] | None:
    if layer.type in ("Input", "DummyData"):
        shapes = given.messages("shape")
        if shapes:
            return sizes(shapes[place if len(shapes) > 1 and place < len(shapes) else 0])
        if layer.type == "DummyData" and given.has("num"):
            axes = [given.integers(name) for name in ("num", "channels", "height", "width")]
            return tuple(axis[place if place < len(axis) else 0] if axis else 1 for axis in axes)
        return None
    batch = max(given.integer("batch_size", 1), 1)
    if place > 0:
        return (batch,)
    if layer.type == "MemoryData":
        return (batch, *(given.integer(name, 1) for name in ("channels", "height", "width")))
    return None


def readers_size(layer: Entry) -> tuple[int, int] | None:
    """Height and width that a reader cuts or stretches images to, if it says so."""
    given = layer.settings(READERS[layer.type])
    crop = layer.settings("transform_param").integer("crop_size")
    if not crop and "crop_size" in given.kind.fields:
        crop = given.integer("crop_size")
    if crop:
        return crop, crop
    if layer.type == "ImageData" and given.integer("new_height") and given.integer("new_width"):
        return given.integer("new_height"), given.integer("new_width")
    return None


def batch_of(layer: Entry) -> int:
    """Samples that a reader reads at once."""
    given = layer.settings(READERS[layer.type])
    return max(given.integer("batch_size", 1), 1) if "batch_size" in given.kind.fields else 1


def labels(given: Sequence[Fed], layers: Sequence[Entry]) -> set[str]:
    """Blobs that are compared with, and nothing else."""
    found = set()
    takers: dict[str, list[tuple[Entry, int]]] = {one.name: [] for one in given}
    for layer in layers:
        for place, name in enumerate(layer.bottoms):
            if name in takers:
                takers[name].append((layer, place))
    for one in given:
        users = takers[one.name]
        judged = [(layer, place) for layer, place in users if layer.type in JUDGES]
        quiet = all(layer.type in (*JUDGES, "Silence") for layer, _ in users)
        if judged and quiet and all(_compared(layer, place) for layer, place in judged):
            found.add(one.name)
    return found


def _compared(layer: Entry, place: int) -> bool:
    return place > 0 if layer.type not in ("EuclideanLoss", "ContrastiveLoss") else place > (layer.type == "ContrastiveLoss") or place == 0


def steps_first(layers: Sequence[Entry]) -> set[str]:
    """Blobs whose axis 0 counts steps: those that recurrent layers take, and what leads to them number by number."""
    waiting = [name for layer in layers if layer.type in RECURRENT for name in layer.bottoms[:2]]
    found: set[str] = set()
    makers: dict[str, list[Entry]] = {}
    for layer in layers if waiting else ():
        if layer.type in _STEPWISE:
            for name in layer.tops:
                makers.setdefault(name, []).append(layer)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for layer in makers.pop(name, ()):
            waiting += layer.bottoms[:2] if layer.type in RECURRENT else layer.bottoms
    return found


def dims_of(shape: Shape, batch: int) -> tuple[int, ...]:
    """Caffe's sizes of a shape that the user says."""
    if isinstance(shape, Steps):
        return (shape.steps or 1, batch, shape.features)
    if isinstance(shape, Features | Image | Volume):
        return (batch, *(size or 1 for size in shape.dims))
    return (batch, *(size or 1 for size in shape.dims))
