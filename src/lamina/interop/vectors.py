"""Vectors of words that were learned elsewhere, whatever file they come in: recognised by content."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.given import Given
from lamina.interop.problems import unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamina.data.text.vectors import WordVectors

CODED = "B64:"
"""What Deeplearning4j puts before words, which it writes in base 64."""


def load_vectors(path: str | os.PathLike[str], *, most: int | None = None) -> WordVectors:
    r"""The vectors of a file.

    Text of word2vec, GloVe and fastText (``.vec``), word2vec's binary form, fastText's models (``.bin``), and
    Deeplearning4j's Word2Vec zips. Text and word2vec's binary form may be compressed.

    Args:
        path: The file.
        most: Only so many words, the first ones; of word2vec's files the most frequent.

    Returns:
        Words and vectors; ``vectors.rows(tokens)`` is what `lamina.Embedding` takes as ``vectors``.

    Raises:
        DataError: DA167, for a file that is no such thing.
        InteropError: IO002 or IO003, for a zip or a model that is damaged, or declares more than it can hold.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "vectors.txt"
        >>> _ = path.write_text("good 0.5 1.0\nbad -0.5 0.0\n")
        >>> load_vectors(path).rows(["bad", "unheard"])
        [[-0.5, 0.0], None]
    """
    from lamina.data.text.vectors import WordVectors
    from lamina.interop.fasttext import MAGIC, read_fasttext

    given = Given(path)
    if given.is_zip and "syn0.txt" in given.members:
        return _zipped(given, most)
    if given.head.startswith(MAGIC):
        return read_fasttext(Path(path), most)
    found = WordVectors.read(path, binary=_is_binary(Path(path)), most=most)
    return WordVectors(decoded(found.words), found.vectors)


def _is_binary(path: Path) -> bool:
    """Whether a file is of word2vec's binary form: two counts, a word, and then no numbers in words."""
    from lamina.data.storage import open_file

    with open_file(path).open() as stream:
        head = stream.readline(100).split()
        if len(head) != 2 or not all(part.isdigit() for part in head):
            return False
        line = stream.read(400)
    parts = line.partition(b" ")[2][:40]
    return any(byte > 126 or byte < 9 for byte in parts)


def decoded(words: Sequence[str]) -> list[str]:
    """Words as they are, where Deeplearning4j wrote them in base 64.

    Example:
        >>> decoded(["B64:aXQ=", "it"])
        ['it', 'it']
    """
    return [_decoded(word) if word.startswith(CODED) else word for word in words]


def _decoded(word: str) -> str:
    try:
        return base64.b64decode(word.removeprefix(CODED), validate=True).decode()
    except (binascii.Error, ValueError):
        return word


def _zipped(given: Given, most: int | None) -> WordVectors:
    """``syn0.txt`` of a zip: a line that counts words and numbers, then a word and its numbers in each."""
    import numpy as np

    from lamina.data.text.vectors import WordVectors

    where = given.members.where("syn0.txt")
    lines = given.members.read("syn0.txt").decode(errors="replace").splitlines()
    head = lines[0].split() if lines else []
    if len(head) < 2 or not all(part.isdigit() for part in head):
        raise unreadable(where=f"{where}, line 1", expected="how many words, and how many numbers each", got=" ".join(head)[:60])
    words, rows, width = [], [], int(head[1])
    for number, line in enumerate(lines[1 : None if most is None else most + 1], 2):
        word, *numbers = line.split(" ")
        try:
            row = np.array(numbers, dtype=np.float32)
        except ValueError as error:
            raise unreadable(where=f"{where}, line {number}", expected=f"a word and {width} numbers", got=str(error)[:80]) from error
        if len(row) != width or not np.isfinite(row).all():
            raise unreadable(where=f"{where}, line {number}", expected=f"a word and {width} finite numbers", got=f"{len(row)} numbers")
        words.append(word)
        rows.append(row)
    if len(words) != int(head[0]) and most is None:
        raise unreadable(where=where, expected=f"{head[0]} words, as line 1 says", got=f"{len(words):,}")
    return WordVectors(decoded(words), np.array(rows, dtype=np.float32).reshape(len(rows), width))
