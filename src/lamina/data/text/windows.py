"""Running text as windows of tokens that are cut out when a batch asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.lazy import Address, LazyArray

if TYPE_CHECKING:
    from lamina.data.vectorization import TextVectorization

CHUNK_LETTERS = 1 << 18
# Never between blanks: some tokenizers take several of them together.
_LINE = re.compile(r"(?<=\S)\n")


class Windows(LazyArray):
    """Windows of ``steps`` tokens each out of a long row of them.

    Args:
        tokens: The long row.
        starts: Where each window begins.
        steps: Tokens in a window.

    Example:
        >>> Windows(np.arange(6), np.array([0, 3]), 3)[:].tolist()
        [[0, 1, 2], [3, 4, 5]]
    """

    steady = True
    dtype = np.dtype(np.int64)

    def __init__(self, tokens: np.ndarray, starts: np.ndarray, steps: int) -> None:
        self.tokens, self.starts = tokens, starts
        self.shape = (len(starts), steps)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        taken: np.ndarray = self.tokens[self.starts[indices][:, None] + np.arange(self.shape[1])].astype(np.int64)
        return taken


def starts_of(count: int, steps: int, stride: int) -> np.ndarray:
    """Where windows begin: every ``stride`` tokens, and one that ends with the text.

    Example:
        >>> starts_of(10, 4, 3).tolist(), starts_of(11, 4, 3).tolist()
        ([0, 3, 6], [0, 3, 6, 7])
    """
    return np.unique(np.append(np.arange(0, count - steps + 1, stride), count - steps))


def chunks(text: str, *, local: bool) -> Iterator[str]:
    """A long text in parts that end where a line ends; what they are cut into is what the whole is cut into."""
    start = 0
    while start < len(text):
        found = _LINE.search(text, start + CHUNK_LETTERS) if local else None
        stop = len(text) if found is None else found.start()
        yield text[start:stop]
        start = stop


def tokens_of(text: str, vectorization: TextVectorization) -> np.ndarray:
    """All tokens of a long text, as int32."""
    cutter = vectorization.tokenizer
    local = (cutter is None and vectorization.ngrams == (1,)) or (cutter is not None and cutter.local)
    rows = [np.asarray(vectorization.numbers([chunk])[0], dtype=np.int32) for chunk in chunks(text, local=local)]
    return np.concatenate([np.zeros(0, dtype=np.int32), *rows])
