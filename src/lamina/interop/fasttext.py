"""fastText's models (``.bin``): a vector for each word, made of its own row and those of its parts."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.cursor import Cursor
from lamina.interop.problems import damaged, too_large, unreadable

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.text.vectors import WordVectors

MAGIC = struct.pack("<i", 793712314)
VERSIONS = (11, 12)
END_OF_LINE = "</s>"
SUPERVISED = 3
MOST_BYTES = 1 << 34
MOST_PART = 64


def read_fasttext(path: Path, most: int | None = None) -> WordVectors:
    """The vectors of all words of a model, as fastText prints them.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if it is too large; IO010, if it was quantised (``.ftz``).
    """
    import numpy as np

    from lamina.data.text.vectors import WordVectors

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(where=str(path), expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,}")
    cursor = Cursor(path.read_bytes(), str(path))
    if cursor.bytes(4) != MAGIC or (version := cursor.int32()) not in VERSIONS:
        raise unreadable(where=str(path), expected="a fastText model of version 11 or 12", got="another")
    settings = [cursor.int32() for _ in range(12)]
    width, kind, buckets, least, longest = settings[0], settings[7], settings[8], settings[9], settings[10]
    cursor.float64()
    if version == 11 and kind == SUPERVISED:
        longest = 0
    words, labels, pruned = _dictionary(cursor)
    if cursor.uint8():
        raise unreadable(where=str(path), expected="vectors of floats", got="quantised ones", cause="the model was made small (.ftz)")
    rows, columns, own = cursor.int64(), cursor.int64(), [word for word, number in zip(words, labels, strict=True) if number == 0]
    if not own or columns != width or rows != len(own) + buckets or buckets < 0 or width < 1 or longest > MOST_PART:
        raise damaged(where=str(path), expected=f"{len(own)} + {buckets} rows of {width}", got=f"{rows} of {columns}")
    table = cursor.numbers(rows * columns, "<f4").reshape(rows, columns)
    count, lengths = len(own), (least, longest)
    vectors = [_vector(table, word, place, count, buckets, lengths, pruned) for place, word in enumerate(own[:most])]
    return WordVectors(own[:most], np.stack(vectors).astype(np.float32))


def _dictionary(cursor: Cursor) -> tuple[list[str], list[int], dict[int, int] | None]:
    """Words, which of them are labels (1), and where rows of parts went that were pruned."""
    count, _, _ = cursor.int32(), cursor.int32(), cursor.int32()
    cursor.int64()
    pruned = cursor.int64()
    # Each entry takes at least ten bytes.
    if not 0 < count <= cursor.left // 10:
        raise damaged(where=cursor.where, expected="at least one word, and no more than fit", got=f"{count:,}")
    words, labels = [], []
    for _ in range(count):
        rest = bytes(cursor.data[cursor.place : cursor.place + 4096])
        end = rest.find(b"\0")
        if end < 0:
            raise damaged(where=f"{cursor.where}, byte {cursor.place}", expected="a word", got="no end of one")
        words.append(cursor.bytes(end).decode(errors="replace"))
        cursor.bytes(1)
        cursor.int64()
        labels.append(cursor.uint8())
    if pruned > cursor.left // 8:
        raise damaged(where=cursor.where, expected="as many pruned parts as fit", got=f"{pruned:,}")
    found = {cursor.int32(): cursor.int32() for _ in range(max(pruned, 0))}
    return words, labels, found if pruned >= 0 else None


def _vector(
    table: np.ndarray, word: str, place: int, count: int, buckets: int, lengths: tuple[int, int], pruned: dict[int, int] | None
) -> np.ndarray:
    rows = [place]
    if word != END_OF_LINE and buckets:
        for part in _parts(f"<{word}>", *lengths):
            number = _hash(part.encode()) % buckets
            if pruned is not None and number not in pruned:
                continue
            row = count + (number if pruned is None else pruned[number])
            if row < len(table):
                rows.append(row)
    found: np.ndarray = table[rows].sum(axis=0) / len(rows)
    return found


def _parts(word: str, least: int, longest: int) -> list[str]:
    """Stretches of letters of a word, but for single ones at its ends.

    Example:
        >>> _parts("<ab>", 2, 3)
        ['<a', '<ab', 'ab', 'ab>', 'b>']
    """
    found = []
    for start in range(len(word)):
        for length in range(1, longest + 1):
            end = start + length
            if end > len(word):
                break
            if length >= least and not (length == 1 and (start == 0 or end == len(word))):
                found.append(word[start:end])
    return found


def _hash(raw: bytes) -> int:
    """FNV-1a, with bytes taken for signed numbers."""
    found = 2166136261
    for byte in raw:
        found = ((found ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return found
