"""From outputs to labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.errors import DataError


@dataclass(frozen=True)
class Labels:
    """The most probable label of each sample.

    Attributes:
        labels: Names ``[samples, ...]``; the indices as text where classes have no names.
        indices: Numbers of the classes.
        probabilities: What the network gave for that class.
    """

    labels: np.ndarray
    indices: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Any:
        """Pairs of label and probability."""
        return iter(zip(self.labels.tolist(), self.probabilities.tolist(), strict=True))


def choose_labels(outputs: np.ndarray, names: Sequence[str] | None, *, threshold: float = 0.5) -> Labels:
    """Labels for outputs ``[samples, ..., classes]``; a single column is the probability of the second of two classes.

    Args:
        outputs: What the network gave.
        names: Of the classes.
        threshold: A single column above this is the second class; 0 where outputs are scores.

    Example:
        >>> list(choose_labels(np.array([[0.1, 0.9]]), ["no", "yes"]))
        [('yes', 0.9)]
    """
    if outputs.shape[-1] == 1:
        second = outputs[..., 0]
        indices = (second > threshold).astype(np.int64)
        probabilities = np.where(indices == 1, second, 2 * threshold - second)
    else:
        indices = outputs.argmax(axis=-1)
        probabilities = np.take_along_axis(outputs, indices[..., None], axis=-1)[..., 0]
    texts = np.asarray(names, dtype=object)[indices] if names is not None else indices.astype(str).astype(object)
    return Labels(texts, indices, probabilities)


def no_classes(outputs: Iterable[str]) -> DataError:
    """The error for a model of which no output was trained on classes."""
    return DataError(
        "AR027",
        where="predict_labels",
        expected="an output trained on classes",
        got=f"outputs {', '.join(outputs)} that are none",
        cause="the model was trained on numbers, or not trained at all, so there are no labels",
        fix="use predict(), which gives the numbers",
    )
