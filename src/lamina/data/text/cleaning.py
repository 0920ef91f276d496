"""What can be done to words after they were cut: Deeplearning4j's token preprocessors, and words to leave out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Literal

Cleaner = Literal["common", "lower", "endings", "punctuation"]
"""``punctuation`` takes away digits and ``.:,"'()[]|/?!;``; ``common`` does that and makes letters small; ``lower`` does only the
latter; ``endings`` takes away ``s``, ``.``, ``ed``, ``ing`` and ``ly``. As StringCleaning, CommonPreprocessor, LowCasePreProcessor and
EndingPreProcessor of Deeplearning4j."""

_MARKS = re.compile(r"[0-9.:,\"'()\[\]|/?!;]+")


def _punctuation(word: str) -> str:
    return _MARKS.sub("", word)


def _common(word: str) -> str:
    return _punctuation(word).lower()


def _endings(word: str) -> str:
    if word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    # One after the other, as there: "rings" loses its s, then its ing.
    for ending in (".", "ed", "ing", "ly"):
        word = word.removesuffix(ending)
    return word


CLEANERS: dict[str, Callable[[str], str]] = {"common": _common, "lower": str.lower, "endings": _endings, "punctuation": _punctuation}


def cleaned(words: Iterable[str], cleaners: tuple[str, ...], stop: frozenset[str]) -> list[str]:
    """Words after all cleaners, one after the other; those that are empty then, or in ``stop``, are left out.

    Example:
        >>> cleaned(["The", "rings,", "42"], ("common", "endings"), frozenset({"the"}))
        ['r']
    """
    for name in cleaners:
        words = map(CLEANERS[name], words)
    return [word for word in words if word and word not in stop]


def without_accents(text: str) -> str:
    """Letters without their accents, as scikit-learn's ``strip_accents="unicode"``.

    Example:
        >>> without_accents("Crème brûlée")
        'Creme brulee'
    """
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


_ENGLISH = """
a about above after again against all am an and any are aren't as at be because been before being below between both but by can can't
cannot could couldn't did didn't do does doesn't doing don't down during each few for from further had hadn't has hasn't have haven't
having he he'd he'll he's her here here's hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it it's its
itself let's me more most mustn't my myself no nor not of off on once only or other ought our ours ourselves out over own same shan't she
she'd she'll she's should shouldn't so some such than that that's the their theirs them themselves then there there's these they they'd
they'll they're they've this those through to too under until up very was wasn't we we'd we'll we're we've were weren't what what's when
when's where where's which while who who's whom why why's will with won't would wouldn't you you'd you'll you're you've your yours
yourself yourselves
"""
ENGLISH = frozenset(_ENGLISH.split())
"""English words that say little of what a text is about: articles, pronouns, prepositions, auxiliary verbs."""
