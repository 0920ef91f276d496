"""Vectors of words that were learned elsewhere, in the files of GloVe and word2vec."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from lamina.errors import DataError

MOST_WIDTH, MOST_WORDS, MOST_LINE = 10_000, 1 << 23, 1 << 20


class WordVectors:
    """Words and a vector for each.

    Args:
        words: The words, each once.
        vectors: ``[words, numbers]``, float32.
    """

    def __init__(self, words: Sequence[str], vectors: np.ndarray) -> None:
        self.words = tuple(words)
        self.vectors = vectors
        self._places = {word: place for place, word in enumerate(self.words)}

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._places

    def __getitem__(self, word: str) -> np.ndarray:
        found: np.ndarray = self.vectors[self._places[word]]
        return found

    def rows(self, tokens: Sequence[str]) -> list[list[float] | None]:
        """The vector of each token, None where there is none: what `lamina.Embedding` takes as ``vectors``.

        Args:
            tokens: Names by number, such as `lamina.data.vectorization.TextVectorization.tokens`.

        Example:
            >>> WordVectors(["a"], np.array([[0.5, 1.0]])).rows(["[pad]", "a"])
            [None, [0.5, 1.0]]
        """
        return [self.vectors[self._places[token]].tolist() if token in self._places else None for token in tokens]

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, binary: bool = False, most: int | None = None) -> WordVectors:
        """The vectors of a file.

        Args:
            path: A word and its numbers in each line, blanks between (GloVe), possibly after a line that counts both (word2vec's text
                form); or word2vec's binary form. See `lamina.data.storage.open_files` for what a path may be; it may be compressed.
            binary: Whether it is the binary form.
            most: Read only so many words, the first ones.

        Raises:
            DataError: DA031, if it can't be read; DA167, naming the line or word where it is not what it should be.
        """
        from lamina.data.storage import open_file

        file = open_file(path)
        with file.open() as stream:
            words, rows = (_binary if binary else _lines)(stream, file.name, most)
        if not words:
            raise _odd(where=file.name, expected="at least one word with its vector", got="none")
        seen: dict[str, int] = {}
        for place, word in enumerate(words):
            if word in seen:
                raise _odd(
                    where=f"{file.name}, word {place + 1}", expected="each word once", got=f"{word!r}, which is word {seen[word] + 1} too"
                )
            seen[word] = place
        return cls(words, rows)


def _lines(stream: BinaryIO, name: str, most: int | None) -> tuple[list[str], np.ndarray]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    width = 0
    for number, raw in enumerate(iter(lambda: stream.readline(MOST_LINE), b""), 1):
        if most is not None and len(words) >= most:
            break
        parts = _decoded(raw, f"{name}, line {number}").split(" ")
        parts = [part for part in parts if part] if len(parts) > 1 else parts
        if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
            continue
        width = width or len(parts) - 1
        if not 1 <= width <= MOST_WIDTH or len(parts) != width + 1:
            wanted = f"a word and {width} numbers, as before" if words else f"a word and 1 to {MOST_WIDTH:,} numbers"
            raise _odd(where=f"{name}, line {number}", expected=wanted, got=f"{len(parts)} parts: {raw[:60]!r}")
        rows.append(_numbers(parts[1:], f"{name}, line {number}"))
        words.append(parts[0])
        if len(words) > MOST_WORDS:
            raise _odd(where=name, expected=f"at most {MOST_WORDS:,} words", got="more")
    return words, np.array(rows, dtype=np.float32)


def _numbers(parts: Sequence[str], where: str) -> np.ndarray:
    try:
        row = np.array(parts, dtype=np.float32)
    except ValueError as error:
        raise _odd(where=where, expected="numbers behind the word", got=str(error)) from error
    wrong = np.flatnonzero(~np.isfinite(row))
    if len(wrong):
        raise _odd(where=where, expected="finite numbers", got=repr(parts[int(wrong[0])]))
    return row


def _binary(stream: BinaryIO, name: str, most: int | None) -> tuple[list[str], np.ndarray]:
    head = stream.readline(100).split()
    if len(head) != 2 or not all(part.isdigit() for part in head):
        raise _odd(where=f"{name}, line 1", expected="how many words, and how many numbers each", got=repr(b" ".join(head)[:60]))
    count, width = map(int, head)
    if not (1 <= width <= MOST_WIDTH and 1 <= count <= MOST_WORDS):
        raise _odd(
            where=f"{name}, line 1", expected=f"at most {MOST_WORDS:,} words of {MOST_WIDTH:,} numbers", got=f"{count:,} of {width:,}"
        )
    words: list[str] = []
    rows: list[np.ndarray] = []
    for number in range(1, min(count, count if most is None else most) + 1):
        word = bytearray()
        while len(word) <= MOST_LINE and (letter := stream.read(1)) not in (b" ", b""):
            word += letter
        raw = stream.read(4 * width)
        where = f"{name}, word {number}"
        row = np.frombuffer(raw[: len(raw) // 4 * 4], dtype="<f4")
        if len(raw) != 4 * width or len(word) > MOST_LINE or not np.isfinite(row).all():
            raise _odd(where=where, expected=f"a word and {width} finite numbers", got=f"{len(row)} numbers behind {bytes(word[:40])!r}")
        words.append(_decoded(bytes(word), where).lstrip("\n"))
        rows.append(row)
    return words, np.array(rows, dtype=np.float32)


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode().strip("\r\n")
    except UnicodeDecodeError as error:
        raise _odd(where=where, expected="text in UTF-8", got=f"the byte {raw[error.start]:#04x}") from error


def _odd(*, where: str, expected: str, got: str) -> DataError:
    return DataError(
        "DA167",
        where=where,
        expected=expected,
        got=got,
        cause="the file is damaged, or no file of word vectors",
        fix="give GloVe's or word2vec's text form; write binary=True for word2vec's binary form",
    )
