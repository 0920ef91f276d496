"""What was done to images before they were given to the network: mean and scale become the model's preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.caffe.blobs import blob_array
from lamina.interop.caffe.files import Files
from lamina.interop.caffe.inputs import READERS
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.caffe.source import Entry
from lamina.interop.notes import Notes
from lamina.interop.problems import damaged, misfit, too_large
from lamina.interop.protobuf.message import Message
from lamina.interop.protobuf.wire import parsed
from lamina.network import Network
from lamina.shapes import Image

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers import Fitted
    from lamina.data.preprocessing import Preprocessing

MOST_BYTES = 1 << 28


def preprocessing(entries: Sequence[Entry], net: Net, made: Network, files: Files, notes: Notes) -> Preprocessing | None:
    """The preprocessing that readers of data, and a mean that was given, say.

    Raises:
        InteropError: IO002, if a mean is damaged; IO005, if it is of other images.
    """
    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import DataSchema

    chained = made.type_name == "sequential"
    readers = {name: entry for entry in entries if entry.type in READERS and not entry.bottoms for name in entry.tops[:1]}
    scales: dict[str, Fitted] = {}
    mean = _mean(files.means[0]) if files.means else None
    for node, blob in net.inputs.items():
        reader = readers.get(blob.name)
        offset, factor = _numbers(reader, notes) if reader is not None else (None, 1.0)
        shape = net.shapes[node]
        if mean is not None and isinstance(shape, Image):
            offset = _fitting(mean, shape, files.means[0], notes)
        if offset is None and factor == 1.0:
            continue
        scales["input" if chained else node] = _linear(offset, factor)
    if mean is not None and not scales:
        notes.lose(str(files.means[0]), "a mean image, since no input is an image")
    if not scales:
        return None
    shapes = {"input" if chained else node: net.shapes[node] for node in net.inputs}
    return Preprocessing(DataSchema(inputs=shapes), inputs=scales)


def _linear(offset: np.ndarray | None, factor: float) -> Fitted:
    import numpy as np

    from lamina.data.normalizers.fitted import Difference, Linear

    if offset is None or offset.size == 1:
        return Linear(np.asarray(0.0 if offset is None else float(offset.reshape(-1)[0])), np.asarray(factor))
    return Linear(offset, np.full(offset.shape, factor), 1) if offset.ndim == 1 else Difference(offset, factor)


def _numbers(reader: Entry, notes: Notes) -> tuple[np.ndarray | None, float]:
    """Mean of each channel and the factor, as a reader says them."""
    import numpy as np

    given = reader.settings("transform_param")
    old = reader.settings(READERS[reader.type])
    scale = _either(given, old, "scale", 1.0)
    means = given.numbers("mean_value").astype(np.float64)
    if (given.text("mean_file") or ("mean_file" in old.kind.fields and old.text("mean_file"))) and not len(means):
        name = given.text("mean_file") or old.text("mean_file")
        notes.lose(reader.path, f"the mean image {name!r}, unless it is given too: lamina import net.prototxt ... mean.binaryproto")
    if given.boolean("mirror") or ("mirror" in old.kind.fields and old.boolean("mirror")):
        notes.lose(reader.path, "images that are mirrored by chance in training: put lm.layers.RandomFlip() first")
    if given.integer("crop_size") or ("crop_size" in old.kind.fields and old.integer("crop_size")):
        notes.lose(reader.path, "the cutting of larger images: by chance in training, the middle else; give images of the input's size")
    return (means if len(means) else None), scale


def _either(given: Message, old: Message, name: str, default: float) -> float:
    if given.has(name):
        return given.number(name, default)
    return old.number(name, default) if name in old.kind.fields and old.has(name) else default


def _mean(path: Path) -> np.ndarray:
    """A mean image, channels first."""
    import numpy as np

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(where=str(path), expected=f"a mean image of at most {MOST_BYTES:,} bytes", got=f"{size:,}")
    raw = path.read_bytes()
    numpy = raw.startswith(b"\x93NUMPY")
    array = _npy(path) if numpy else blob_array(parsed(raw, SCHEMA, "BlobProto", str(path)), str(path))
    if not np.isfinite(array).all() or not array.size:
        raise damaged(where=str(path), expected="finite numbers", got="others, or none")
    return array.reshape(array.shape[1:]) if array.ndim == 4 and array.shape[0] == 1 else array


def _npy(path: Path) -> np.ndarray:
    import numpy as np

    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError) as error:
        raise damaged(where=str(path), expected="an array of numbers", got=str(error)[:200]) from error
    if found.dtype.kind not in "fiu" or found.dtype.itemsize > 8:
        raise damaged(where=str(path), expected="an array of numbers", got=str(found.dtype))
    return np.asarray(found)


def _fitting(mean: np.ndarray, shape: Image, path: Path, notes: Notes) -> np.ndarray:
    """The mean for images of this size: the middle of a larger one, as Caffe cuts it at prediction."""
    import numpy as np

    if mean.ndim == 1 and mean.size in (1, shape.channels):
        return mean.astype(np.float64)
    if mean.ndim != 3 or mean.shape[0] != shape.channels or mean.shape[1] < shape.height or mean.shape[2] < shape.width:
        raise misfit(where=str(path), expected=f"{list(shape.dims)}, or larger", got=f"{list(mean.shape)}", cause="it is of other images")
    if mean.shape[1:] != (shape.height, shape.width):
        notes.assume(str(path), f"the middle of a mean image of {mean.shape[1]} x {mean.shape[2]}")
    top, left = (mean.shape[1] - shape.height) // 2, (mean.shape[2] - shape.width) // 2
    channels = mean.reshape(shape.channels, -1)
    if (channels == channels[:, :1]).all():
        return channels[:, 0].astype(np.float64)
    return mean[:, top : top + shape.height, left : left + shape.width].astype(np.float64)
