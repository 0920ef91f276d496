"""Texts cut into words and marks as BERT does it, character for character as the library ``tokenizers``."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from lamina.data.text.unicode8 import BLANK, CHINESE, CONTROL, MARKS, PUNCTUATION


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        "control": re.compile(f"[{CONTROL}]"),
        "chinese": re.compile(f"[{CHINESE}]"),
        "marks": re.compile(f"[{MARKS}]"),
        "words": re.compile(f"[{PUNCTUATION}]|[^{BLANK}{PUNCTUATION}]+"),
    }


def bert_words(text: str, *, lower: bool, strip_accents: bool, split_chinese: bool, clean: bool) -> list[str]:
    """Words and single marks.

    Args:
        text: The text.
        lower: Whether letters are made small, each for itself.
        strip_accents: Whether letters lose their accents.
        split_chinese: Whether each Chinese character is a word.
        clean: Whether control characters are taken out.

    Example:
        >>> bert_words("Héllo, 中文!", lower=True, strip_accents=True, split_chinese=True, clean=True)
        ['hello', ',', '中', '文', '!']
    """
    patterns = _patterns()
    if clean:
        text = patterns["control"].sub("", text)
    if not text.isascii():
        if split_chinese:
            text = patterns["chinese"].sub(r" \g<0> ", text)
        if strip_accents:
            text = patterns["marks"].sub("", unicodedata.normalize("NFD", text))
    # At the end of a word Python makes another sigma of Σ than in its middle.
    return patterns["words"].findall(lowered(text) if lower else text)


def lowered(text: str) -> str:
    """Small letters, each made for itself."""
    return text.lower() if text.isascii() else text.replace("Σ", "σ").lower()
