"""Texts cut as GPT-2 does it: words with the blank before them, as bytes that are written as visible characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lamina.data.text.unicode8 import BLANK
from lamina.data.text.words import extract

# GPT-2's pattern ends in \s+(?!\S)|\s+: of several blanks the last goes to the word behind. Rust's expressions don't look ahead, so
# texts are cut there first.
_PIECE = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"


@lru_cache(maxsize=1)
def _blanks() -> re.Pattern[str]:
    return re.compile(f"(?<=[{BLANK}])(?=[{BLANK}][^{BLANK}])")


def byte_words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text with the blank before them; together they are the text.

    Example:
        >>> byte_words(["It's  so 3x"])
        [['It', "'s", ' ', ' so', ' 3', 'x']]
    """
    parts = [_blanks().split(text) for text in texts]
    cut = iter(extract([part for pieces in parts for part in pieces], _PIECE))
    return [[word for _ in pieces for word in next(cut)] for pieces in parts]


def blank_first(text: str) -> bool:
    """Whether a text begins with a blank, or is empty."""
    return not text or re.match(f"[{BLANK}]", text) is not None


@lru_cache(maxsize=1)
def alphabet() -> tuple[str, ...]:
    """A visible character for each byte: itself, where it is one, else those from U+0100 on.

    Example:
        >>> alphabet()[ord("a")], alphabet()[ord(" ")]
        ('a', 'Ġ')
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in visible else next(others)) for byte in range(256))


def spelt(word: str) -> str:
    """A word as the characters of its bytes."""
    letters = alphabet()
    return "".join(letters[byte] for byte in word.encode())


@lru_cache(maxsize=1)
def _bytes() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(alphabet())}


def unspelt(letters: str) -> str:
    """The text whose bytes these characters are; what is none stays away, broken characters are marked."""
    table = _bytes()
    return bytes(table[letter] for letter in letters if letter in table).decode(errors="replace")
