"""``normalizer.bin``: how data were scaled, as the model's preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamina.interop.cursor import Cursor
from lamina.interop.dl4j.blobs import read_array
from lamina.interop.notes import Notes
from lamina.interop.problems import damaged
from lamina.shapes import Image, Sequence, Shape, Volume

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers import Fitted
    from lamina.data.preprocessing import Preprocessing

VGG_MEANS = (123.68, 116.779, 103.939)
"""What VGG16ImagePreProcessor takes from the channels."""
MOST_INPUTS = 1024


def read_normalizer(cursor: Cursor, shapes: Mapping[str, Shape] | None, notes: Notes) -> Preprocessing | None:
    """The preprocessing that a normaliser is; None, with a note, if it has no counterpart.

    Raises:
        InteropError: IO002, if it is damaged.
    """
    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import DataSchema

    head, version = cursor.text(), cursor.int32()
    if head != "NORMALIZER" or version != 1:
        raise damaged(where=cursor.where, expected="NORMALIZER of version 1", got=f"{head[:20]!r} of version {version}")
    kind = cursor.text()
    names = list(shapes or ["input"])
    found = _several(cursor, kind, len(names)) if kind.startswith("MULTI") else [_one(cursor, kind)]
    made: dict[str, Fitted] = {}
    for name, one in zip(names, found, strict=False):
        if one is None:
            notes.lose("normalizer.bin", f"the normaliser of {name}, {kind}, which has no counterpart: scale the data before")
            continue
        offset, factor, labels = one
        if labels:
            notes.lose("normalizer.bin", "how labels were scaled: predictions come out scaled")
        made[name] = _fitted(offset, factor, (shapes or {}).get(name))
    if not made or shapes is None:
        if made:
            notes.lose("normalizer.bin", "the normaliser, since the size of the images is not known: say it with --input")
        return None
    return Preprocessing(DataSchema(inputs=dict(shapes)), inputs=made)


Numbers = tuple["np.ndarray", "np.ndarray", bool]


def _one(cursor: Cursor, kind: str) -> Numbers | None:
    import numpy as np

    if kind == "STANDARDIZE":
        labels = bool(cursor.uint8())
        mean, std = read_array(cursor), read_array(cursor)
        if labels:
            read_array(cursor), read_array(cursor)
        return _standard(mean, std, cursor, labels=labels)
    if kind == "MIN_MAX":
        labels, low, high = bool(cursor.uint8()), cursor.float64(), cursor.float64()
        least, most = read_array(cursor), read_array(cursor)
        if labels:
            read_array(cursor), read_array(cursor)
        return _between(least, most, low, high, cursor, labels=labels)
    if kind == "IMAGE_MIN_MAX":
        low, high, most_pixel = cursor.float64(), cursor.float64(), cursor.float64()
        return _between(np.zeros(1), np.full(1, most_pixel), low, high, cursor, labels=False)
    if kind == "IMAGE_VGG16":
        return np.asarray(VGG_MEANS), np.ones(3), False
    return None


def _several(cursor: Cursor, kind: str, count: int) -> list[Numbers | None]:
    if kind not in ("MULTI_STANDARDIZE", "MULTI_MIN_MAX"):
        return [None] * count
    labels, inputs, outputs = bool(cursor.uint8()), cursor.int32(), cursor.int32()
    low, high = (cursor.float64(), cursor.float64()) if kind == "MULTI_MIN_MAX" else (0.0, 1.0)
    if not 0 <= inputs <= MOST_INPUTS or outputs > MOST_INPUTS:
        raise damaged(where=cursor.where, expected=f"at most {MOST_INPUTS} inputs", got=f"{inputs}")
    found: list[Numbers | None] = []
    for _ in range(inputs):
        one, other = read_array(cursor), read_array(cursor)
        if kind == "MULTI_STANDARDIZE":
            found.append(_standard(one, other, cursor, labels=labels))
        else:
            found.append(_between(one, other, low, high, cursor, labels=labels))
    return found


def _standard(mean: np.ndarray, std: np.ndarray, cursor: Cursor, *, labels: bool) -> Numbers:
    import numpy as np

    if mean.size != std.size or not (np.isfinite(mean).all() and np.isfinite(std).all()):
        raise damaged(where=cursor.where, expected="as many finite means as deviations", got=f"{mean.size} and {std.size}")
    divisor = np.where(std == 0, 1.0, std.astype(np.float64))
    return mean.astype(np.float64).reshape(-1), (1 / divisor).reshape(-1), labels


def _between(least: np.ndarray, most: np.ndarray, low: float, high: float, cursor: Cursor, *, labels: bool) -> Numbers:
    import numpy as np

    if least.size != most.size or not np.isfinite([low, high, *least.reshape(-1)[:1], *most.reshape(-1)[:1]]).all() or low == high:
        raise damaged(where=cursor.where, expected="two different finite limits, and as many least as largest values", got=f"{low}, {high}")
    spread = most.astype(np.float64) - least
    factor = ((high - low) / np.where(spread == 0, 1.0, spread)).reshape(-1)
    return least.astype(np.float64).reshape(-1) - low / factor, factor, labels


def _fitted(offset: np.ndarray, factor: np.ndarray, shape: Shape | None) -> Fitted:
    from lamina.data.normalizers.fitted import Linear

    if offset.size == 1:
        return Linear(offset.reshape(()), factor.reshape(()))
    axis = 2 if isinstance(shape, Sequence) else 1
    return Linear(offset, factor, axis if shape is not None and isinstance(shape, Image | Volume | Sequence) else 1)
