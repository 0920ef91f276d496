"""Files that ``DataSet.save`` wrote: features, labels, and masks for both."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.cursor import Cursor
from lamina.interop.dl4j.blobs import MOST_BYTES, read_array
from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

FEATURES, LABELS, LABELS_ARE_FEATURES, FEATURE_MASK, LABEL_MASK = 1, 2, 4, 8, 16
"""Bits of the first byte: what is there. Whatever else is there (metadata, in Java's serialisation) is never read."""


@dataclass(frozen=True)
class SavedDataSet:
    """Arrays with their axes as Deeplearning4j has them.

    Attributes:
        features: The inputs.
        labels: The targets.
        features_mask: Which steps of the inputs are real.
        labels_mask: Which steps of the targets count.
    """

    features: np.ndarray | None = None
    labels: np.ndarray | None = None
    features_mask: np.ndarray | None = None
    labels_mask: np.ndarray | None = None


def read_dataset(path: str | os.PathLike[str]) -> SavedDataSet:
    """The arrays of a file.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if it is larger than two gigabytes.
    """
    file = Path(path)
    if file.stat().st_size > MOST_BYTES:
        raise too_large(where=str(file), expected=f"at most {MOST_BYTES:,} bytes", got=f"{file.stat().st_size:,}")
    cursor = Cursor(file.read_bytes(), str(file), big=True)
    there = cursor.uint8()
    if not there or there >= 128:
        raise damaged(where=str(file), expected="a byte that says what is there", got=str(there), cause="the file is no saved DataSet")
    features = read_array(cursor) if there & FEATURES else None
    labels = read_array(cursor) if there & LABELS and not there & LABELS_ARE_FEATURES else None
    if there & LABELS_ARE_FEATURES:
        labels = features
    masks = [read_array(cursor) if there & bit else None for bit in (FEATURE_MASK, LABEL_MASK)]
    return SavedDataSet(features, labels, masks[0], masks[1])
