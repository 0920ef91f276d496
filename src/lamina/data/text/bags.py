"""Texts as vectors: which words are there, how often, and how rare they are elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lamina.data.text.counts import WordCounts
from lamina.data.text.texts import check_room

if TYPE_CHECKING:
    import numpy as np

Rarity = Literal["keras", "smooth"]
"""``keras``: ``ln(1 + n / (1 + d))``; ``smooth``: ``ln((1 + n) / (1 + d)) + 1``, scikit-learn's; of ``n`` texts ``d`` hold the word."""
Norm = Literal["l1", "l2"]


def rarities(words: Sequence[str], counts: WordCounts, kind: Rarity) -> tuple[float, ...]:
    """How much each word counts."""
    n = counts.texts
    if kind == "smooth":
        return tuple(math.log((1 + n) / (1 + counts.holding[word])) + 1 for word in words)
    return tuple(math.log(1 + n / (1 + counts.holding[word])) for word in words)


def counted(rows: Sequence[Sequence[int]], width: int) -> np.ndarray:
    """How often each number below ``width`` is in each row, as float64.

    Raises:
        DataError: DA162, if that would take too much memory.

    Example:
        >>> counted([[0, 2, 2], [1]], 3).tolist()
        [[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]
    """
    check_room(
        len(rows),
        width,
        what="vectors with a place for each word",
        width_is=f"the vocabulary has {width:,} words, and every text a number for each",
        fix="write max_tokens: 10000, min_count: 2, or output: tokens with an embedding_bag, which takes only the words that are there",
    )
    import numpy as np

    counts = np.zeros((len(rows), width))
    for number, row in enumerate(rows):
        if row:
            places, times = np.unique(np.asarray(row), return_counts=True)
            counts[number, places] = times
    return counts


def normed(vectors: np.ndarray, norm: Norm | None) -> np.ndarray:
    """Each vector divided by its norm; one of zeros stays."""
    if norm is None:
        return vectors
    import numpy as np

    sizes = np.abs(vectors).sum(axis=1) if norm == "l1" else np.sqrt((vectors * vectors).sum(axis=1))
    scaled: np.ndarray = vectors / np.where(sizes == 0, 1.0, sizes)[:, None]
    return scaled
